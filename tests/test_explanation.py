"""Explanations: occlusion of face parts, heat maps, and the command."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import sentistream
from sentistream.cli import main
from sentistream.errors import InputError
from sentistream.explanation import REGIONS, Explanation, FaceView, explain_moment, occlude
from sentistream.profiles import LITE
from sentistream.reports.heat_map import AGAINST, FOR, draw_heat_map, sentences, table
from sentistream.types import (
    SENTIMENTS,
    Branch,
    Distribution,
    Flag,
    FloatArray,
    Label,
    Moment,
    Reading,
    UInt8Array,
)
from sentistream.vision.alignment import VIEW_SIZE, Alignment, align
from sentistream.vision.face_geometry import MEAN_FACE
from synthetic_clips import flat, write_clip
from synthetic_readings import picture, reading

POSITIVE = SENTIMENTS.index("positive")


def grey_face() -> FaceView:
    """A grey face with a bright mouth and dark brows."""
    square = Alignment(150.0, 130.0, 100.0, 0.3)
    points = (
        align(square.from_shares(MEAN_FACE)).to_shares(square.from_shares(MEAN_FACE)) * VIEW_SIZE
    )
    pixels = np.full((VIEW_SIZE, VIEW_SIZE, 1), 100, np.uint8)
    for name, value in (("mouth", 250), ("brows", 0)):
        for x, y in points[[place for part in REGIONS[name] for place in part]].astype(int):
            pixels[y - 1 : y + 2, x - 1 : x + 2] = value
    return FaceView(pixels, points - 0.5, pixels[..., 0])


def network_driven_by(
    weight: Callable[[FloatArray], FloatArray],
) -> Callable[[UInt8Array], FloatArray]:
    """A network whose answer is positive in proportion to ``weight`` of a face, 0 to 1."""

    def predict(views: UInt8Array) -> FloatArray:
        positive = np.array([weight(one.astype(np.float32)) for one in views[..., 0]])
        return np.stack([positive, (1 - positive) / 2, (1 - positive) / 2], axis=1)

    return predict


def test_part_that_drives_the_answer_is_found() -> None:
    by_face, regions, heat = occlude(
        grey_face(), network_driven_by(lambda face: (face > 200).mean() * 10), POSITIVE
    )
    assert list(regions) == ["brows", "eyes", "nose", "cheeks", "mouth"]
    assert 0.8 * by_face.positive < regions["mouth"] <= by_face.positive
    assert all(abs(regions[name]) < 0.1 * regions["mouth"] for name in regions if name != "mouth")
    x, y = grey_face().points[48:60].mean(axis=0)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert math.hypot(row - y, column - x) < VIEW_SIZE / 6
    assert heat[: VIEW_SIZE // 3].max() < heat.max() / 10


def test_part_against_the_answer_is_negative() -> None:
    _, regions, heat = occlude(
        grey_face(), network_driven_by(lambda face: 0.9 - (face < 50).mean() * 5), POSITIVE
    )
    assert regions["brows"] < -0.08
    assert regions["mouth"] == pytest.approx(0, abs=1e-6)
    assert heat[: VIEW_SIZE // 2].min() < -0.02
    assert abs(heat[VIEW_SIZE * 3 // 4 :]).max() < 1e-6


def test_all_occlusions_are_one_batch() -> None:
    calls = []

    def predict(views: UInt8Array) -> FloatArray:
        calls.append(len(views))
        return np.full((len(views), 3), 1 / 3, np.float32)

    occlude(grey_face(), predict, POSITIVE)
    assert len(calls) == 1
    assert calls[0] > 100


@pytest.mark.parametrize("roll", [0.0, 0.4, -2.0])
def test_regions_of_a_rotated_view_are_mapped_back(roll: float) -> None:
    where = Alignment(320.5, 200.25, 90.0, roll)
    back = where.to_shares(where.from_shares(MEAN_FACE))
    np.testing.assert_allclose(back, MEAN_FACE, atol=1e-5)


@pytest.fixture(scope="session")
def smile(portrait: UInt8Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait for half a second, then half a second of nobody."""
    nobody = flat(90, portrait.shape[1], portrait.shape[0])
    path = tmp_path_factory.mktemp("smile") / "smile.mp4"
    return write_clip(path, [(n / 25, portrait if n < 13 else nobody) for n in range(50)])


def test_explained_answer_equals_analyze(smile: Path) -> None:
    found = sentistream.explain(smile, 0.4)
    with sentistream.analyze(smile) as analysis:
        readings = [one for one in analysis if abs(one.time - 0.4) <= LITE.tick / 2]
    assert found.reading in readings
    assert found.reading.voice_share == 0
    assert found.label is Label.POSITIVE
    assert list(found.regions) == list(REGIONS)
    assert max(map(abs, found.regions.values())) > 0.01
    assert found.heat.shape == (VIEW_SIZE, VIEW_SIZE)
    assert abs(found.heat).max() <= 1


@pytest.mark.parametrize(
    ("at", "track", "message"),
    [
        (1.95, None, "No face is in view at 1.95 s"),
        (9.0, None, "ends at 1.98 s; there is nothing at 9 s"),
        (0.4, 7, "Appearance 7 is not in view at 0.39 s"),
        (math.nan, None, "no moment at nan"),
        (-1.0, None, "no moment at -1"),
    ],
)
def test_unexplainable_input_is_reported(
    smile: Path, at: float, track: int | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        sentistream.explain(smile, at, track=track)


def test_reading_without_an_answer_is_not_explained() -> None:
    moment = Moment(0.0, picture(), 0.0)
    with pytest.raises(ValueError, match="an answer"):
        explain_moment(moment, Reading(0.0), LITE)


def synthetic_explanation(**changes: object) -> Explanation:
    """Synthetic: the left half supports the answer, the right one opposes it."""
    heat = np.full((VIEW_SIZE, VIEW_SIZE), 0.2, np.float32)
    heat[:, VIEW_SIZE // 2 :] = -0.2
    one = dataclasses.replace(reading(1.5, positive=0.8), **changes)  # type: ignore[arg-type]
    regions = {"brows": -0.031, "eyes": 0.001, "mouth": 0.416}
    face = np.full((120, 120), 128, np.uint8)
    return Explanation(one, Distribution(0.7, 0.2, 0.1), regions, heat, face)


def test_heat_map_is_orange_for_and_violet_against() -> None:
    drawn = draw_heat_map(synthetic_explanation()).astype(int)
    left, right = drawn[60, 140 + 20 + 30], drawn[60, 140 + 20 + 90]
    assert abs(left - FOR).sum() < abs(left - AGAINST).sum()
    assert abs(right - AGAINST).sum() < abs(right - FOR).sum()
    assert (drawn[60, 80] == 128).all()


def test_empty_heat_map_is_transparent() -> None:
    flat_map = dataclasses.replace(
        synthetic_explanation(), heat=np.full((VIEW_SIZE, VIEW_SIZE), 1e-5, np.float32)
    )
    shown = draw_heat_map(flat_map)[60, 160:280].astype(int)
    assert np.ptp(shown, axis=1).max() <= 2


def test_table_lists_the_strongest_parts_first() -> None:
    assert table(synthetic_explanation()).split() == ["mouth", "+42", "eyes", "0", "brows", "-3"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Appearance 1 at 1.50 s: positive (80 %)."),
        ({"label": Label.UNKNOWN}, "not clear, rather positive (80 %)"),
        ({}, "by itself: positive 70 %, neutral 20 %, negative 10 %"),
        ({}, "rests on the face alone"),
        ({"branch": Branch.FUSED, "voice_share": 0.17}, "17 % came from the voice"),
        ({"branch": Branch.FUSED, "voice_share": None}, "Face and voice decided together here"),
        ({"voice_share": None}, "is not known."),
    ],
)
def test_explanation_is_put_in_words(changes: dict[str, object], text: str) -> None:
    assert text in " ".join(sentences(synthetic_explanation(**changes)))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


def test_command_prints_and_draws(smile: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    result = run(smile, "--at", 0.4, "--out", out)
    assert result.exit_code == 0, result.output
    for text in ("Appearance 1 at 0.39 s: positive", "mouth", "cheeks", "no voice", str(out)):
        assert text in result.output
    with Image.open(out) as image:
        assert image.format == "PNG"
        assert image.width > 2 * 384
    assert run(smile, "--at", 0.4).exit_code == 0


def test_obstacles_are_reported_before_any_work(smile: Path, tmp_path: Path) -> None:
    existing = tmp_path / "there.png"
    existing.write_bytes(b"mine")
    for arguments, text in (
        ((smile, "--at", 0.4, "--out", existing), "already exists"),
        ((smile, "--at", 0.4, "--out", tmp_path / "why.jpg"), "end in .png"),
        ((smile, "--at", 0.4, "--out", tmp_path / "none" / "why.png"), "no folder"),
        ((tmp_path, "--at", 0.4), "no video"),
        ((smile.parent, "--at", 0.4), "not one video file"),
        (("0", "--at", 0.4), "not one video file"),
        ((existing, "--at", 0.4), "there.png"),
        ((smile, "--at", "soon"), "not a valid float"),
        ((smile,), "--at"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert text in result.output
        assert "Traceback" not in result.output
    assert existing.read_bytes() == b"mine"
    assert run(smile, "--at", 0.4, "--out", existing, "--force").exit_code == 0
    assert existing.read_bytes().startswith(b"\x89PNG")


def test_unread_face_is_reported() -> None:
    from sentistream.explanation import _chosen

    aside = dataclasses.replace(
        reading(1.0), label=Label.UNKNOWN, smoothed=None, flags=(Flag.TURNED_AWAY,)
    )
    with pytest.raises(InputError, match="it is turned away"):
        _chosen([aside], None)
    assert _chosen([aside, reading(1.0, 2)], None).track == 2
