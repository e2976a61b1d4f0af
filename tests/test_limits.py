"""Every limit is listed in docs/limits.md, with its value."""

from __future__ import annotations

import ast
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
_LIMIT_NAME = re.compile(
    r"(?:^|_)(?:MAX|LONGEST|LARGEST|OLDEST|QUEUE|LIMIT|TIMEOUT|PATIENCE|DEPTH|ATTEMPTS|TRIES"
    r"|CONNECTIONS|BYTES|WAITING|HELD|KEPT|REMEMBERED|DEADLINE|BACKLOG|SECONDS|TOLD|SILENCE)(?:_|$)"
)
_KEYWORD = re.compile(
    r"(?:^|_)(?:max|maxlen|maxsize|most|limit|depth|queue|backlog|timeout|le)(?:_|$)"
)
# training parameters of the networks are in their recipes, shown on their cards
_ELSEWHERE = ("training", "networks", "monitor.store.migrations")
_LABELLING = "training.labelling"
_EXCEPTIONS = {
    "shares, rates and other quantities with such names": {
        ("monitor.cameras.background", "LONGEST_STEP"),
        ("monitor.fleet.signatures", "SIGNATURE_BYTES"),
        ("monitor.headquarters.fleet_tables", "HELD"),
        ("monitor.headquarters.record_parsing", "_MAX"),
        ("monitor.cameras.background", "_MAX_NOISE"),
        ("datasets.corpus_people", "HELD_OUT_PEOPLE"),
        ("datasets.near_duplicates", "MAX_DIFFERING_BITS"),
        ("evaluation.accumulators", "LONGEST_STEP"),
        ("evaluation.corruptions", "_NOISE_SECONDS"),
        ("media.packet_skipping", "MAX_GROUP"),
        ("streams.rate_control", "MAX_LAG"),
        ("streams.rate_control", "MAX_CATCHABLE_LAG"),
        ("media.track_content", "_SOUND_SECONDS"),
        ("streams.rate_control", "MAX_STEP"),
        ("monitor.api.history", "_SECONDS"),
        ("monitor.api.insight_api", "_SECONDS"),
        ("monitor.store.buckets", "_LIMIT"),
        ("monitor.store.retention", "_MAX_SECONDS"),
        ("reports.output_files", "RESERVE_BYTES"),
        ("vision.dlib_landmarks", "_LARGEST_FACTOR"),
        ("vision.scene_change", "_KEPT"),
        ("voice.voice_activity", "_REMEMBERED"),
        ("voice.voice_baseline", "MAX"),
    },
    "documented in the row of another name": {
        ("monitor.notify.notifier", "AT_ONCE_SECONDS"),
        ("vision.face_tracker", "MAX_FACES"),
        ("streams.rate_control", "LONGEST_CALM"),
        ("media.decoder", "_MAX_WITHOUT_PICTURE"),
        ("media.decoder", "_MAX_HELD"),
    },
    "the maximum period of a query is in docs/api.md": {
        ("monitor.api.history", "LONGEST"),
    },
    "internal: nothing that users requested is omitted": {
        ("monitor.accounts.accounts", "CACHE_SECONDS"),
        ("monitor.api.cameras_api", "_OWNERS_KEPT"),
        ("monitor.api.health", "_PATIENCE"),
        ("monitor.auto_restart", "STOP_TIMEOUT"),
        ("monitor.auto_restart", "WATCHDOG_TIMEOUT"),
        ("monitor.cameras.clocks", "BACKLOG"),
        ("monitor.cameras.second_aggregator", "_MAX_RUNS"),
        ("monitor.cameras.worker", "_READ_TIMEOUT"),
        ("monitor.fleet.broker_connection", "CLOSE_TIMEOUT"),
        ("monitor.headquarters.shop_alerts", "SILENCE_INTERVAL"),
        ("monitor.headquarters.receiver", "MAX_WARNED"),
        ("monitor.runner", "_LOOP_TIMEOUT"),
        ("monitor.site_link.outbox", "_REMEMBERED"),
        ("monitor.web.recent", "KEPT"),
    },
}


_INLINE: dict[str, set[tuple[str, str, float]]] = {
    "caches of reproducible values": {
        ("datasets.csv_lists", "maxsize", 4),
        ("monitor.insight.opening_hours", "maxsize", 64),
        ("monitor.insight.opening_hours", "maxsize", 128),
        ("monitor.headquarters.sum_storage", "maxsize", 1024),
        ("monitor.headquarters.sum_storage", "maxsize", 65536),
        ("monitor.store.buckets", "maxsize", 4096),
        ("reports.frame_drawing", "maxsize", 8),
        ("vision.dlib_landmarks", "maxsize", 1),
        ("monitor.api.security.rate_limit", "most", 8192),
    },
    "timeouts when closing an internal thread or process": {
        ("media.browser_source", "timeout", 2),
        ("media.live_source", "timeout", 1),
        ("media.simulated_camera", "timeout", 1),
        ("media.microphone", "timeout", 1),
        ("monitor.cameras.worker", "timeout", 5),
        ("monitor.headquarters.receiver", "timeout", 10.0),
        ("monitor.site_link.outbox", "timeout", 5.0),
        ("monitor.subscriber", "timeout", 5.0),
        ("monitor.notify.mqtt_client", "timeout", 2.0),
        ("monitor.notify.delivery_queue", "timeout", 2.0),
        ("monitor.notify.notifier", "timeout", 0),
        ("monitor.store.store_writer", "timeout", 10.0),
        ("streams.multi_source", "timeout", 5),
        ("streams.stream_pool", "timeout", 5),
    },
    "parameters of callers, described in their documentation": {
        ("cli.analyze", "max", 1),
        ("client.client", "limit", 100),
        ("client.client", "limit", 5000),
        ("client.client", "timeout", 30.0),
        ("datasets.download", "timeout", 60.0),
        ("monitor.api.alerts_api", "limit", 100),
        ("monitor.api.history", "limit", 1000),
        ("monitor.headquarters.held_shop_alerts", "limit", 100),
        ("monitor.interfaces", "limit", 100),
        ("monitor.interfaces", "limit", 200),
        ("monitor.store.alert_log", "limit", 100),
        ("monitor.store.alert_log", "limit", 200),
        ("monitor.store.database_store", "limit", 200),
        ("monitor.interfaces", "limit", 10000),
        ("monitor.store.database_store", "limit", 100),
        ("monitor.store.database_store", "limit", 10000),
    },
    "keys of cameras and zones, and kinds of events, are shorter": {
        ("monitor.api.event_stream", "max_length", 100),
        ("monitor.api.history", "max_length", 64),
        ("monitor.api.insight_api", "max_length", 64),
    },
    "no password is longer (monitor.accounts.passwords.MAX_LENGTH)": {
        ("monitor.api.users", "max_length", 1024),
    },
    "an alert has a start and an end; one about a disk or the broker has no limit of a share": {
        ("monitor.alerts.health_watch", "limit", 0.0),
        ("monitor.headquarters.headquarters", "limit", 0.0),
        ("monitor.alerts.incidents", "limit", 1),
        ("monitor.alerts.incidents", "limit", 2),
    },
    "text layout and polling intervals": {
        ("cli.archive.ray_pool", "timeout", 0),
        ("cli.progress", "most", 28),
        ("evaluation.mood_sequences", "max_faces", 1),
        ("monitor.web.form_fields", "depth", 0),
        ("monitor.web.live_page", "timeout", 0.12),
        ("monitor.watchdog", "limit", 3600.0),
        ("reports.timeline_chart", "most", 8),
    },
}
# every setting's bounds are in docs/settings.md
_SETTINGS = ("monitor.settings",)


def inline() -> Iterator[tuple[str, str, float]]:
    """Every number passed for, or the default of, a parameter whose name marks a limit."""
    for place, source in modules():
        if place.startswith(_SETTINGS):
            continue
        for node in ast.walk(ast.parse(source)):
            arguments: list[tuple[str | None, ast.expr | None]] = []
            if isinstance(node, ast.Call):
                arguments += [(each.arg, each.value) for each in node.keywords]
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named = node.args
                arguments += zip(
                    [each.arg for each in reversed(named.args)],
                    reversed(named.defaults),
                    strict=False,
                )
                names = [each.arg for each in named.kwonlyargs]
                arguments += zip(names, named.kw_defaults, strict=True)
            for name, value in arguments:
                number = value.value if isinstance(value, ast.Constant) else None
                if isinstance(number, bool) or not isinstance(number, int | float):
                    continue
                if name and _KEYWORD.search(name):
                    yield place, name, number


def rows() -> list[tuple[str, ...]]:
    return ROW.findall(PAGE.read_text("utf-8"))


def modules() -> Iterator[tuple[str, str]]:
    """The name and the source of every module."""
    for module in pkgutil.walk_packages(sentistream.__path__, "sentistream."):
        place = module.name.removeprefix("sentistream.")
        if place.startswith(_ELSEWHERE) and not place.startswith(_LABELLING):
            continue
        path = Path(sentistream.__path__[0], *place.split("."))
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        yield place, source.read_text("utf-8")


def limits() -> Iterator[tuple[str, str]]:
    """Every constant whose name marks a limit, private ones too."""
    for place, source in modules():
        for name in re.findall(r"^([A-Z_]+)(?:: [^=]+)? = ", source, re.MULTILINE):
            if _LIMIT_NAME.search(name):
                yield place, name


def test_documented_values_match_the_code() -> None:
    found = rows()
    assert len(found) > 25
    for module, name, value, _, beyond in found:
        actual = getattr(importlib.import_module(f"sentistream.{module}"), name)
        assert float(value) == float(actual), (module, name)
        assert beyond.strip()


def test_every_limit_is_documented() -> None:
    documented = {(module, name) for module, name, *_ in rows()}
    excused = set().union(*_EXCEPTIONS.values())
    found = set(limits())
    assert ("profiles", "MAX_FACES") in found
    assert ("monitor.api.cameras_api", "_OWNERS_KEPT") in found
    assert found - documented - excused == set()
    # exceptions exist, and are not documented as well
    assert excused - found == set()
    assert excused & documented == set()


def test_no_limit_is_an_unnamed_number() -> None:
    excused = set[tuple[str, str, float]]().union(*_INLINE.values())
    found = set(inline())
    assert found - excused == set(), "name these in their module, and document them in limits.md"
    assert excused - found == set()


@pytest.mark.parametrize("name", ["_MAX_WAITING", "MAX_FACES", "_QUEUE", "UPLOAD_LIMIT", "DEPTH"])
def test_new_limit_would_be_found(name: str) -> None:
    assert _LIMIT_NAME.search(name)
