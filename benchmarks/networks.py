"""Time of one run of each exported network, by ONNX Runtime and by OpenVINO, on one thread.

Usage: python -m benchmarks.networks EXPORT [EXPORT ...]

Each EXPORT is a folder of ``sentistream export``. Engines and folders take turns of a few runs,
and the fastest run counts, which other load on the machine rarely affects.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino
from numpy.typing import NDArray

TURNS, MIN_TURNS, RUNS = 80, 8, 6
SLOW = 0.005  # seconds of a run that is not repeated as often
PICTURE = (480, 640)
"""Rows and columns for networks that accept any size."""

Inputs = dict[str, NDArray[Any]]


def main() -> None:
    """Prints milliseconds by network, folder and engine, and the sizes of the files."""
    runs: dict[tuple[str, str, str], Callable[[], object]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for folder in map(Path, sys.argv[1:]):
        networks = json.loads((folder / "pipeline.json").read_text("utf-8"))["networks"]
        for name, network in networks.items():
            content = (folder / network["file"]).read_bytes()
            sizes[name, str(folder)] = len(content)
            inputs = example(network["inputs"])
            runs[name, str(folder), "onnxruntime"] = with_onnxruntime(content, inputs)
            runs[name, str(folder), "openvino"] = with_openvino(content, inputs)
    if not runs:
        sys.exit(__doc__)
    best = dict.fromkeys(runs, np.inf)
    for number in range(TURNS):
        for key, run in runs.items():
            if number < MIN_TURNS or best[key] < SLOW:
                best[key] = min(best[key], *(measured(run) for _ in range(RUNS)))
    print(f"{'network':<16}{'folder':<24}{'engine':<12}{'bytes':>10}{'ms':>9}")
    for (name, folder_name, engine), seconds in sorted(best.items()):
        size = sizes[name, folder_name]
        print(f"{name:<16}{folder_name:<24}{engine:<12}{size:>10,}{1000 * seconds:>9.3f}")


def example(described: dict[str, Any]) -> Inputs:
    """Inputs of the right types and shapes."""
    generator = np.random.default_rng(1)
    arrays: Inputs = {}
    for key, value in described.items():
        shape = [
            PICTURE[axis] if length < 0 else length
            for axis, length in enumerate(value["shape"][1:])
        ]
        if value["type"] == "uint8":
            arrays[key] = generator.integers(0, 256, (1, *shape), dtype=np.uint8)
        else:
            arrays[key] = generator.uniform(0.1, 0.9, (1, *shape)).astype(np.float32)
    return arrays


def with_onnxruntime(content: bytes, inputs: Inputs) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, inputs)


def with_openvino(content: bytes, inputs: Inputs) -> Callable[[], object]:
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    model = core.read_model(model=content, weights=b"")
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda: request.infer(inputs)


def measured(run: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
