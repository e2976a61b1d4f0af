"""Write the held-out mouths that are clearly open or closed, with manifests.

Run `python scripts/export_annotated_mouths.py DATA FOLDER`, then
`sentistream evaluate --task mouths --manifest FOLDER/manifest.csv --out OUT`. DATA holds
face_boxes.parquet, faces.parquet, mouths.parquet, everyday/ and javased/. manifest.csv has those
that are open or closed by our annotations, with the columns path, label, person, set, state
(closed, teeth, open), expression (as the set labels the face or clip) and lip_gap (the set's own
label of the mouth); java-sed.csv has Java-SED's, labelled by lip gap.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from sentistream.datasets.labels import MOUTH_STATES
from sentistream.training.clip_examples import everyday_clips
from sentistream.training.mouth_annotations import (
    AnnotatedMouth,
    annotated_clips,
    annotated_fairface,
    annotated_stills,
)
from sentistream.training.mouth_task import java_sed_mouths
from sentistream.training.preparation import Preparation

SMALLEST, LARGEST = 32, 160  # width and height of a written crop, pixels


def main() -> None:
    """Write the mouths as PNG, and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    _write_java_sed(options.data, options.folder)
    with (options.folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "person", "set", "state", "expression", "lip_gap"])
        for number, (mouth, expression, gap) in enumerate(_mouths(options.data, options.folder)):
            name = f"{mouth.row.collection}-{number:04d}.png"
            side = min(LARGEST, max(SMALLEST, round(mouth.window.width)))
            pixels = mouth.picture.crop(mouth.window, side, side)
            Image.fromarray(pixels).save(options.folder / name)
            label = "open" if mouth.row.is_open else "closed"
            row = mouth.row
            writer.writerow([name, label, mouth.person, row.collection, row.state, expression, gap])


def _write_java_sed(data: Path, folder: Path) -> None:
    mouths = java_sed_mouths(Preparation(data, folder / "prepared"), held_out=True)
    with (folder / "java-sed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "person"])
        rows = zip(mouths.inputs["mouth"], mouths.labels, mouths.people, strict=True)
        for number, (crop, label, person) in enumerate(rows):
            name = f"java-sed-{number:04d}.png"
            Image.fromarray(crop[..., 0]).save(folder / name)
            writer.writerow([name, MOUTH_STATES[label], person])


def _mouths(data: Path, work: Path) -> Iterator[tuple[AnnotatedMouth, str, str]]:
    """Each mouth, the face's expression and the mouth's own label, where the set has them."""
    preparation = Preparation(data, work / "prepared")
    clips = data / "everyday" / "clips"
    labels = {path.name: label for path, _, label in everyday_clips(clips, held_out=True)}
    for name in ("faces", "mouths"):
        for image in preparation.images(name, "validation"):
            for mouth in annotated_stills([image]):
                yield (mouth, image.label, "") if name == "faces" else (mouth, "", image.label)
    further = itertools.chain(
        annotated_fairface(data / "face_boxes.parquet", held_out=True),
        annotated_clips(clips, held_out=True),
    )
    for mouth in further:
        yield mouth, labels.get(mouth.row.name, ""), ""


if __name__ == "__main__":
    main()
