"""``sentistream analyze`` imports only what it uses before its first reading.

The time is measured by ``python -m benchmarks.start``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from base_environment import EXTRAS
from synthetic_clips import clicks, flat, write_clip

LOADED = """
import json, os, sys
from sentistream.cli import main
def report():
    sys.__stderr__.write("\\n" + json.dumps(sorted({n.partition(".")[0] for n in sys.modules})))
    sys.__stderr__.flush()
    os._exit(0)
if sys.argv[-1] == "--help":
    try:
        main(sys.argv[1:])
    finally:
        report()
from sentistream.analyzer import Analyzer
process = Analyzer.process
def once(analyzer, moment):
    process(analyzer, moment)
    report()
Analyzer.process = once
main(sys.argv[1:])
"""
"""Prints the loaded modules once the first reading exists."""

MODULES = {
    "face-recognition-models": "face_recognition_models",
    "dlib-bin": "dlib",
    "paho-mqtt": "paho",
    "prometheus-client": "prometheus_client",
    "pydantic-settings": "pydantic",
    "scikit-image": "skimage",
}
"""Module names of distributions where they differ from the distribution's name."""


def loaded(*arguments: str) -> set[str]:
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("start") / "in.mp4"
    pictures = [(index / 25, flat(60, 160, 120)) for index in range(25)]
    return write_clip(path, pictures, clicks(1.0, 48_000))


def test_analysis_loads_no_unrelated_package(clip: Path, tmp_path: Path) -> None:
    found = loaded("analyze", str(clip), "--out", str(tmp_path / "out"))
    assert {"av", "numpy", "onnxruntime", "sentistream"} <= found
    heavy = {"matplotlib", "pandas", "polars", "scipy", "sqlalchemy", "starlette", "torch"}
    extras = {
        MODULES.get(name, name.replace("-", "_"))
        for extra in EXTRAS.keys() - {"parquet", "dev"}
        for name in EXTRAS[extra]
    }
    assert "fastapi" in extras
    # Parquet is written where pyarrow is installed
    assert found & (heavy | extras) <= {"pyarrow"}


def test_help_loads_no_network(tmp_path: Path) -> None:
    assert not loaded("analyze", "--help") & {"av", "numpy", "onnxruntime", "PIL", "pyarrow"}
