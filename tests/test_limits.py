"""Every cap is on the page of limits, with the value that it has."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import sentistream

PAGE = Path(__file__).parents[1] / "docs" / "limits.md"
ROW = re.compile(
    r"^\| `([a-z_.]+)\.([A-Z_]+)`, [^|]+\| ([0-9.]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE
)
_CAP = re.compile(r"^(?:MAX|MOST)(?:_[A-Z]+)*$|^QUEUE$")
_LOOKED_AT = ("media", "monitor", "profiles", "reports", "streams")
# shares and rates by this name, and what the row beside them says already
_NO_CAPS = {
    ("reports.statistics", "MOST"),
}


def rows() -> list[tuple[str, ...]]:
    return ROW.findall(PAGE.read_text("utf-8"))


def caps() -> Iterator[tuple[str, str]]:
    for module in pkgutil.walk_packages(sentistream.__path__, "sentistream."):
        place = module.name.removeprefix("sentistream.")
        if place.split(".")[0] not in _LOOKED_AT or "migrations" in place:
            continue
        source = Path(sentistream.__path__[0], *place.split(".")).with_suffix(".py")
        if not source.exists():  # a package
            continue
        for name in re.findall(
            r"^([A-Z_]+)(?:: [^=]+)? = ", source.read_text("utf-8"), re.MULTILINE
        ):
            if _CAP.match(name) and (place, name) not in _NO_CAPS:
                yield place, name


def test_the_page_tells_the_values_that_hold() -> None:
    found = rows()
    assert len(found) > 25
    for module, name, value, _, beyond in found:
        held = getattr(importlib.import_module(f"sentistream.{module}"), name)
        assert float(value) == float(held), (module, name)
        assert beyond.strip()


def test_no_cap_is_missing_from_the_page() -> None:
    told = {(module, name) for module, name, *_ in rows()}
    found = set(caps())
    assert ("profiles", "MAX_FACES") in found
    assert found - told == set()
