"""The robustness table: its comparisons, on synthetic runs and on real faces."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sentistream.cli import main
from sentistream.datasets.manifest import Item
from sentistream.evaluation.clip_trace import ClipTrace, trace_clip
from sentistream.evaluation.corruption_conditions import CLIP_CONDITIONS, ClipContext
from sentistream.evaluation.robustness import RobustnessRow, run_robustness
from sentistream.profiles import PAPER
from sentistream.types import Box, Label, Moment, Reading, UInt8Array
from synthetic_clips import clicks, write_clip
from synthetic_readings import picture, reading


def trace(entries: list[tuple[str, bool] | None]) -> ClipTrace:
    """A run with class and mouth state at each moment; None for no face."""
    moments = []
    for index, entry in enumerate(entries):
        time = index * 0.03
        readings: tuple[Reading, ...] = (Reading(time),)
        if entry is not None:
            positive = 0.8 if entry[0] == Label.POSITIVE else 0.1
            negative = 0.8 if entry[0] == Label.NEGATIVE else 0.1
            readings = (reading(time, 1, positive, negative, 0.9 if entry[1] else 0.1),)
        moments.append((Moment(time, picture(), time), readings))
    return trace_clip(moments, PAPER)


def test_corrupted_run_is_compared_with_the_plain_one() -> None:
    plain = trace([("positive", True), ("positive", False), None, ("negative", True)])
    corrupted = trace([("positive", False), None, ("neutral", True), ("neutral", True)])
    row = RobustnessRow("roll", "15 degrees")
    row.add(Item(Path("a"), 0, ""), plain, corrupted)
    facts = row.facts()
    assert facts["moments"] == 4
    assert facts["face_found"] == 0.75
    assert facts["face_kept"] == pytest.approx(2 / 3, abs=1e-4)
    assert facts["moments_compared"] == 2
    assert facts["mouth_agreement"] == 0.5
    assert facts["moment_agreement"] == 0.5
    assert facts["accuracy"] == 0  # neutral by now
    assert facts["clip_agreement"] == 0
    nothing = RobustnessRow("roll", "45 degrees")
    nothing.add(Item(Path("a"), 0, ""), plain, trace([None, None]))
    assert nothing.facts()["unusable"] == 1
    assert nothing.facts()["mouth_agreement"] is None
    assert RobustnessRow("noise", "0 dB").facts()["clips"] == 0


def test_largest_face_is_followed_and_all_faces_count_as_answers() -> None:
    small = reading(0, 1, 0.9, 0.05, box=Box(0, 0, 30, 30))
    large = reading(0, 2, 0.1, 0.9, box=Box(100, 0, 200, 100))
    sound = np.full(1440, 0.5, np.float32)
    got = trace_clip([(Moment(0, picture(), 0, sound), (small, large))], PAPER)
    assert got.labels == [Label.NEGATIVE]
    assert got.face_width == 100
    assert got.level == pytest.approx(0.5)
    assert got.answer == pytest.approx([0.5, 0.025, 0.475], abs=1e-6)
    points = got.landmarks_at(7.0)
    assert points is not None
    assert large.face is not None
    assert np.array_equal(points, large.face.landmarks)


def test_landmarks_come_from_the_nearest_picture_with_a_face() -> None:
    boxes = {0: Box(0, 0, 50, 50), 1: None, 2: None, 3: Box(100, 0, 150, 50)}
    moments = [
        (
            Moment(float(time), picture(), float(time)),
            (Reading(time) if box is None else reading(time, box=box),),
        )
        for time, box in boxes.items()
    ]
    got = trace_clip(moments, PAPER)
    for time, x in ((-1, 25), (0, 25), (1, 25), (2, 125), (3, 125), (9, 125)):
        points = got.landmarks_at(time)
        assert points is not None
        assert points[:, 0].mean() == pytest.approx(x, abs=1)
    assert trace([None]).landmarks_at(0) is None


def test_clip_unfit_for_a_condition_is_excluded_from_it() -> None:
    silent = ClipContext(trace([("positive", True)]))  # a face 80 pixels wide, no sound
    faceless = ClipContext(trace([None]))
    allowed = {
        f"{entry.kind} {entry.level}"
        for entry in CLIP_CONDITIONS
        if (entry.picture and entry.picture(silent)) or (entry.sound and entry.sound(silent))
    }
    assert "distance face 60 px" in allowed
    assert "distance face 100 px" not in allowed
    assert not any(name.startswith(("noise", "second")) for name in allowed)
    assert all(
        entry.picture is None or entry.picture(faceless) is None
        for entry in CLIP_CONDITIONS
        if entry.kind in ("hand", "object", "blur", "distance")
    )


@pytest.fixture
def manifest(tmp_path: Path, portrait: UInt8Array) -> Path:
    pixels = portrait[20:276, 112:368]
    pictures = [(0.0, pixels), (0.05, pixels)]
    write_clip(tmp_path / "a.mp4", pictures, clicks(0.1, 48_000, [0.02, 0.05]), rate=20)
    write_clip(tmp_path / "b.mp4", pictures, rate=20)
    (tmp_path / "text.mp4").write_text("no video")
    path = tmp_path / "clips.csv"
    path.write_text("path,label,person\na.mp4,happy,ann\nb.mp4,sad,bob\ntext.mp4,sad,cat\n")
    return path


def test_table_of_real_faces(tmp_path: Path, manifest: Path) -> None:
    out = tmp_path / "out"
    kinds = ("roll", "noise", "second-voice")
    only = [part for kind in kinds for part in ("--only", kind)]
    arguments = ["evaluate", "--robustness", "--manifest", str(manifest), "--out", str(out), *only]
    arguments += ["--profile", "paper"]  # it needs 30 ms of sound: the clips are short
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "text.mp4" in result.output
    facts = json.loads((out / "robustness.json").read_text())
    rows = {(row["kind"], row["level"]): row for row in facts["rows"]}
    plain = rows["undisturbed", ""]
    assert plain["clips"] == 2
    assert plain["face_found"] == plain["mouth_agreement"] == plain["moment_agreement"] == 1
    assert rows["roll", "15 degrees"]["face_kept"] == 1
    assert rows["roll", "45 degrees"]["clips"] == 2
    assert rows["noise", "0 dB"]["clips"] == 1  # the other clip has no sound
    assert rows["noise", "0 dB"]["mouth_agreement"] == 1  # which noise cannot change
    assert rows["second-voice", "0 dB"]["clips"] == 0  # there is no other sound
    with (out / "robustness.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(facts["rows"]) == 1 + 3 + 3 + 2
    text = (out / "robustness.md").read_text()
    assert "| roll, 45 degrees | 2 | " in text
    assert "| second-voice, 10 dB | 0 | not measured |" in text
    assert (out / "robustness.png").exists()


def test_images_of_faces_are_corrupted_too(tmp_path: Path, portrait: UInt8Array) -> None:
    Image.fromarray(portrait[50:190, 155:295]).save(tmp_path / "face.png")
    chosen = [entry for entry in CLIP_CONDITIONS if entry.level in ("face 40 px", "0 dB")]
    rows = run_robustness([Item(tmp_path / "face.png", 0, "ann")], "faces", PAPER, chosen)
    plain, small, *noisy = (row.facts() for row in rows)
    assert plain["face_found"] == 1
    assert small["clips"] == 1
    assert [row["clips"] for row in noisy] == [0, 0]
    with pytest.raises(ValueError, match="cannot be corrupted"):
        run_robustness([], "voices", PAPER, [])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--robustness", "--protocol", "paper"], "--protocol and --robustness do not go together"),
        (["--robustness", "--task", "mouths"], "cannot be corrupted"),
        (["--only", "roll"], "Add --robustness"),
    ],
)
def test_invalid_options_are_refused(tmp_path: Path, arguments: list[str], problem: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"path,label\na,{'open' if 'mouths' in arguments else 'happy'}\n")
    result = CliRunner().invoke(main, ["evaluate", "--manifest", str(path), *arguments])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.split())
