"""Every value compares, hashes, copies, pickles and prints, whatever it holds."""

from __future__ import annotations

import collections.abc
import copy
import dataclasses
import importlib
import pickle
import pkgutil
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import sentistream
from clips import clicks, flashing, write_clip
from sentistream.datasets.dataset import Sample
from sentistream.datasets.images import LabelledImage
from sentistream.datasets.manifest import Item
from sentistream.media import open_source
from sentistream.media.picture import RgbPicture
from sentistream.types import Box, Face, FloatArray, Label, Moment, Reading
from sentistream.values import ByValue

# worked on elsewhere, or of no use to others
_INNER = ("training", "vision", "networks", "voice", "demo")


def pixels() -> Any:
    return np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)


def face() -> Face:
    points: FloatArray = np.zeros((68, 2), np.float32)
    points[:, 0] = np.arange(68)
    return Face(track=1, box=Box(1, 2, 30, 40), landmarks=points, score=1.0)


def moment() -> Moment:
    return Moment(1.0, RgbPicture(pixels()), 0.9, np.arange(480, dtype=np.float32))


MAKERS = [
    face,
    moment,
    lambda: Reading(time=1.0, face=face(), label=Label.UNKNOWN),
    lambda: LabelledImage(pixels(), "positive", "a", "train", "p", "n"),
    lambda: Sample(name="a", medium="image", path=Path("a"), details={"age": "3"}),
    lambda: Item(Path("a"), 1, "p", "s", {"light": "dim"}),
    lambda: RgbPicture(pixels()),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_value_is_one(make: Any) -> None:
    one, other = make(), make()
    assert one == other
    assert hash(one) == hash(other)
    assert one in [None, other]
    assert {one, other} == {other}
    assert one != "something else"
    for twin in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):  # noqa: S301
        assert twin == one
        assert hash(twin) == hash(one)
    assert type(one).__name__ in repr(one)


def test_what_differs_is_not_equal() -> None:
    one = face()
    moved = dataclasses.replace(one, landmarks=one.landmarks + 1)
    assert one != moved
    assert len({one, moved}) == 2
    assert moment() != dataclasses.replace(moment(), sound=None)
    darker = Moment(1.0, RgbPicture(pixels() // 2), 0.9, moment().sound)
    assert moment() != darker


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuvj420p"])
def test_a_decoded_picture_is_a_value(tmp_path: Path, pix_fmt: str) -> None:
    codec = "mjpeg" if pix_fmt == "yuvj420p" else "libx264"
    path = tmp_path / "a.mkv"
    write_clip(
        path, flashing(1, [0.4]), clicks(1, 48_000), codec=codec, pix_fmt=pix_fmt, rotation=90
    )
    with open_source(path, tick=0.2, sound_window=0.1) as source:
        found = list(source)
    for twin in (copy.deepcopy(found[0]), pickle.loads(pickle.dumps(found[0]))):  # noqa: S301
        assert twin == found[0]
        assert hash(twin) == hash(found[0])
        assert np.array_equal(twin.picture.rgb(), found[0].picture.rgb())
        assert np.array_equal(twin.picture.luma, found[0].picture.luma)
    assert found[0] != found[2]


def _needs(hint: Any) -> bool:
    """Whether a field's type fails where dataclasses compare or hash by themselves."""
    origin = get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, np.ndarray | dict | list | set):
        return True
    if origin is collections.abc.Callable:
        return False
    return origin is collections.abc.Mapping or any(_needs(each) for each in get_args(hint))


def test_no_frozen_dataclass_is_left_out() -> None:
    left_out = []
    for module in pkgutil.walk_packages(sentistream.__path__, "sentistream."):
        inner = module.name.split(".")[1]
        if module.name.startswith("sentistream.monitor.web"):  # of one page's rendering
            continue
        if inner in _INNER or "__main__" in module.name or "migrations" in module.name:
            continue
        loaded = importlib.import_module(module.name)
        for name, kind in vars(loaded).items():
            public = isinstance(kind, type) and not name.startswith("_")
            if not public or kind.__module__ != module.name or issubclass(kind, ByValue):
                continue
            parameters = getattr(kind, "__dataclass_params__", None)
            if parameters is not None and parameters.frozen:
                try:
                    hints = get_type_hints(kind)
                except (NameError, TypeError):  # a type for the checker alone
                    continue
                fields = [each.name for each in dataclasses.fields(kind) if each.compare]
                if any(_needs(hints[field]) for field in fields):
                    left_out.append(f"{module.name}.{name}")
    assert left_out == []
