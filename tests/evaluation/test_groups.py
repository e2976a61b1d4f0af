"""Differences between groups, and measurement of a face's appearance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portrait_geometry import PORTRAIT_FACE
from sentistream.datasets.manifest import Item, read_manifest
from sentistream.evaluation.evaluation_results import results_by_group
from sentistream.evaluation.face_attributes import add_face_attributes, measure_face
from sentistream.evaluation.predictions import Prediction
from sentistream.types import SENTIMENTS, Distribution, FloatArray, UInt8Array
from synthetic_clips import flat, write_clip


def prediction(right: bool, person: str, **groups: str) -> Prediction:
    distribution = Distribution(1, 0, 0) if right else Distribution(0, 0, 1)
    return Prediction(Item(Path("x"), 0, person, groups=groups), np.array(distribution.as_tuple()))


def test_extra_manifest_columns_group_the_answers(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text("path,label,person,sex\na.mp4,happy,ann,woman\nb.mp4,sad,bob,man\n")
    items, _ = read_manifest(manifest, SENTIMENTS)
    assert [item.groups for item in items] == [{"sex": "woman"}, {"sex": "man"}]


def test_groups_are_measured_separately() -> None:
    predictions = [prediction(index < 9, "ann", sex="woman") for index in range(10)]
    predictions += [prediction(index < 3, "bob", sex="man") for index in range(10)]
    group = results_by_group(predictions, classes=3)["sex"]
    assert group["values"]["woman"]["accuracy"] == 0.9
    assert group["values"]["man"]["accuracy"] == 0.3
    assert group["values"]["man"]["people"] == 1
    assert group["largest_difference"]["between"] == ["woman", "man"]
    # the second example of Newcombe (1998)
    assert group["largest_difference"]["ci95"] == pytest.approx([0.1705, 0.8090], abs=1e-4)


def test_column_of_unique_values_is_no_group() -> None:
    names = [prediction(True, "ann", file=str(index)) for index in range(30)]
    assert results_by_group(names, classes=3) == {}
    assert results_by_group([prediction(True, "ann", set="one")], classes=3) == {}


def test_unknown_values_form_a_group_without_comparison() -> None:
    predictions = [prediction(True, "ann", sex="woman"), prediction(False, "bob", sex="")]
    group = results_by_group(predictions, classes=3)["sex"]
    assert list(group["values"]) == ["woman", "not known"]
    assert group["largest_difference"] is None


def oval() -> FloatArray:
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack([50 + 40 * np.cos(angles), 50 + 40 * np.sin(angles)], axis=1)
    return np.concatenate([jaw, np.full((51, 2), 50.0)]).astype(np.float32)


def test_appearance_of_flat_pictures() -> None:
    grey = measure_face(np.full((100, 100, 3), 60, np.uint8), oval())
    assert grey is not None
    assert grey.width == pytest.approx(80)
    assert grey.luma == pytest.approx(60, abs=0.1)
    assert grey.groups() == {"face_size": "small", "face_brightness": "dark", "colour": "grey"}
    red = measure_face(np.full((200, 200, 3), (255, 200, 100), np.uint8), oval() * 2)
    assert red is not None
    assert red.groups() == {"face_size": "large", "face_brightness": "bright", "colour": "colour"}
    assert measure_face(np.zeros((10, 10, 3), np.uint8), oval() + 500) is None


def test_appearance_of_real_faces(tmp_path: Path, portrait: UInt8Array) -> None:
    box = PORTRAIT_FACE.scaled(1.4)
    face = portrait[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
    Image.fromarray(face).save(tmp_path / "colour.png")
    Image.fromarray(face).convert("L").point(lambda value: value // 3).save(tmp_path / "dark.png")
    (tmp_path / "text.png").write_text("no image")
    items = [Item(tmp_path / name, 0, "") for name in ("colour.png", "dark.png", "text.png")]
    colour, dark, text = (item.groups for item in add_face_attributes(items, "faces"))
    assert colour["colour"] == "colour"
    assert dark["colour"] == "grey"
    assert dark["face_brightness"] == "dark"
    assert text["colour"] == ""

    clip = write_clip(tmp_path / "face.mp4", [(index / 25, portrait) for index in range(5)])
    empty = write_clip(tmp_path / "empty.mp4", [(index / 25, flat(90)) for index in range(5)])
    seen, unseen = add_face_attributes([Item(clip, 0, ""), Item(empty, 0, "")], "clips")
    assert seen.groups["colour"] == "colour"
    assert unseen.groups == {"face_size": "", "face_brightness": "", "colour": ""}
