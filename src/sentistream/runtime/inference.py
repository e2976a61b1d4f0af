"""Inference with ONNX Runtime on CPUs or NVIDIA GPUs, or with OpenVINO."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sentistream.errors import MissingExtraError, ModelError
from sentistream.runtime.model_card import ModelCard
from sentistream.translatable import Translatable
from sentistream.types import FloatArray

ENGINES = ("onnxruntime", "openvino")
"""Engines that run on CPUs."""
CUDA = "cuda"
"""ONNX Runtime on an NVIDIA GPU; needs the package onnxruntime-gpu instead of onnxruntime."""


class Engine(Protocol):
    """What runs the ONNX file."""

    def run(self, inputs: dict[str, NDArray[Any]]) -> FloatArray: ...


class Runnable(Protocol):
    """A network: takes named batches, returns shape (N, outputs)."""

    def run(self, **inputs: NDArray[Any]) -> FloatArray: ...


def chosen_engine(engine: str | None) -> str:
    """The requested engine, else that of SENTISTREAM_RUNTIME, else ONNX Runtime."""
    return engine or os.environ.get("SENTISTREAM_RUNTIME") or ENGINES[0]


def chosen_precision() -> str:
    """``float`` if SENTISTREAM_PRECISION says so, else ``int8``: 8-bit if a network has it.

    Raises:
        ModelError: It has another value.
    """
    chosen = os.environ.get("SENTISTREAM_PRECISION") or "int8"
    if chosen not in ("int8", "float"):
        raise ModelError(
            Translatable("SENTISTREAM_PRECISION is {value}.", value=repr(chosen)),
            "Set it to int8 or float, or unset it.",
        )
    return chosen


class Network:
    """One network and its card.

    Args:
        card: The network's card.
        content: The ONNX file's bytes.
        engine: One of ``ENGINES`` or ``CUDA``; by default the environment variable
            SENTISTREAM_RUNTIME, or ONNX Runtime.

    Raises:
        ModelError: The engine cannot read the file, or is not known.
        MissingExtraError: The engine is not installed.
    """

    def __init__(self, card: ModelCard, content: bytes, engine: str | None = None) -> None:
        self.card = card
        self.engine_name: str = chosen_engine(engine)
        self._engine = _make_engine(self.engine_name, card, content)

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        """Runs the network; returns its outputs, shape (N, outputs).

        Args:
            inputs: By the card's names, with the card's type (by default uint8),
                shape (N, *the card's shape).

        Raises:
            ValueError: An input is missing, superfluous, or has another type or shape.
        """
        if inputs.keys() != self.card.inputs.keys():
            expected = ", ".join(self.card.inputs)
            raise ValueError(f"{self.card.name} takes {expected}, not {', '.join(inputs)}.")
        for name, values in inputs.items():
            shape = tuple(self.card.inputs[name])
            kind = self.card.input_types.get(name, "uint8")
            fits = len(values.shape) == len(shape) + 1 and all(
                expected in (-1, found)
                for expected, found in zip(shape, values.shape[1:], strict=True)
            )
            if values.dtype != np.dtype(kind) or not fits:
                raise ValueError(
                    f"{self.card.name} takes {name} as {kind} of shape (N, {shape}), "
                    f"not {values.dtype} of shape {values.shape}."
                )
        return self._engine.run(inputs)


class _NoGpuError(Exception):
    """ONNX Runtime cannot use a GPU here."""


def _on_gpu(content: bytes) -> Engine:
    return _OnnxRuntime(content, "CUDAExecutionProvider")


class _OnnxRuntime:
    def __init__(self, content: bytes, provider: str = "CPUExecutionProvider") -> None:
        import onnxruntime

        if provider not in onnxruntime.get_available_providers():
            raise _NoGpuError

        options = onnxruntime.SessionOptions()
        # one thread per worker: more were up to three times slower on busy cores
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            content, options, providers=list(dict.fromkeys([provider, "CPUExecutionProvider"]))
        )
        if provider not in self._session.get_providers():
            # without the driver or its libraries it silently falls back to the CPU
            raise _NoGpuError

    def run(self, inputs: dict[str, NDArray[Any]]) -> FloatArray:
        answer: FloatArray = self._session.run(None, inputs)[0]
        return answer


class _OpenVino:
    def __init__(self, content: bytes) -> None:
        import openvino

        core = openvino.Core()
        settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        model = core.read_model(model=content, weights=b"")
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()

    def run(self, inputs: dict[str, NDArray[Any]]) -> FloatArray:
        self._request.infer(inputs)
        return np.array(self._request.get_output_tensor(0).data)


def _make_engine(name: str, card: ModelCard, content: bytes) -> Engine:
    makers: dict[str, Callable[[bytes], Engine]] = {
        "onnxruntime": _OnnxRuntime,
        "openvino": _OpenVino,
        CUDA: _on_gpu,
    }
    if name not in makers:
        raise ModelError(
            Translatable("There is no runtime {name}.", name=repr(name)),
            Translatable("Choose one of: {names}.", names=", ".join(makers)),
        )
    try:
        return makers[name](content)
    except _NoGpuError:
        raise ModelError(
            "ONNX Runtime cannot use an NVIDIA GPU here.",
            "Install onnxruntime-gpu instead of onnxruntime, with NVIDIA's driver and the CUDA "
            "libraries it names, or choose another runtime.",
        ) from None
    except ImportError as error:
        if name == "openvino":
            raise MissingExtraError("The runtime OpenVINO", "openvino") from error
        raise ModelError(
            "ONNX Runtime cannot be loaded.", "Install it with: pip install onnxruntime."
        ) from error
    except Exception as error:  # the engines raise their own types without a common base
        raise ModelError(
            Translatable(
                "The network {name} cannot be loaded by {engine} ({words}).",
                name=card.name,
                engine=name,
                words=error,
            ),
            "Reinstall sentistream.",
        ) from error
