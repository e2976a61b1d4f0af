"""How soon the command answers, and how large an installation is."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

TIMES = 5


def seconds_to_start() -> dict[str, float]:
    """Seconds by the clock for ``sentistream --help`` and for ``import sentistream``, medians."""
    commands = {
        "help": [sys.executable, "-m", "sentistream", "--help"],
        "import": [sys.executable, "-c", "import sentistream"],
        "python": [sys.executable, "-c", ""],
    }
    return {name: _median(command) for name, command in commands.items()}


def installed_bytes(package: str = "sentistream") -> dict[str, int]:
    """Bytes on the disk of each distribution that a base installation needs, largest first."""
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


def _median(command: list[str]) -> float:
    taken = []
    for _ in range(TIMES):
        before = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the list is ours
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)
