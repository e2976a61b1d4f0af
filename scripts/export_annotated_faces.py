"""Write the held-out faces of FairFace that are annotated, with a manifest.

Run `python scripts/export_annotated_faces.py DATA FOLDER`, then
`sentistream evaluate --task faces --manifest FOLDER/manifest.csv --out OUT`. DATA holds
face_boxes.parquet; the manifest has the columns path, label, race, sex and age.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import pyarrow.parquet
from PIL import Image

from sentistream.networks.lite import FACE_EMOTIONS
from sentistream.training.examples import emotions_by_sentiment
from sentistream.training.expression_annotations import annotated_images, fairface_name
from sentistream.types import SENTIMENTS


def main() -> None:
    """Write the faces as PNG, and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    boxes = options.data / "face_boxes.parquet"
    table = pyarrow.parquet.read_table(boxes, columns=["source", "info"]).to_pylist()
    info = {fairface_name(row["source"]): row["info"].split("|") for row in table}
    emotions = emotions_by_sentiment(FACE_EMOTIONS)
    options.folder.mkdir(parents=True, exist_ok=True)
    with (options.folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "race", "sex", "age"])
        for image, shares in annotated_images(boxes, held_out=True):
            name = image.name.replace("/", "-").removesuffix(".jpg") + ".png"
            Image.fromarray(image.pixels).save(options.folder / name)
            label = max(
                range(len(SENTIMENTS)), key=lambda one: sum(shares[n] for n in emotions[one])
            )
            writer.writerow([name, SENTIMENTS[label], *info[image.name]])


if __name__ == "__main__":
    main()
