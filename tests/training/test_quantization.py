from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from sentistream.errors import ModelError
from sentistream.runtime import load_card, load_network
from sentistream.runtime.inference import chosen_precision
from sentistream.runtime.model_store import read_model
from sentistream.training import quantization
from sentistream.training.examples import Examples
from sentistream.training.fusion_task import FusedTask
from sentistream.training.landmark_examples import STORED_COVER, STORED_SIZE
from sentistream.training.landmark_task import LandmarksTask
from sentistream.training.quantization import publish_int8
from sentistream.vision.landmarker import COVER, VIEW_SIZE


def examples(count: int, seed: int, person: str, network: str = "paper/fused") -> Examples:
    """Inputs of a network, labelled with its own answers."""
    card = load_card(network)
    generator = np.random.default_rng(seed)
    inputs = {
        name: generator.integers(0, 256, (count, *shape)).astype(np.uint8)
        for name, shape in card.inputs.items()
    }
    labels = load_network(network).run(**inputs).argmax(axis=1)
    people, sources = np.full(count, person), np.full(count, "made")
    return Examples(inputs, labels.astype(np.int64), people, sources)


@pytest.fixture
def fused(tmp_path: Path) -> Path:
    path = tmp_path / "fused.onnx"
    path.write_bytes(read_model(load_card("paper/fused")))
    return path


def compared(fused: Path) -> dict[str, Any]:
    calibration = examples(8, 1, "a").inputs
    return publish_int8(fused, calibration, examples(8, 2, "b"), FusedTask())


def test_only_the_voices_convolutions_become_8_bit(fused: Path) -> None:
    kept = compared(fused)
    assert kept["compared"][0]["agreement"] >= 0.75
    small = fused.with_name(kept["file"])
    assert small.stat().st_size < 0.8 * fused.stat().st_size
    graph = onnx.load(small).graph
    made_of = {name: node.op_type for node in graph.node for name in node.output}
    eight_bit = [
        node
        for node in graph.node
        if node.op_type == "Conv" and made_of.get(node.input[1]) == "DequantizeLinear"
    ]
    convolutions = sum(node.op_type == "Conv" for node in graph.node)
    assert (len(eight_bit), convolutions) == (4, 10)


def test_less_accurate_network_is_discarded(fused: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantization, "MAX_ACCURACY_LOSS", -0.1)
    assert compared(fused) == {}
    assert not list(fused.parent.glob("*.int8.onnx"))


@pytest.mark.parametrize("name", ["paper/fused", "lite/landmarks"])
def test_shipped_8_bit_network_agrees_with_floats(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    card = load_card(name)
    assert all(row["agreement"] > 0.98 for row in card.int8["compared"])
    inputs = examples(24, 3, "c", name).inputs
    by_int8 = load_network(name).run(**inputs)
    monkeypatch.setenv("SENTISTREAM_PRECISION", "float")
    by_float = load_network(name).run(**inputs)
    assert not np.array_equal(by_int8, by_float)
    assert np.abs(by_int8 - by_float).mean() < 0.05


def test_unknown_precision_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_PRECISION", "half")
    with pytest.raises(ModelError, match="int8 or float"):
        chosen_precision()


def test_calibration_faces_match_the_networks_input() -> None:
    stored = np.zeros((3, STORED_SIZE, STORED_SIZE, 1), np.uint8)
    edge = (STORED_SIZE - round(STORED_SIZE * COVER / STORED_COVER)) // 2
    stored[:, edge:-edge, edge:-edge] = 200
    people, sources = np.full(3, "a"), np.full(3, "made")
    train = Examples({"face": stored}, np.zeros((3, 137), np.float32), people, sources)
    shown = LandmarksTask().as_shown(train)["face"]
    assert shown.shape == (3, VIEW_SIZE, VIEW_SIZE, 1)
    assert shown[:, 2:-2, 2:-2].min() == 200
