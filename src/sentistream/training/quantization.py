"""8-bit quantization of a network's convolutions, if its accuracy stays what it was.

Static quantization (Jacob et al. 2018): the range of each value is measured on training
examples; weights have a scale per channel and 7 bits, because CPUs without VNNI sum 8-bit
products in 16 bits and would overflow.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from sentistream.networks.export import only_errors_logged, store_as_half
from sentistream.training.examples import Examples
from sentistream.training.task import Task
from sentistream.types import FloatArray

CALIBRATION_EXAMPLES = 288
"""Training examples on which ranges are measured."""

MAX_ACCURACY_LOSS = 0.005
"""Accuracy that quantization may cost."""

_BATCH = 8


def quantize(
    content: bytes,
    calibration: Mapping[str, NDArray[Any]],
    *,
    only_from: str | None = None,
) -> bytes:
    """The ONNX file with 8-bit convolutions.

    Args:
        content: The ONNX file with float weights.
        calibration: Training examples, by input name.
        only_from: Only convolutions that depend on this input alone are quantized, without
            the first one: it costs little, and its errors would pass through all others.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder, only_errors_logged(logging.getLogger()):
        simple, small = Path(folder) / "simple.onnx", Path(folder) / "small.onnx"
        _simplify(content, simple)
        graph = onnx.load(simple).graph
        chosen = [
            node.name
            for node, inputs in _with_inputs(graph)
            if node.op_type == "Conv" and (only_from is None or inputs == {only_from})
        ]
        quantize_static(
            str(simple),
            str(small),
            _Calibration(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_quantize=chosen[1:],
        )
        model = onnx.load(small)
        store_as_half(model)
        return bytes(model.SerializeToString(deterministic=True))


def _simplify(content: bytes, path: Path) -> None:
    """Folds constants, so that weights stored as 16-bit floats are weights again."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _with_inputs(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, set[str]]]:
    """Yields each node with the graph's inputs that it depends on."""
    depends: dict[str, set[str]] = {value.name: {value.name} for value in graph.input}
    for node in graph.node:
        inputs = set[str]().union(*(depends.get(name, set()) for name in node.input))
        for name in node.output:
            depends[name] = inputs
        yield node, inputs


class _Calibration:
    """Gives the quantizer examples in batches."""

    def __init__(self, examples: Mapping[str, NDArray[Any]]) -> None:
        self._batches = iter(self._split(examples))

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._batches, None)

    def set_range(self, start_index: int, end_index: int) -> None:
        """For readers that can start in the middle; this one cannot."""

    @staticmethod
    def _split(examples: Mapping[str, NDArray[Any]]) -> Iterable[dict[str, NDArray[Any]]]:
        count = len(next(iter(examples.values())))
        for start in range(0, count, _BATCH):
            yield {name: values[start : start + _BATCH] for name, values in examples.items()}


def publish_int8(
    path: Path,
    calibration: Mapping[str, NDArray[Any]],
    held_out: Examples,
    task: Task,
) -> dict[str, Any]:
    """Writes ``NAME.int8.onnx`` beside a float network, if its accuracy is as good.

    Args:
        path: The ONNX file of the float network.
        calibration: Training examples as it takes them, by input name.
        held_out: Of other people, for comparison.
        task: Says what to quantize (see ``quantize``), how accurate answers are, and which are
            the same.

    Returns:
        The ``int8`` entry of a model card; empty, and nothing is written, if accuracy on all
        of them would fall by more than ``MAX_ACCURACY_LOSS``.
    """
    content = path.read_bytes()
    small = quantize(content, calibration, only_from=task.int8_input)
    by_float, by_int8 = _answers(content, held_out), _answers(small, held_out)
    same = task.same_answers(by_float, by_int8)
    sources = set(held_out.sources.tolist())
    compared = [
        {
            "source": one["source"],
            "n": one["n"],
            "float_accuracy": one["accuracy"],
            "int8_accuracy": other["accuracy"],
            "agreement": round(float(same[held_out.sources == one["source"]].mean()), 4),
        }
        for one, other in zip(
            task.figures(by_float, held_out), task.figures(by_int8, held_out), strict=True
        )
        if one["source"] in sources
    ]
    lost = sum(row["n"] * (row["float_accuracy"] - row["int8_accuracy"]) for row in compared)
    if lost > MAX_ACCURACY_LOSS * sum(row["n"] for row in compared):
        return {}
    target = path.with_suffix(".int8.onnx")
    target.write_bytes(small)
    return {
        "file": target.name,
        "sha256": hashlib.sha256(small).hexdigest(),
        "calibrated_on": len(next(iter(calibration.values()))),
        "compared": compared,
    }


def calibration_examples(train: Examples) -> Examples:
    """``CALIBRATION_EXAMPLES`` of them, chosen at random, the same ones each time."""
    generator = np.random.default_rng(1)
    return train.take(generator.permutation(len(train))[:CALIBRATION_EXAMPLES])


def _answers(content: bytes, examples: Examples) -> FloatArray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    batches = (
        examples.take(slice(start, start + _BATCH)).inputs
        for start in range(0, len(examples), _BATCH)
    )
    return np.concatenate([session.run(None, inputs)[0] for inputs in batches])
