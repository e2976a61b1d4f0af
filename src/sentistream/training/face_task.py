"""The face networks of both profiles: the sentiment of a face.

The paper's ``visual`` learns sentiments from image sets and clips. The one of ``lite`` is trained
in three runs, each starting from the one before: ``face-stills`` and ``face-refined`` on images,
``face`` also on clips and on soft labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sentistream.datasets.labels import SENTIMENT_OF_EMOTION
from sentistream.networks.lite import FACE_EMOTIONS, FaceNetwork, Sentiments
from sentistream.networks.paper import VisualNetwork
from sentistream.training.augmentation import (
    STORED_FACE_MARGIN,
    augment_faces,
    augment_faces_weakly,
    random_detail,
    unaugmented_views,
)
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.clip_examples import ClipMoments, clip_splits
from sentistream.training.examples import Examples, emotions_by_sentiment, join
from sentistream.training.face_examples import (
    lite_face_images,
    paper_face_images,
    soft_labelled_faces,
)
from sentistream.training.model_cards import (
    BATCH_NORM_NOTE,
    CardText,
    card_figures,
    data_sets,
)
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Augmentation, Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import LITE_RECIPE, ClassificationTask, PaperTask
from sentistream.types import SENTIMENTS, FloatArray
from sentistream.vision.alignment import VIEW_SIZE

PAPER_FACE_DATA = data_sets("fer2013", "rafdb", "ck")
PAPER_FACE_WEAKNESSES = (
    "Reads expressions, not feelings: a polite smile is positive, a frown of thought negative.",
    "About one face label in ten of its data is debatable; differences between skin tones, ages "
    "and head coverings were not measured.",
    "Sees a face about 35 pixels wide in the paper's wide window: fine expressions are lost.",
)

_VISUAL_NOTE = (
    "The paper's recipe with augmentation, with fewer epochs than its 50. Image sets show only the"
    " face: the area around it in the paper's window is filled with repeated edges, one colour, or"
    " a patch of another image." + BATCH_NORM_NOTE
)
_READS = "Reads expressions, not feelings: a polite smile is positive, a frown of thought negative."
_LABELS = (
    "About one face label in ten of its data is debatable, and most mistakes are between neutral "
    "and negative: a sad face at rest looks neutral."
)
_GROUPS = (
    "Of faces called Black in FairFace, 70 % are right by our annotations, of those called White "
    "88 %; of their neutral faces 19 and 9 % are called negative. docs/lite.md has all groups.",
    "Skin tone and head coverings are not annotated in its data.",
)
_FACE_DATA = (
    {
        "source": "fer2013",
        "name": "FER2013 (Goodfellow et al. 2013), training part, with the votes of FER+ "
        "(Barsoum et al. 2016)",
        "terms": "research only",
    },
    {
        "source": "ferplus",
        "name": "further faces of FER2013 to which the crowd of FER+ gave one of the four emotions",
        "terms": "research only",
    },
    *data_sets("ck", "java-sed", "rafdb"),
    {
        "source": "fairface",
        "name": "FairFace (Karkkainen and Joo 2021), 347 faces of people of all ages, with our "
        "annotations",
        "terms": "research only",
    },
    {
        "source": "everyday",
        "name": "faces in everyday clips (stock, film, webcams, classrooms) of half of the people",
        "terms": "research only",
    },
)

_SMOOTHING = 0.08
_EMOTIONS_BY_SENTIMENT = emotions_by_sentiment(FACE_EMOTIONS)


class VisualTask(PaperTask):
    """The paper's face network (Table 2)."""

    name = "visual"
    recipe: Recipe = Recipe(
        augmentation=Augmentation(rotation=25, shift=0.1, shear=0.2, zoom=0.2, flip=True)
    )
    card_text: CardText = CardText(
        task="Sentiment of a face (Table 2)",
        data=(*PAPER_FACE_DATA, *data_sets("java-sed")),
        weaknesses=PAPER_FACE_WEAKNESSES,
        recipe_note=_VISUAL_NOTE,
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        clips = clip_splits(preparation, ClipMoments.faces)
        images = paper_face_images(preparation)
        return Splits(join([images.train, clips.train]), join([images.held_out, clips.held_out]))

    def build(self, runs: Path) -> nn.Module:
        return VisualNetwork()


class PlainVisualTask(VisualTask):
    """The paper's variant without augmentation."""

    name = "visual-plain"
    recipe: Recipe = Recipe()
    shipped = False
    card_text: CardText = CardText(
        task="Sentiment of a face (Table 2), trained without augmentation",
        data=(*PAPER_FACE_DATA, *data_sets("java-sed")),
        weaknesses=PAPER_FACE_WEAKNESSES,
        recipe_note=_VISUAL_NOTE.replace("with augmentation", "without augmentation"),
    )


class FaceStillsTask(ClassificationTask):
    """The first run of the ``lite`` face network: four emotions of aligned faces."""

    profile = "lite"
    name = "face-stills"
    recipe = LITE_RECIPE
    published_classes: tuple[int, ...] | None = tuple(
        SENTIMENTS.index(SENTIMENT_OF_EMOTION[name]) for name in FACE_EMOTIONS
    )
    card_text: CardText = CardText(
        task="Sentiment of an aligned face, on brightness only, before training on clips",
        data=(),
        weaknesses=(_READS, _LABELS),
        recipe_note="It distinguishes four emotions, which are added up to three sentiments.",
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return lite_face_images(preparation)

    def build(self, runs: Path) -> nn.Module:
        return FaceNetwork()

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        return [augment_faces(inputs[0])], labels

    def exported(self, network: nn.Module) -> nn.Module:
        return Sentiments(network, FACE_EMOTIONS)


class FaceRefinedTask(FaceStillsTask):
    """The second run: weaker augmentation."""

    name = "face-refined"
    recipe: Recipe = replace(LITE_RECIPE, learning_rate=0.0012, epochs=14)
    card_text: CardText = CardText(
        task="Sentiment of an aligned face, on brightness only, before training on clips",
        data=(),
        weaknesses=(_READS, _LABELS),
        recipe_note="Continues from face-stills with gentler augmentation.",
    )

    def build(self, runs: Path) -> nn.Module:
        return _trained_network(runs / "face-stills")

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        return [augment_faces_weakly(inputs[0])], labels


class FaceTask(FaceRefinedTask):
    """The last run: clips and soft labels."""

    name = "face"
    recipe: Recipe = replace(
        LITE_RECIPE, learning_rate=0.0012, epochs=16, label_smoothing=0.0, average=0.998
    )
    published_classes: None = None
    int8_input: str = "face"
    card_text: CardText = CardText(
        task="Sentiment of an aligned face, on brightness only",
        data=_FACE_DATA,
        weaknesses=(_READS, _LABELS, *_GROUPS),
        recipe_note=(
            "Continues from face-refined with faces from real clips and soft labels: shares of a "
            "crowd's votes; for 347 faces of FairFace, six times each, and for everyday clips, our "
            "annotations (two passes of a large vision-language model, not people); for frames of "
            "other unlabelled clips, the previous network's answer for the whole clip, moved "
            "towards neutral. "
            "It distinguishes four emotions, which are added up; the profile "
            "combines the picture and its mirror image, the figures are for one view. The shipped "
            "run continued from version 2026.12.01 with a fourth block of convolutions that at "
            "first changed nothing. That version had seen 48x48 pixels at first: face-stills (32 "
            "of its 36 epochs, near-duplicates of held-out images not yet dropped), face-refined, "
            "and 23 epochs with clips and soft labels."
        ),
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return soft_labelled_faces(preparation)

    def build(self, runs: Path) -> nn.Module:
        return _trained_network(runs / "face-refined")

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        return [random_detail(augment_faces_weakly(inputs[0]), share=0.4)], labels

    def as_shown(self, train: Examples) -> Mapping[str, NDArray[Any]]:
        return {"face": unaugmented_views(train.inputs["face"], VIEW_SIZE, STORED_FACE_MARGIN)}

    def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Cross entropy of slightly smoothed emotions and, half as much, of sentiments.

        Args:
            outputs: Logits of ``FACE_EMOTIONS``, (N, 4).
            labels: Shares of them, (N, 4).
            label_smoothing: Ignored.
        """
        targets = labels * (1 - _SMOOTHING) + _SMOOTHING / labels.shape[1]
        loss = -(targets * outputs.log_softmax(dim=1)).sum(dim=1).mean()
        predicted = _sentiment_shares(functional.softmax(outputs, dim=1))
        expected = _sentiment_shares(labels)
        return loss - 0.5 * (expected * predicted.clamp_min(1e-4).log()).sum(dim=1).mean()

    def evaluation_loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return self.loss(outputs, labels)

    def correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Whether the most likely sentiment is that of the label, (N,)."""
        predicted = _sentiment_shares(functional.softmax(outputs, dim=1)).argmax(dim=1)
        return (predicted == _sentiment_shares(labels).argmax(dim=1)).cpu()

    def figures(self, answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
        shares = torch.from_numpy(np.asarray(held_out.labels, np.float32))
        labels = _sentiment_shares(shares).argmax(dim=1).numpy()
        return card_figures(answers, replace(held_out, labels=labels))


def _trained_network(run: Path) -> FaceNetwork:
    network = FaceNetwork()
    load_network_weights(run, network)
    return network


def _sentiment_shares(shares: Tensor) -> Tensor:
    """Shares of emotions, (N, 4), added up to sentiments, (N, 3)."""
    return torch.stack([shares[:, list(one)].sum(dim=1) for one in _EMOTIONS_BY_SENTIMENT], dim=1)
