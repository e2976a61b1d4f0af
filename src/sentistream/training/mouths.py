"""Mouth crops with their state."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sentistream.datasets.images import LabelledImage
from sentistream.media.resample import as_square
from sentistream.training.examples import Examples
from sentistream.training.leakage import content_key
from sentistream.vision.crops import MOUTH_SIZE


def prepare_mouths(images: Iterable[LabelledImage]) -> Examples:
    """Crops brought to the network's input; label 1 is open."""
    crops, labels, people, sources, clips = [], [], [], [], []
    for image in images:
        crops.append(as_square(image.pixels, MOUTH_SIZE))
        labels.append(int(image.label == "open"))
        people.append(f"{image.source}-{image.person}" if image.person else "")
        sources.append(image.source)
        clips.append(content_key(image.pixels))
    return Examples(
        inputs={"mouth": np.stack(crops)},
        labels=np.array(labels, dtype=np.int64),
        people=np.array(people),
        sources=np.array(sources),
        clips=np.array(clips),
    )
