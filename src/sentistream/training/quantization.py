"""A network's convolutions in 8-bit whole numbers, where its answers stay what they were.

Static quantisation (Jacob et al. 2018): the range of each value is measured on training
examples, weights have a scale a channel and 7 bits, because processors without VNNI add
8-bit products up in 16 bits and would overflow.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

_BATCH = 8


def quantized(
    content: bytes,
    calibration: Mapping[str, NDArray[Any]],
    *,
    only_from: str | None = None,
) -> bytes:
    """The ONNX file with 8-bit convolutions.

    Args:
        content: The ONNX file with float ones.
        calibration: Training examples by input, some tens are enough.
        only_from: Only the convolutions that depend on this input and on no other.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    logging.getLogger().setLevel(logging.ERROR)  # its advice to do what is done here
    with tempfile.TemporaryDirectory() as folder:
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
            nodes_to_quantize=chosen,
        )
        return small.read_bytes()


def _simplify(content: bytes, path: Path) -> None:
    """With constants folded, so that weights stored as halves are weights again."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _with_inputs(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, set[str]]]:
    """Each node with the graph's inputs that it depends on."""
    depends: dict[str, set[str]] = {value.name: {value.name} for value in graph.input}
    for node in graph.node:
        inputs = set[str]().union(*(depends.get(name, set()) for name in node.input))
        for name in node.output:
            depends[name] = inputs
        yield node, inputs


class _Calibration:
    """Hands examples out in batches, as the quantiser asks for them."""

    def __init__(self, examples: Mapping[str, NDArray[Any]]) -> None:
        self._batches = iter(self._split(examples))

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._batches, None)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Asked of readers that can begin in the middle; this one cannot."""

    @staticmethod
    def _split(examples: Mapping[str, NDArray[Any]]) -> Iterable[dict[str, NDArray[Any]]]:
        count = len(next(iter(examples.values())))
        for start in range(0, count, _BATCH):
            yield {name: values[start : start + _BATCH] for name, values in examples.items()}


def agreement(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Share of the rows whose largest value stands at the same place."""
    return float((one.argmax(axis=1) == other.argmax(axis=1)).mean())
