"""The mouth networks of both profiles: is this mouth open?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sentistream.datasets.images import LabelledImage
from sentistream.datasets.recordings import Recording
from sentistream.decision.lite import MOUTH_SIZE as LITE_MOUTH_SIZE
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import as_square, resample
from sentistream.networks.lite import MouthNetwork as LiteMouthNetwork
from sentistream.networks.paper import MouthNetwork
from sentistream.training.augmentation import augment_mouths
from sentistream.training.clip_examples import (
    CLOSED_GAP,
    OPEN_GAP,
    ClipMoments,
    clip_splits,
    java_sed_clips,
    lite_clip_examples,
    person_and_source,
    single_face_moments,
)
from sentistream.training.examples import (
    CLASS_LABELS,
    Arrays,
    Examples,
    content_key,
    examples_from,
    join,
    person_of,
    rows_as_arrays,
)
from sentistream.training.model_cards import CardText, data_sets
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Augmentation, Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import LITE_RECIPE, ClassificationTask, PaperTask
from sentistream.vision.crops import MOUTH_SIZE, mouth_window
from sentistream.vision.face_geometry import lip_gap


class PaperMouthTask(PaperTask):
    """The paper's mouth network (Table 1)."""

    name = "mouth"
    recipe: Recipe = Recipe(augmentation=Augmentation(rotation=30))
    outputs: tuple[str, ...] = ("open",)
    card_text: CardText = CardText(
        task="Is the mouth in this crop open? (Table 1)",
        data=(
            *data_sets("web_mouths", "ytf"),
            {
                "source": "java-sed",
                "name": "Java-SED clips of speakers 01, 02, 06, 07, labelled by lip gap",
                "terms": "MIT",
            },
        ),
        weaknesses=(
            "About one label in ten by lip gap is wrong; moustaches and dark or blurred mouths "
            "are the hardest.",
            "A wide smile with the teeth showing counts as open.",
        ),
        recipe_note="The paper's recipe.",
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        images = paper_mouth_images(preparation)
        clips = clip_splits(preparation, ClipMoments.mouths)
        return Splits(join([images.train, clips.train]), join([images.held_out, clips.held_out]))

    def build(self, runs: Path) -> nn.Module:
        return MouthNetwork()


class LiteMouthTask(ClassificationTask):
    """The mouth network of ``lite``, on brightness only."""

    profile = "lite"
    name = "mouth"
    recipe: Recipe = replace(
        LITE_RECIPE, learning_rate=0.003, warm_up=0.05, batch=64, epochs=20, average=0.998
    )
    outputs: tuple[str, ...] = ("open",)
    card_text: CardText = CardText(
        task="Is the mouth in this crop open? On brightness only",
        data=(),
        weaknesses=(
            "About one label in ten by lip gap is wrong, and a barely open mouth is as often "
            "labelled closed.",
            "A wide smile with the teeth showing counts as open.",
        ),
        recipe_note="Crops are shifted, rotated, relit, mirrored and blurred.",
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return lite_mouths(preparation)

    def build(self, runs: Path) -> nn.Module:
        return LiteMouthNetwork()

    def augment(
        self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        return [augment_mouths(inputs[0])], labels


def paper_mouth_images(preparation: Preparation) -> Splits:
    """Mouth crops of image sets for the paper's network."""
    return preparation.image_splits(
        lambda split: preparation.examples(
            f"mouths-{split}",
            preparation.image_files("mouths"),
            lambda _: paper_mouth_examples(preparation.images("mouths", split)),
        )
    )


def paper_mouth_examples(images: Iterable[LabelledImage]) -> Examples:
    """RGB crops, (N, 28, 28, 3); label 1 is open."""
    crops, labels, people, sources, clips = [], [], [], [], []
    for image in images:
        crops.append(as_square(image.pixels, MOUTH_SIZE))
        labels.append(int(image.label == "open"))
        people.append(person_of(image))
        sources.append(image.source)
        clips.append(content_key(image.pixels))
    return Examples(
        inputs={"mouth": np.stack(crops)},
        labels=np.array(labels, dtype=np.int64),
        people=np.array(people),
        sources=np.array(sources),
        clips=np.array(clips),
    )


def lite_mouths(preparation: Preparation) -> Splits:
    """Mouths of image sets and of Java-SED clips for the ``lite`` network."""

    def clips(*, held_out: bool) -> Examples:
        return lite_clip_examples(
            preparation,
            "lite-clip-mouths",
            java_sed_clips(preparation, held_out=held_out),
            _clip_mouths,
            held_out=held_out,
            input_name="mouth",
            labels=CLASS_LABELS,
        )

    from_clips = Splits(clips(held_out=False), clips(held_out=True))
    images = preparation.image_splits(
        lambda split: preparation.examples(
            f"lite-mouths-{split}",
            preparation.image_files("mouths"),
            lambda _: lite_mouth_examples(preparation.images("mouths", split)),
        )
    )
    return Splits(
        join([images.train, from_clips.train]), join([images.held_out, from_clips.held_out])
    )


def lite_mouth_examples(images: Iterable[LabelledImage]) -> Examples:
    """Brightness crops, (N, 32, 32, 1); label 1 is open."""
    rows = []
    for image in images:
        mouth = as_square(RgbPicture(image.pixels).luma, LITE_MOUTH_SIZE)[..., np.newaxis]
        key = content_key(image.pixels)
        rows.append((mouth, int(image.label == "open"), person_of(image), image.source, key))
    arrays = rows_as_arrays("mouth", rows, (LITE_MOUTH_SIZE, LITE_MOUTH_SIZE, 1))
    return examples_from("mouth", [arrays], CLASS_LABELS)


def _clip_mouths(items: Sequence[tuple[Recording, bool]]) -> Arrays:
    rows = []
    for clip, _ in items:
        for luma, points, key in single_face_moments(clip):
            gap = lip_gap(points)
            if CLOSED_GAP <= gap <= OPEN_GAP:
                continue
            mouth = resample(luma, mouth_window(points), LITE_MOUTH_SIZE, LITE_MOUTH_SIZE)
            label = int(gap > OPEN_GAP)
            rows.append((mouth[..., np.newaxis], label, *person_and_source(clip), key))
    return rows_as_arrays("mouth", rows, (LITE_MOUTH_SIZE, LITE_MOUTH_SIZE, 1))
