"""Our own annotations of expressions."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")

from PIL import Image

from sentistream.networks.lite import FACE_EMOTIONS
from sentistream.training.expression_annotations import (
    ANNOTATIONS,
    EVERYDAY,
    FAIRFACE,
    annotated_images,
    expression_shares,
    fairface_name,
    has_annotated_images,
    is_fairface_held_out,
)


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(ANNOTATIONS.read_text("utf-8").splitlines()))


def test_each_picture_and_clip_is_annotated_once_with_known_labels() -> None:
    assert len({(row["set"], row["name"]) for row in rows()}) == len(rows())
    assert {row["set"] for row in rows()} == {FAIRFACE, EVERYDAY}
    labels = {row[one] for row in rows() for one in ("first", "second")}
    assert labels == {*FACE_EMOTIONS, "other", "unclear"}
    assert {row[f"{one}_sureness"] for row in rows() for one in ("first", "second")} <= set("123")


def test_shares_follow_both_annotations() -> None:
    for row in rows():
        shares = expression_shares(row["set"], row["name"])
        votes = [row["first"], row["second"]]
        if not set(votes) <= set(FACE_EMOTIONS):
            assert shares is None
            continue
        assert shares is not None
        assert shares.sum() == pytest.approx(1)
        if votes[0] == votes[1]:
            assert FACE_EMOTIONS[int(shares.argmax())] == votes[0]
            assert shares.max() >= 0.7 - 1e-6


def test_unknown_picture_has_no_annotation() -> None:
    assert expression_shares(FAIRFACE, "train/0.jpg") is None


def test_about_half_of_the_pictures_are_held_out() -> None:
    names = [row["name"] for row in rows() if row["set"] == FAIRFACE]
    held_out = [is_fairface_held_out(name, "train") for name in names]
    assert 0.4 < np.mean(held_out) < 0.6
    assert all(is_fairface_held_out(name, "validation") for name in names)


def test_pictures_are_split_and_others_left_out(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    names = [row["name"] for row in rows() if row["set"] == FAIRFACE][:40]
    content = io.BytesIO()
    Image.new("RGB", (20, 20), (90, 80, 70)).save(content, "PNG")
    table = [
        {
            "image": content.getvalue() if number else b"broken",
            "source": f"FairFace somewhere@1:fair_face/{name}",
            "split": "train",
            "info": "Indian|Female|20-29",
        }
        for number, name in enumerate(names)
    ]
    table.append({**table[1], "source": "marellanoc/MaskON@1:images/1.jpg"})
    parquet.write_table(pyarrow.Table.from_pylist(table), tmp_path / "face_boxes.parquet")
    problems: list[str] = []
    found = {
        held_out: [
            image.name
            for image, _ in annotated_images(
                tmp_path / "face_boxes.parquet", held_out=held_out, on_problem=problems.append
            )
        ]
        for held_out in (False, True)
    }
    assert found[False]
    assert found[True]
    usable = {name for name in names[1:] if expression_shares(FAIRFACE, name) is not None}
    assert {*found[False], *found[True]} == usable
    assert not {*found[False]} & {*found[True]}
    assert len(problems) <= 1


def test_file_without_annotated_pictures_has_none(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    row = {"image": b"", "source": "made", "split": "train"}
    parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "face_boxes.parquet")
    for held_out in (False, True):
        assert not has_annotated_images(tmp_path / "face_boxes.parquet", held_out=held_out)


def test_name_of_a_picture_without_the_set_s_folder_is_empty_or_unknown() -> None:
    assert fairface_name("FairFace a/b@1:fair_face/val/12.jpg") == "val/12.jpg"
    assert fairface_name("WIDER FACE val image") == "WIDER FACE val image"
