from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.types import UInt8Array
from synthetic_clips import clicks, moving_face, write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> Path:
    """A second of a slightly moving face, with sound."""
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    return write_clip(path, moving_face(portrait, 25), clicks(1.0, 48_000, (0.3,)))


def test_benchmark_reports_all_figures(clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    arguments = ["benchmark", str(clip), "--quick", "--profile", "lite", "--streams-up-to", "1"]
    outputs = ["--json", str(tmp_path / "f.json"), "--document", str(tmp_path / "benchmark.md")]
    result = CliRunner().invoke(main, [*arguments, "--seconds", "2", *outputs])
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["input"]["width"] == 320
    lite = figures["profiles"]["lite"]
    assert 0 < lite["share_of_decode"] < 1
    # on a small picture decoding costs nothing, and the published pipeline is far slower
    assert lite["times_published"] > 1
    assert lite["times_published_without_decoding"]["median"] > lite["times_published"]
    assert lite["latency_p95_ms"] >= lite["latency_ms"]["p50"] > 0
    assert lite["rss_mb"] > 20
    assert lite["realtime_streams"] in (0, 1)
    assert {"decoding and pairing", "detection", "face network"} <= set(lite["stages_ms"])
    assert {"decoding and pairing", "detection", "face network"} <= set(lite["stages_mb"])
    assert sum(lite["stages_mb"].values()) > lite["stages_mb"]["Python and libraries"] + 20
    assert all(value >= 0 for value in lite["stages_ms"].values())
    assert lite["networks"]["lite/face"]["milliseconds"]["onnxruntime"] > 0
    assert figures["peers"]["fer"]["missing"]
    assert figures["installed_bytes"]["numpy"] > 1_000_000
    page = (tmp_path / "benchmark.md").read_text()
    assert "![Moments a second on one core](benchmark.svg)" in page
    assert "decoding alone" in (tmp_path / "benchmark.svg").read_text()
    assert "share of decoding alone" in result.output


def test_input_without_video_is_a_one_line_error(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    result = CliRunner().invoke(main, ["benchmark", str(text), "--quick"])
    assert result.exit_code == 2
    assert "cannot be read as a video" in result.output
    assert "Traceback" not in result.output


def test_peer_requires_its_interpreter() -> None:
    result = CliRunner().invoke(main, ["benchmark", "--peer", "fer"])
    assert result.exit_code == 2
    assert "--peer fer=/path/to/python" in result.output


def test_unwritable_output_is_reported(clip: Path, tmp_path: Path) -> None:
    skipped = ["--skip", "streams", "--skip", "published", "--skip", "peers"]
    arguments = ["benchmark", str(clip), "--quick", "--profile", "lite", *skipped]
    result = CliRunner().invoke(main, [*arguments, "--json", str(tmp_path / "no" / "f.json")])
    assert result.exit_code == 2
    assert "cannot be written" in result.output
