"""8-bit networks calibrated on clips, by ``sentistream export --variant int8``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.errors import InputError
from sentistream.runtime import load_card
from sentistream.training.clip_quantization import GAINING, quantize_on_clips


@pytest.fixture(scope="module")
def clips(demonstration_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("clips")
    one, other = folder / "a.mp4", folder / "b.mp4"
    shutil.copy(demonstration_clip, one)
    shutil.copy(demonstration_clip, other)
    return one, other


def test_int8_export_answers_like_floats(clips: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, ["export", str(out), "--variant", "int8", "--calibrate", str(clips[0].parent)]
    )
    assert result.exit_code == 0, result.output
    assert "On 1 clips that did not calibrate: the same answer about 1 of them" in result.output
    networks = json.loads((out / "pipeline.json").read_text("utf-8"))["networks"]
    for name, network in networks.items():
        card = load_card(f"lite/{name}")
        assert (network["file"] == f"{name}.int8.onnx") == (name in GAINING)
        assert (network["sha256"] != card.sha256) == (name in GAINING)
    for name in GAINING:
        path = out / f"{name}.int8.onnx"
        assert not (out / f"{name}.onnx").exists()
        quantized = {node.op_type for node in onnx.load(path).graph.node}
        assert "DequantizeLinear" in quantized


def test_measured_agreement_is_reported(clips: tuple[Path, Path]) -> None:
    read = list[Path]()
    quantized = quantize_on_clips(clips, read.append)
    assert read == list(clips)
    assert [gain.name for gain in quantized.gains] == list(GAINING)
    assert all(gain.int8_bytes < 0.9 * gain.float_bytes for gain in quantized.gains)
    assert all(gain.time_ratio > 0 for gain in quantized.gains)
    same = quantized.agreement
    assert same.clips == same.same_overall == 1
    assert same.same_label >= 0.9 * same.pictures > 100
    assert 0 < same.distance < 0.1


def test_one_clip_is_not_enough(clips: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="Two clips are needed, not 1"):
        quantize_on_clips(clips[:1])


@pytest.mark.parametrize(
    "options",
    [
        ["--variant", "int8"],
        ["--calibrate", "a.mp4"],
        ["--variant", "float", "--calibrate", "a.mp4"],
        ["--profile", "paper", "--variant", "int8", "--calibrate", "a.mp4"],
    ],
)
def test_conflicting_options_are_refused(options: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert "go together" in result.output
    assert not (tmp_path / "out").exists()
