"""The machine and the installation that a figure was measured on."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from sentistream.cores import usable_cores
from sentistream.operating_system import load_average, processor_name

PACKAGES = ("av", "dlib-bin", "matplotlib", "numpy", "onnxruntime", "openvino", "torch")


def describe_machine() -> dict[str, Any]:
    """Processor, usable cores, current load, versions."""
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "load": None if (load := load_average()) is None else round(load, 2),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "runtime": os.environ.get("SENTISTREAM_RUNTIME", "onnxruntime"),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


TIMES = 5


def seconds_to_start() -> dict[str, float]:
    """Wall-clock seconds for ``sentistream --help`` and ``import sentistream``, medians."""
    commands = {
        "help": [sys.executable, "-m", "sentistream", "--help"],
        "import": [sys.executable, "-c", "import sentistream"],
        "python": [sys.executable, "-c", ""],
    }
    return {name: _median_seconds(command) for name, command in commands.items()}


def installed_bytes(package: str = "sentistream") -> dict[str, int]:
    """Bytes on disk of each distribution that a base installation needs, largest first."""
    sizes: dict[str, int] = {}
    waiting = [package]
    while waiting:
        name = _normal(waiting.pop())
        if name in sizes:
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        paths = (Path(str(file.locate())) for file in found.files or ())
        sizes[name] = sum(path.stat().st_size for path in paths if path.is_file())
        waiting += [
            re.split(r"[ ;<>=!~\[(]", text, maxsplit=1)[0]
            for text in found.requires or ()
            if "extra ==" not in text and _applies(text)
        ]
    own = Path(__file__).resolve().parent.parent
    sizes[package] = sum(path.stat().st_size for path in own.rglob("*") if path.is_file())
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _applies(requirement: str) -> bool:
    """Whether a requirement without an extra holds on this system (a coarse reading)."""
    marker = requirement.partition(";")[2]
    return not re.search(r"win32|Windows|Darwin|python_version *<", marker)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _median_seconds(command: list[str]) -> float:
    taken = []
    for _ in range(TIMES):
        before = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the list is ours
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)
