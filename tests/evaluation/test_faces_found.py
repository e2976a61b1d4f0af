"""``evaluate --task faces-found`` from the manifest to its files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from portrait_geometry import PORTRAIT_FACE
from sentistream.cli import main
from sentistream.errors import InputError
from sentistream.evaluation.face_annotations import read_face_annotations
from sentistream.evaluation.picture_detection import detect_in_pictures, summarize_pictures
from sentistream.types import Box, UInt8Array
from synthetic_clips import write_clip

FACE = (PORTRAIT_FACE.left, PORTRAIT_FACE.top, PORTRAIT_FACE.right, PORTRAIT_FACE.bottom)
NONE = ("", "", "", "")


def write(path: Path, heads: str, rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heads.split(","), *rows])
    return path


def evaluate(manifest: Path, *options: str) -> Result:
    command = ["evaluate", "--task", "faces-found", "--manifest", str(manifest), *options]
    return CliRunner().invoke(main, command)


def test_rows_of_a_picture_are_its_faces(tmp_path: Path) -> None:
    manifest = write(
        tmp_path / "m.csv",
        "path,x1,y1,x2,y2,source,info,occluded,yaw",
        [
            ("a.png", 0, 0, 30, 40, "hall", "", 1, -50),
            ("b.png", *NONE, "hall", "", "", ""),
            ("a.png", 50, 0, 58, 11.5, "", "", "no", ""),
        ],
    )
    (first, second), clips = read_face_annotations(manifest)
    assert not clips
    assert (first.name, first.source, first.content) == ("a.png", "hall", tmp_path / "a.png")
    assert [face.counted for face in first.faces] == [True, False]
    assert [face.occluded for face in first.faces] == [True, False]
    assert first.faces[0].yaw == -50
    assert second.faces == ()
    ((face, other), _) = (one.faces for one in read_face_annotations(manifest, least_size=41)[0])
    assert not face.counted
    assert not other.counted


def test_small_and_uncertain_faces_of_clips_do_not_count(tmp_path: Path) -> None:
    manifest = write(
        tmp_path / "m.csv",
        "path,time,x1,y1,x2,y2,score,person",
        [
            ("a.mp4", 0.5, 0, 0, 10, 24, 0.5, "ann"),
            ("a.mp4", 0.5, 50, 0, 80, 40, 0.49, ""),
            ("a.mp4", 0, *NONE, "", ""),
            ("a.mp4", 0.5, 100, 0, 123, 23, "", ""),
        ],
    )
    _, (clip,) = read_face_annotations(manifest)
    assert [frame.time for frame in clip.frames] == [0, 0.5]
    assert [face.counted for face in clip.frames[1].faces] == [True, False, False]
    assert clip.identified


PICTURES, CLIPS = "path,x1,y1,x2,y2", "path,time,x1,y1,x2,y2,person"


@pytest.mark.parametrize(
    ("heads", "rows", "problem"),
    [
        ("path,x1,y1,x2", [], "has no column y2"),
        (PICTURES, [], "names nothing to measure on"),
        (PICTURES, [("a", 1, 2, 3, 4), ("a", 9, 2, 3, 4)], "Line 3 of .* has the box 9.0, 2.0"),
        (PICTURES, [("a", 1, 2, "", 4)], "Line 2 of .* has the box 1.0, 2.0, , 4.0"),
        (PICTURES, [("a", 1, 2, "wide", 4)], "Line 2 of .* has 'wide' as x2"),
        (PICTURES, [("a", 1, 2, "nan", 4)], "has 'nan' as x2"),
        (PICTURES, [("", 1, 2, 3, 4)], "Line 2 of .* has no path"),
        (PICTURES, [("a", 1, 2, 3, 4), ("a", *NONE)], "Line 3 of .* contradicts another row"),
        (PICTURES + ",occluded", [("a", 1, 2, 3, 4, "maybe")], "has 'maybe' as occluded"),
        (CLIPS, [("a", -1, *NONE, "")], "Line 2 of .* has the time '-1'"),
        (CLIPS, [("a", "", *NONE, "")], "has the time ''"),
        (CLIPS, [("a", 0, 0, 0, 90, 90, "ann"), ("a", 1, 0, 0, 90, 90, "")], "and others none"),
        (CLIPS, [("a", 0, 0, 0, 90, 90, "ann"), ("a", 0, 9, 0, 90, 90, "ann")], "two faces at 0"),
    ],
)
def test_invalid_row_is_named(
    tmp_path: Path, heads: str, rows: list[tuple[Any, ...]], problem: str
) -> None:
    manifest = write(tmp_path / "m.csv", heads, rows)
    with pytest.raises(InputError, match=problem):
        read_face_annotations(manifest)
    result = evaluate(manifest, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")


def test_file_without_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "m.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("m.parquet", "m.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_face_annotations(tmp_path / name)


def png(pixels: UInt8Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_stored(path: Path, rows: list[dict[str, Any]]) -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def test_pictures_stored_in_the_manifest_are_read(tmp_path: Path, portrait: UInt8Array) -> None:
    grey = np.full((200, 300, 3), 90, np.uint8)
    manifest = write_stored(
        tmp_path / "boxes.parquet",
        [
            {"image": png(portrait), "boxes": [FACE], "source": "p", "split": "test",
             "info": "White|Female|30-39"},
            {"image": png(portrait), "boxes": [FACE, (400, 400, 450, 450)], "source": "p",
             "split": "test", "info": "Black|Male|30-39"},
            {"image": png(grey), "boxes": [], "source": "g", "split": "test", "info": ""},
            {"image": png(grey), "boxes": [], "source": "g", "split": "train", "info": ""},
        ],
    )  # fmt: skip
    out = tmp_path / "out"
    result = evaluate(manifest, "--split", "test", "--out", str(out))
    assert result.exit_code == 0, result.output
    facts = json.loads((out / "results.json").read_text())
    assert (facts["pictures"], facts["faces"], facts["found"]) == (3, 3, 2)
    assert facts["recall"]["share"] == pytest.approx(2 / 3, abs=1e-4)
    precision = facts["found"] / (facts["found"] + facts["false"])
    assert facts["precision"]["share"] == pytest.approx(precision, abs=1e-4)
    assert facts["average_precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert facts["without_faces"]["false_per_picture"] == 0
    assert facts["without_faces"]["pictures"] == 1
    assert facts["groups"]["race"]["Black"]["share"] == 0.5
    assert facts["race_difference"]["difference"] == 0.5
    low, high = facts["race_difference"]["ci95"]
    assert low < 0.5 < high
    assert facts["groups"]["size"]["48-96 px"]["share"] == 0
    assert "| recall | 66.7% |" in result.output
    rows = list(csv.DictReader((out / "pictures.csv").open()))
    assert [(row["faces"], row["found"], row["missed_sizes"]) for row in rows] == [
        ("1", "1", ""),
        ("2", "1", "50"),
        ("0", "0", ""),
    ]
    page = (out / "report.html").read_text()
    assert "Recall by race" in page
    assert page.count("data:image/png") == 3
    assert (out / "precision_recall.png").exists()
    nothing = evaluate(manifest, "--split", "tset", "--out", str(out))
    assert "names nothing to measure on in tset" in nothing.output


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"image": b"", "boxes": [[1.0, 2.0, 3.0]]}, "Row 2 of .* other than four edges"),
        ({"image": b"", "boxes": [[1.0, 2.0, 1.0, 5.0]]}, "Row 2 of .* has the box 1.0, 2.0"),
        ({"image": None, "boxes": []}, "Row 2 of .* has no image"),
    ],
)
def test_invalid_stored_picture_is_named(tmp_path: Path, row: dict[str, Any], problem: str) -> None:
    good = {"image": b"x", "boxes": [[1.0, 2.0, 3.0, 4.0]]}
    with pytest.raises(InputError, match=problem):
        read_face_annotations(write_stored(tmp_path / "m.parquet", [good, row]))


def test_invalid_stored_picture_is_skipped_and_reported(
    tmp_path: Path, portrait: UInt8Array
) -> None:
    good = {"image": png(portrait), "boxes": [FACE]}
    empty = {"image": png(portrait), "boxes": [[0.0, 0.0, 0.0, 0.0]]}
    manifest = write_stored(tmp_path / "m.parquet", [empty, good])
    result = evaluate(manifest, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert re.search(r"Warning: Row 1 of .* has the box 0.0, 0.0, 0.0, 0.0", result.output)
    facts = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (facts["pictures"], facts["unreadable"]) == (1, 1)


def test_unreadable_pictures_are_skipped_and_reported(tmp_path: Path, portrait: UInt8Array) -> None:
    (tmp_path / "p.png").write_bytes(png(portrait))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    rows = [("p.png", *FACE), ("broken.png", 0, 0, 50, 50), ("gone.png", *NONE)]
    manifest = write(tmp_path / "m.csv", PICTURES, rows)
    result = evaluate(manifest, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert f"Warning: Line 3 of {manifest}: " in result.output
    assert f"Warning: Line 4 of {manifest}: " in result.output
    facts = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (facts["pictures"], facts["faces"], facts["unreadable"]) == (1, 1, 2)
    assert "2 could not be read" in (tmp_path / "out" / "report.html").read_text()
    result = evaluate(write(tmp_path / "none.csv", PICTURES, rows[1:]))
    assert result.exit_code == 2
    assert "None of the pictures can be read" in result.output


def test_faces_are_found_under_conditions(tmp_path: Path, portrait: UInt8Array) -> None:
    (tmp_path / "p.png").write_bytes(png(portrait))
    manifest = write(tmp_path / "m.csv", PICTURES, [("p.png", *FACE)])
    out = tmp_path / "out"
    result = evaluate(
        manifest, "--robustness", "--only", "roll", "--only", "jpeg", "--out", str(out)
    )
    assert result.exit_code == 0, result.output
    rows = json.loads((out / "results.json").read_text())["robustness"]
    assert [row["kind"] for row in rows] == ["undisturbed", *["roll"] * 7, *["jpeg"] * 2]
    assert [rows[0]["found"], rows[1]["found"]] == [1, 1]
    assert all(row["pictures"] == row["faces"] == 1 for row in rows)
    assert "| roll, 180 degrees | 1 | 1 |" in result.output
    assert len((out / "robustness.csv").read_text().splitlines()) == 11
    assert (out / "robustness.png").exists()


def test_detection_by_another_box_convention_counts_as_same_face(tmp_path: Path) -> None:
    from sentistream.evaluation.face_detection_metrics import ScoredBox

    (tmp_path / "p.png").write_bytes(png(np.zeros((200, 200, 3), np.uint8)))
    manifest = write(tmp_path / "m.csv", PICTURES, [("p.png", 20, 20, 120, 150)])
    pictures, _ = read_face_annotations(manifest)
    nose = ScoredBox(Box(40, 50, 100, 110), 1.0)
    detected = detect_in_pictures(pictures, lambda _: [nose], on_problem=pytest.fail)
    facts = summarize_pictures(detected)
    assert facts["recall"]["share"] == 0
    assert facts["recall_same_face"]["share"] == 1
    assert facts["false"] == 1


def test_faces_in_clips_are_tracked(tmp_path: Path, portrait: UInt8Array) -> None:
    empty = np.full_like(portrait, 128)
    pictures = [(index / 25, portrait if index < 25 else empty) for index in range(50)]
    write_clip(tmp_path / "ann.mp4", pictures)
    left = 20, 300, 120, 420
    times = [0, 0.4, 0.8]
    rows: list[tuple[Any, ...]] = [("ann.mp4", time, *FACE, "ann") for time in times]
    rows += [("ann.mp4", time, *left, "bob") for time in times]
    rows += [("ann.mp4", 1.6, *NONE, ""), ("ann.mp4", 60.0, *NONE, ""), ("gone.mp4", 0, *NONE, "")]
    manifest = write(tmp_path / "m.csv", CLIPS, rows)
    out = tmp_path / "out"
    result = evaluate(manifest, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert f"Warning: Line 10 of {manifest}: " in result.output
    facts = json.loads((out / "results.json").read_text())
    assert (facts["clips"], facts["frames"], facts["unshown_frames"]) == (1, 4, 1)
    assert (facts["faces"], facts["found"], facts["false"]) == (6, 3, 0)
    assert facts["false_per_minute"] == 0
    assert (facts["appearances"], facts["people"], facts["people_found"]) == (1, 2, 1)
    assert facts["appearances_per_person"] == 0.5
    assert facts["appearances_per_person_found"] == 1
    assert (facts["fragmentations"], facts["switches"]) == (0, 0)
    assert facts["idf1"] == pytest.approx(2 * 3 / (6 + 3), abs=1e-4)
    assert facts["hota_association"] > 0
    (row,) = csv.DictReader((out / "clips.csv").open())
    assert (row["path"], row["faces"], row["recall"]) == ("ann.mp4", "6", "0.5")
    assert (out / "timeline.png").exists()
    with Image.open(out / "contact-sheet-01.png") as sheet:
        assert sheet.width == 4 * 320
        colors = {color for _, color in sheet.convert("RGB").getcolors(1 << 24) or ()}
    assert {(64, 224, 190), (255, 150, 60)} <= colors  # a reading, an annotated face
    assert "timeline" in (out / "report.html").read_text()


def test_readings_without_annotation_are_false_except_on_ignored_regions(
    tmp_path: Path, portrait: UInt8Array
) -> None:
    write_clip(tmp_path / "a.mp4", [(index / 25, portrait) for index in range(30)])
    rows = [("a.mp4", 0.4, *NONE, ""), ("a.mp4", 0.8, *FACE, 0.2)]
    manifest = write(tmp_path / "m.csv", "path,time,x1,y1,x2,y2,score", rows)
    result = evaluate(manifest, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (facts["faces"], facts["readings"], facts["false"]) == (0, 1, 1)
    # one of two frames, at a reading every 30 ms
    assert facts["false_per_minute"] == 1000
    assert facts["recall"]["share"] is None
    assert facts["appearances_of_nobody"] == 1
    assert facts["idf1"] is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--appearance",), "--appearance and --task faces-found do not go together"),
        (("--paper-tables",), "--paper-tables and --task faces-found do not go together"),
        (("--only", "mask"), "--only chooses corruptions"),
        (("--robustness", "--only", "noise"), "has no corruption noise"),
        (("--robustness",), "Marked clips cannot be corrupted"),
        (("--split", "test"), "has no column split"),
    ],
)
def test_conflicting_options_are_refused(
    tmp_path: Path, options: tuple[str, ...], problem: str
) -> None:
    manifest = write(tmp_path / "m.csv", CLIPS, [("a.mp4", 0, *NONE, "")])
    result = evaluate(manifest, *options)
    assert result.exit_code == 2
    assert problem in result.output


def test_options_for_annotated_faces_are_refused_elsewhere(tmp_path: Path) -> None:
    manifest = write(tmp_path / "m.csv", "path,label", [("a.mp4", "positive")])
    for options, problem in (
        (("--split", "test"), "are for marked faces"),
        (("--least-size", "30"), "are for marked faces"),
        (("--robustness", "--only", "mask"), "The task clips has no corruption mask"),
    ):
        result = CliRunner().invoke(main, ["evaluate", "--manifest", str(manifest), *options])
        assert result.exit_code == 2
        assert problem in result.output
    result = CliRunner().invoke(main, ["evaluate", "--task", "faces-found"])
    assert "Faces to find are named by a manifest" in result.output
