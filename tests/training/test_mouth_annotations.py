"""Our own annotations of mouths."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")

from sentistream.datasets.images import LabelledImage
from sentistream.training import mouth_annotations
from sentistream.training.mouth_annotations import (
    ANNOTATIONS,
    annotated_clips,
    annotated_stills,
    judged_mouth,
    mouth_rows,
)
from sentistream.training.mouth_task import lite_mouth_examples

STATES = {"closed", "parted", "teeth", "open", "unclear"}


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(ANNOTATIONS.read_text("utf-8").splitlines()))


def image(name: str, split: str = "train") -> LabelledImage:
    return LabelledImage(np.full((30, 40, 3), 90, np.uint8), "open", "ytf", split, "Ann", name)


def named(state: str) -> str:
    """The name of a crop of YouTube Faces whose mouth is in a state."""
    return next(
        row["name"]
        for row in rows()
        if (row["set"], row["first"], row["second"]) == ("ytf", state, "")
    )


def test_annotations_use_known_sets_and_states() -> None:
    assert {row["set"] for row in rows()} == {"everyday", "fairface", "rafdb", "ytf"}
    assert {row["first"] for row in rows()} == STATES
    assert {row["second"] for row in rows()} == STATES | {""}
    assert all(bool(row["side"]) == (row["set"] != "ytf") for row in rows())
    assert all(bool(row["time"]) == (row["set"] == "everyday") for row in rows())


def test_two_judgements_that_differ_make_a_mouth_unclear() -> None:
    for row in rows():
        judged = {row["first"], row["second"]} - {""}
        known = mouth_rows()[row["set"], row["name"]]
        states = {one.state for one in known if f"{one.time:g}" == f"{float(row['time'] or 0):g}"}
        if judged == {"closed", "open"}:
            assert "unclear" in states
        elif len(judged) == 1:
            assert judged <= states
        elif judged == {"teeth", "open"}:
            assert "open" in states


def test_image_without_an_annotation_has_none() -> None:
    assert judged_mouth("ytf", "nobody.jpg") is None
    assert not list(annotated_stills([image("nobody.jpg")]))


def test_only_clearly_open_or_closed_mouths_are_given() -> None:
    images = [image(named(state)) for state in sorted(STATES)]
    found = [(mouth.row.state, mouth.row.is_open) for mouth in annotated_stills(images)]
    assert found == [("closed", False), ("open", True), ("teeth", True)]


def test_crop_without_a_window_is_padded_to_a_square() -> None:
    (mouth,) = annotated_stills([image(named("open"))])
    assert (mouth.window.width, mouth.window.height) == (40, 40)
    assert mouth.person == "ytf-Ann"


def test_annotation_replaces_the_label_in_training_only() -> None:
    names = [named("closed"), named("unclear"), "nobody.jpg"]
    for split, labels in (("train", [0, 1]), ("validation", [1, 1, 1])):
        images = [image(name, split) for name in names]
        assert lite_mouth_examples(images).labels.tolist() == labels


def test_mouths_of_clips_are_taken_at_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with av.open(tmp_path / "made.mp4", "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(50):
            pixels = np.full((64, 64, 3), 4 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode())
    (tmp_path / "manifest.csv").write_text("path,corpus,person,label\nmade.mp4,made,someone,\n")
    path = tmp_path / "mouths.csv"
    path.write_text(
        "set,name,time,left,top,side,first,second\n"
        "everyday,made.mp4,0.6,10,20,30,open,\n"
        "everyday,made.mp4,1.2,10,20,30,closed,\n"
        "everyday,made.mp4,1.8,10,20,30,unclear,\n"
    )
    monkeypatch.setattr(mouth_annotations, "ANNOTATIONS", path)
    mouth_rows.cache_clear()
    try:
        found = [
            (mouth.row.state, float(mouth.picture.rgb().mean()), mouth.person)
            for held_out in (False, True)
            for mouth in annotated_clips(tmp_path, held_out=held_out)
        ]
    finally:
        mouth_rows.cache_clear()
    assert [state for state, _, _ in found] == ["open", "closed"]
    assert found[0][1] == pytest.approx(4 * 15, abs=4)
    assert found[1][1] == pytest.approx(4 * 30, abs=4)
    assert {person for _, _, person in found} == {"made-someone"}
