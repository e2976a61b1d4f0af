"""Networks as ONNX files that take pictures as decoded: uint8, RGB, channels last.

Weights are stored as 16-bit floats (half the size; outputs change by less than 1e-3) and used
as 32-bit floats.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

_EXAMPLE_LENGTH = 240
"""The length used for dynamic dimensions while a network is traced."""

_STORED_AS_HALF = 1_024
"""Tensors of more values than this are stored as 16-bit floats."""


@contextmanager
def only_errors_logged(logger: logging.Logger) -> Iterator[None]:
    """Silences a library's log messages for a while; then restores the logger's level."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


Convert = Callable[[Mapping[str, Tensor]], list[Tensor]]
"""From raw inputs by name, shape (N, ...), to the network's arguments, float."""


def convert_pictures(values: Mapping[str, Tensor]) -> list[Tensor]:
    """uint8 pictures (N, height, width, 3) as float (N, 3, height, width), 0 to 1."""
    return [as_network_input(pictures) for pictures in values.values()]


class FromPictures(nn.Module):
    """A network with its preprocessing and its final softmax or sigmoid.

    Args:
        network: Gives logits.
        outputs: How many; 1 means a sigmoid, more a softmax.
        convert: From raw inputs to the network's arguments.
        names: Of the inputs, if ``convert`` takes them.
        raw_outputs: Whether to return the network's outputs unchanged.
    """

    def __init__(
        self,
        network: nn.Module,
        outputs: int,
        convert: Convert = convert_pictures,
        names: tuple[str, ...] | None = None,
        *,
        raw_outputs: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.outputs = outputs
        self._convert = convert
        self._names = names
        self._raw_outputs = raw_outputs

    def forward(self, *pictures: Tensor) -> Tensor:
        """Probabilities (N, outputs) of what ``convert`` takes: uint8 (N, height, width, 3)."""
        names = self._names or tuple(map(str, range(len(pictures))))
        logits: Tensor = self.network(*self._convert(dict(zip(names, pictures, strict=True))))
        if self._raw_outputs:
            return logits
        return logits.sigmoid() if self.outputs == 1 else logits.softmax(dim=1)


def as_network_input(pictures: Tensor) -> Tensor:
    """uint8 (N, height, width, 3) to float (N, 3, height, width), 0 to 1."""
    return pictures.permute(0, 3, 1, 2).float() / 255


def export_onnx(
    network: nn.Module,
    inputs: dict[str, tuple[int, ...]],
    outputs: int,
    path: Path,
    convert: Convert = convert_pictures,
    types: Mapping[str, str] | None = None,
    *,
    raw_outputs: bool = False,
    multiple: int = 1,
) -> str:
    """Writes ``network`` as ONNX and returns the file's SHA-256.

    Args:
        network: Gives logits of what ``convert`` gives.
        inputs: Name and shape of each; -1 where it may be any length.
        types: Of inputs that are not uint8, by name.
        outputs: How many the network gives; 1 means a sigmoid, more a softmax.
        path: Where to write; its folder is made.
        convert: From raw inputs to the network's arguments; becomes part of the file.
        raw_outputs: Whether to return the network's outputs unchanged.
        multiple: Dynamic lengths are multiples of it.
    """
    whole = FromPictures(network, outputs, convert, tuple(inputs), raw_outputs=raw_outputs).eval()
    batch = torch.export.Dim("batch", min=1, max=4_096)
    examples, free = [], []
    for name, shape in inputs.items():
        kind = getattr(torch, (types or {}).get(name, "uint8"))
        lengths = [
            # different lengths, so that no two are taken for the same dimension
            (_EXAMPLE_LENGTH // multiple + axis) * multiple if length < 0 else length
            for axis, length in enumerate(shape)
        ]
        examples.append(torch.ones(2, *lengths, dtype=kind))
        free.append({0: batch} | _any_lengths(name, shape, multiple))
    with (
        warnings.catch_warnings(),
        only_errors_logged(logging.getLogger("torch.onnx")),
        torch.no_grad(),
    ):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            whole,
            tuple(examples),
            input_names=list(inputs),
            output_names=["probabilities"],
            dynamic_shapes=(tuple(free),),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("The ONNX exporter gave no program.")
    model = program.model_proto
    store_as_half(model)
    _forget_where_it_was_made(model)
    onnx.checker.check_model(model)
    content = model.SerializeToString(deterministic=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _any_lengths(name: str, shape: tuple[int, ...], multiple: int) -> dict[int, object]:
    return {
        axis: multiple * torch.export.Dim(f"{name}_{axis}", min=8 // min(multiple, 8), max=100_000)
        for axis, length in enumerate(shape, start=1)
        if length < 0
    }


def store_as_half(model: onnx.ModelProto) -> None:
    """Large float tensors become half precision with a cast, which engines fold on loading."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size <= _STORED_AS_HALF:
            continue
        stored = f"{tensor.name}_half"
        casts.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _forget_where_it_was_made(model: onnx.ModelProto) -> None:
    """Drops the exporter's stack traces and notes, which are large and contain local paths."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    for item in (*model.graph.node, *model.graph.initializer, *model.graph.value_info):
        del item.metadata_props[:]
        item.doc_string = ""
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
