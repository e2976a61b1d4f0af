"""The mouth networks of both profiles: is this mouth open?"""

from __future__ import annotations

import itertools
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
from sentistream.training.mouth_annotations import (
    ANNOTATIONS,
    annotated_clips,
    annotated_fairface,
    annotated_stills,
    judged_mouth,
)
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Augmentation, Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import LITE_RECIPE, ClassificationTask, PaperTask
from sentistream.vision.crops import MOUTH_SIZE, mouth_window
from sentistream.vision.face_geometry import lip_gap

_ANNOTATED_REPEATS = 3  # of the annotated mouths, which are right more often than the others


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
        data=(
            *data_sets("web_mouths", "java-sed"),
            {
                "source": "ytf",
                "name": "Mouth crops of YouTube Faces (Wolf et al. 2011), labelled by lip gap; "
                "700 of them by our annotations",
                "terms": "research only",
            },
            {
                "source": "rafdb",
                "name": "RAF-DB (Li et al. 2017), 4,688 images of its training part, with our "
                "annotations",
                "terms": "non-commercial research only",
            },
            {
                "source": "fairface",
                "name": "FairFace (Karkkainen and Joo 2021), 363 faces of people of all ages, "
                "with our annotations",
                "terms": "research only",
            },
            {
                "source": "everyday",
                "name": "mouths in everyday clips (stock, film, webcams, classrooms) of half of "
                "the people, with our annotations",
                "terms": "research only",
            },
        ),
        weaknesses=(
            "About one label in ten by lip gap is wrong, and a barely open mouth is as often "
            "labelled closed.",
            "Lips that are parted by a thin gap were left out: they may come out either way.",
            "A smile that shows the teeth counts as open.",
        ),
        recipe_note=(
            "Crops are shifted, rotated, relit, mirrored and blurred. Our annotations were made "
            "by a large vision-language model, not by people; each annotated mouth of RAF-DB, "
            "FairFace and everyday clips is used three times in an epoch."
        ),
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

    images = preparation.image_splits(
        lambda split: preparation.examples(
            f"lite-mouths-{split}",
            [*preparation.image_files("mouths"), ANNOTATIONS],
            lambda _: lite_mouth_examples(preparation.images("mouths", split)),
        )
    )
    train = [images.train, java_sed_mouths(preparation, held_out=False)]
    held_out = [images.held_out, java_sed_mouths(preparation, held_out=True)]
    for examples, repeats, held in ((train, _ANNOTATED_REPEATS, False), (held_out, 1, True)):
        annotated = _annotated_examples(preparation, held_out=held)
        examples += [annotated] * (repeats if len(annotated) else 0)
    return Splits(join(train), join(held_out))


def java_sed_mouths(preparation: Preparation, *, held_out: bool) -> Examples:
    """Mouths of Java-SED's clips that are clearly open or closed by their lip gap."""
    return lite_clip_examples(
        preparation,
        "lite-clip-mouths",
        java_sed_clips(preparation, held_out=held_out),
        _clip_mouths,
        held_out=held_out,
        input_name="mouth",
        labels=CLASS_LABELS,
    )


def lite_mouth_examples(images: Iterable[LabelledImage]) -> Examples:
    """Brightness crops, (N, 32, 32, 1); label 1 is open.

    In training, our own annotation of a mouth replaces its label.
    """
    rows = []
    for image in images:
        is_open: bool | None = image.label == "open"
        annotation = judged_mouth(image.source, image.name) if image.split == "train" else None
        if annotation is not None:
            is_open = annotation.is_open
        if is_open is None:
            continue
        mouth = as_square(RgbPicture(image.pixels).luma, LITE_MOUTH_SIZE)[..., np.newaxis]
        key = content_key(image.pixels)
        rows.append((mouth, int(is_open), person_of(image), image.source, key))
    arrays = rows_as_arrays("mouth", rows, (LITE_MOUTH_SIZE, LITE_MOUTH_SIZE, 1))
    return examples_from("mouth", [arrays], CLASS_LABELS)


def _annotated_examples(preparation: Preparation, *, held_out: bool) -> Examples:
    """Mouths of faces and of everyday clips with our own annotations; empty without the data."""
    boxes = preparation.data / "face_boxes.parquet"
    clips = preparation.data / "everyday" / "clips"
    faces = [path for path in preparation.image_files("faces") if path.exists()]
    split = "validation" if held_out else "train"

    def make(_: Path) -> Examples:
        report = preparation.on_problem
        mouths = itertools.chain(
            annotated_stills(preparation.images("faces", split)) if faces else (),
            annotated_fairface(boxes, held_out=held_out, on_problem=report)
            if boxes.exists()
            else (),
            annotated_clips(clips, held_out=held_out, on_problem=report) if clips.exists() else (),
        )
        rows = []
        for mouth in mouths:
            preparation.on_progress("annotated mouths")
            crop = resample(mouth.picture.luma, mouth.window, LITE_MOUTH_SIZE, LITE_MOUTH_SIZE)
            row = (crop[..., np.newaxis], int(mouth.row.is_open or False), mouth.person)
            rows.append((*row, mouth.row.collection, content_key(crop)))
        arrays = rows_as_arrays("mouth", rows, (LITE_MOUTH_SIZE, LITE_MOUTH_SIZE, 1))
        return examples_from("mouth", [arrays], CLASS_LABELS)

    files = [*faces, *(path for path in (boxes,) if path.exists()), *sorted(clips.glob("*.mp4"))]
    return preparation.examples(f"lite-annotated-mouths-{held_out}", [*files, ANNOTATIONS], make)


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
