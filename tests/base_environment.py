"""Which modules each extra installs, and a Python that sees only the base installation."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(requirements: list[str]) -> set[str]:
    """The package names in a list of requirements."""
    return {_normal(re.split(r"[ ;<>=!~\[(]", text, maxsplit=1)[0]) for text in requirements}


BASE = packages(PROJECT["dependencies"])
EXTRAS = {name: packages(found) for name, found in PROJECT["optional-dependencies"].items()}


def modules_of_extras() -> list[str]:
    """Top-level modules installed here that are not part of the base installation."""
    brought, waiting = set[str](), [*BASE, "sentistream"]
    while waiting:
        name = waiting.pop()
        if name in brought:
            continue
        brought.add(name)
        if name == "sentistream":  # this tree's are read above; the installed metadata may be older
            continue
        try:
            found = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # for another operating system
            continue
        waiting += packages([text for text in found if "extra ==" not in text])
    return sorted(
        module
        for module, names in metadata.packages_distributions().items()
        if not {_normal(name) for name in names} & brought
    )


def run_base(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python that cannot import any extra's modules."""
    block = f"import sys; sys.modules.update(dict.fromkeys({modules_of_extras()!r}))\n"
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", block + program, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
