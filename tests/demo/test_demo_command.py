"""``sentistream demo`` from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.profiles import PAPER
from sentistream.runtime import list_models


def test_clip_only_writes_nothing_else(tmp_path: Path) -> None:
    clip = tmp_path / "clip of mine.mp4"
    result = CliRunner().invoke(main, ["demo", "--clip-only", str(clip), "--seconds", "0.2"])
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == [clip.name]
    with av.open(str(clip)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (1280, 720)
        assert len(container.streams.audio) == 1


def test_results_are_written_where_reported(tmp_path: Path) -> None:
    if PAPER.fused_model not in list_models():
        pytest.skip("trained networks: none in the package or in SENTISTREAM_MODELS")
    for _ in range(2):  # again over its own results
        result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path), "--seconds", "0.5"])
        assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["moments_with_face"] == summary["moments"] == pytest.approx(17, abs=1)
    for name in ("report.html", "annotated.mp4"):
        assert str(tmp_path / name) in result.output
        assert (tmp_path / name).stat().st_size > 0


def test_unwritable_path_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path / "file" / "below")])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "cannot be written" in result.output
