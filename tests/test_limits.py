"""Every cap is on the page of limits, with the value that it has."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sentistream

PAGE = Path(__file__).parents[1] / "docs" / "limits.md"
ROW = re.compile(
    r"^\| `([a-z_.]+)\.([A-Z_]+)`, [^|]+\| ([0-9.]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE
)
_CAP = re.compile(
    r"(?:^|_)(?:MAX|MOST|LONGEST|LARGEST|OLDEST|QUEUE|LIMIT|TIMEOUT|PATIENCE|DEPTH|ATTEMPTS|TRIES"
    r"|CONNECTIONS|BYTES|WAITING|HELD|KEPT|REMEMBERED|DEADLINE|BACKLOG|SECONDS|TOLD)(?:_|$)"
)
# networks are trained on what their recipes say, which is in their cards
_ELSEWHERE = ("training", "networks", "monitor.store.migrations")
_NO_CAPS = {
    "shares, rates, measures and places by such names": {
        ("monitor.cameras.background", "LONGEST_STEP"),
        ("monitor.cameras.background", "_MAX_NOISE"),
        ("benchmarking.streams", "KEPT"),
        ("datasets.splits", "HELD_OUT_PEOPLE"),
        ("datasets.twins", "MOST_DIFFERING_BITS"),
        ("evaluation.disturbances", "_NOISE_SECONDS"),
        ("media.tracks", "_SOUND_SECONDS"),
        ("monitor.api.past", "_SECONDS"),
        ("monitor.store.buckets", "_LIMIT"),
        ("monitor.store.retention", "_MAX_SECONDS"),
        ("reports.files", "RESERVE_BYTES"),
        ("vision.landmarks", "_LARGEST_FACTOR"),
        ("vision.scene_change", "_KEPT"),
        ("voice.activity", "_REMEMBERED"),
        ("voice.baseline", "MOST"),
    },
    "the row of another name says it": {
        ("vision.tracker", "MAX_FACES"),
        ("streams.rate_control", "LONGEST_CALM"),
    },
    "docs/api.md says how long a question may reach": {
        ("monitor.api.export", "LONGEST"),
        ("monitor.api.past", "LONGEST"),
        ("monitor.api.past", "LONGEST_READINGS"),
        ("monitor.api.past", "LONGEST_TOGETHER"),
    },
    "of the program's own doings: nothing that anybody asked for is left out": {
        ("monitor.accounts.accounts", "CACHE_SECONDS"),
        ("monitor.api.security.revocation", "LOOK_SECONDS"),
        ("monitor.api.visitors", "_MOST"),
        ("monitor.api.wellness", "_LOOK_SECONDS"),
        ("monitor.api.wellness", "_PATIENCE"),
        ("monitor.auto_restart", "STOP_TIMEOUT"),
        ("monitor.auto_restart", "WATCHDOG_TIMEOUT"),
        ("monitor.cameras.clocks", "BACKLOG"),
        ("monitor.cameras.second_aggregator", "_MAX_RUNS"),
        ("monitor.cameras.worker", "_READ_TIMEOUT"),
        ("monitor.page.house", "LONGEST"),
        ("monitor.runner", "_LOOP_TIMEOUT"),
        ("monitor.page.moods", "KEPT"),
        ("monitor.page.reasons", "_MOST"),
    },
}


def rows() -> list[tuple[str, ...]]:
    return ROW.findall(PAGE.read_text("utf-8"))


def caps() -> Iterator[tuple[str, str]]:
    """Every constant that bounds something by its name, private ones too."""
    for module in pkgutil.walk_packages(sentistream.__path__, "sentistream."):
        place = module.name.removeprefix("sentistream.")
        if place.startswith(_ELSEWHERE):
            continue
        path = Path(sentistream.__path__[0], *place.split("."))
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for name in re.findall(
            r"^([A-Z_]+)(?:: [^=]+)? = ", source.read_text("utf-8"), re.MULTILINE
        ):
            if _CAP.search(name):
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
    excused = set().union(*_NO_CAPS.values())
    found = set(caps())
    assert ("profiles", "MAX_FACES") in found
    assert ("monitor.api.visitors", "_MOST") in found
    assert found - told - excused == set()
    # what is excused is there, and not told as well
    assert excused - found == set()
    assert excused & told == set()


@pytest.mark.parametrize("name", ["_MOST_WAITING", "MAX_FACES", "_QUEUE", "UPLOAD_LIMIT", "DEPTH"])
def test_a_new_cap_would_be_found(name: str) -> None:
    assert _CAP.search(name)
