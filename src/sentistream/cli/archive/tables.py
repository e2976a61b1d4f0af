"""The tables of an archive's data set, and one clip's part of them.

A clip is complete once its file of ``sums`` is there, which is written last.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sentistream.cli.archive.storage import EXTRA, Storage
from sentistream.errors import MissingExtraError
from sentistream.reports.output_files import Output
from sentistream.reports.readings_table import ParquetTable
from sentistream.reports.summary_file import Subject, SummaryFile
from sentistream.types import SENTIMENTS, Moment, Reading

READINGS, SUMS, FAULTS = "readings", "sums", "faults"
TABLES = (READINGS, SUMS, FAULTS)
ACCOUNT, ABOUT = "account.csv", "archive.json"

PARTITION_DIGITS = 2
"""Digits of a clip's id that name its partition: 256 of them."""

FAILED = "failed"
"""The kind of fault of a clip that could not be analyzed."""

_MARK = b"sentistream"

SUMS_COLUMNS = (
    ("clip_id", "string"),
    ("clip", "string"),
    ("track", "int32"),
    ("first", "float64"),
    ("last", "float64"),
    ("moments", "int64"),
    ("label", "string"),
    *((name, "float32") for name in SENTIMENTS),
    ("sure", "bool"),
    *((f"share_{name}", "float32") for name in (*SENTIMENTS, "unknown")),
    ("mouth_open_share", "float32"),
    ("voice_share", "float32"),
    ("appearances", "int64"),
    ("moments_with_face", "int64"),
    ("seconds_analyzed", "float64"),
    ("seconds_taken", "float64"),
    ("core_seconds", "float64"),
    ("version", "string"),
)
FAULTS_COLUMNS = (
    ("clip_id", "string"),
    ("clip", "string"),
    ("kind", "string"),
    ("amount", "float64"),
    ("message", "string"),
)


def file_name(table: str, clip_id: str) -> str:
    """Path of a clip's part of a table within the data set."""
    return f"{table}/part={clip_id[:PARTITION_DIGITS]}/{clip_id}.parquet"


def fingerprint(wanted: Mapping[str, Any], version: str, source: Mapping[str, Any]) -> str:
    """Identifies everything that must be equal for existing results to be reused."""
    known = json.dumps([wanted, version, source], sort_keys=True, default=str)
    return hashlib.sha256(known.encode()).hexdigest()


class ClipTables:
    """One clip's results, written into the worker's private folder; a context manager.

    Args:
        folder: The folder.
        subject: The analysis.
        settings: What the user asked for.
        clip_id: The clip's.
        shown: Its address without secrets.

    Attributes:
        opened: Whether writing has begun.
        summary: The numbers.
    """

    def __init__(
        self, folder: Path, subject: Subject, settings: dict[str, Any], clip_id: str, shown: str
    ) -> None:
        self.opened: bool = False
        self.summary: SummaryFile = SummaryFile(folder / "summary.json", subject, settings)
        readings = ParquetTable(
            folder / "readings.parquet",
            mouth_threshold=subject.profile.mouth_threshold,
            constants={"clip_id": clip_id, "clip": shown},
        )
        self._outputs: list[Output] = [readings, self.summary]

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        """Give one moment to every output."""
        for output in self._outputs:
            output.add(moment, readings)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for output in self._outputs:
                stack.enter_context(output)
            self._stack = stack.pop_all()
        self.opened = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def publish(
    storage: Storage,
    folder: Path,
    clip_id: str,
    shown: str,
    facts: Mapping[str, Any],
    mark: str,
    core_seconds: float,
) -> None:
    """Adds a complete clip to the data set, or replaces it.

    Args:
        storage: The data set's.
        folder: What ``ClipTables`` has written.
        clip_id: The clip's.
        shown: Its address as it may be shown.
        facts: Its summary.
        mark: Its ``fingerprint``.
        core_seconds: Seconds of a core that it took.

    Raises:
        OutputError: It cannot be written.
    """
    # Results made with other settings count as missing until all is replaced. Results of another
    # worker of this run, presumed dead or having taken the clip over, are the same and stay.
    if found_mark(storage, clip_id) != mark:
        storage.delete(file_name(SUMS, clip_id))
    storage.put(folder / "readings.parquet", file_name(READINGS, clip_id))
    faults = list(_fault_rows(clip_id, shown, facts))
    if faults:
        _put(storage, FAULTS, clip_id, FAULTS_COLUMNS, faults)
    else:
        storage.delete(file_name(FAULTS, clip_id))
    whole, *tracks = _sum_rows(clip_id, shown, facts)
    whole["core_seconds"] = round(core_seconds, 3)
    _put(storage, SUMS, clip_id, SUMS_COLUMNS, [whole, *tracks], mark)


def publish_failure(storage: Storage, clip_id: str, shown: str, reason: str) -> None:
    """Adds a failed clip to the faults and removes any other results of it.

    Raises:
        OutputError: It cannot be written.
    """
    storage.delete(file_name(SUMS, clip_id))
    storage.delete(file_name(READINGS, clip_id))
    row = {"clip_id": clip_id, "clip": shown, "kind": FAILED, "message": reason}
    _put(storage, FAULTS, clip_id, FAULTS_COLUMNS, [row])


def found_mark(storage: Storage, clip_id: str) -> str | None:
    """The fingerprint of a clip's results; None where they are not complete.

    Raises:
        OutputError: The place cannot be read.
    """
    content = storage.read(file_name(SUMS, clip_id))
    if content is None or not storage.exists(file_name(READINGS, clip_id)):
        return None
    pyarrow = load()
    try:
        metadata = pyarrow.parquet.read_metadata(io.BytesIO(content)).metadata or {}
    except pyarrow.ArrowException:
        return None
    mark = metadata.get(_MARK)
    return None if mark is None else str(mark.decode())


def load() -> Any:
    """The module ``pyarrow``, with ``pyarrow.parquet``.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("Analyzing on Ray", EXTRA) from error
    return pyarrow


def _put(
    storage: Storage,
    table: str,
    clip_id: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Mapping[str, Any]],
    mark: str = "",
) -> None:
    pyarrow = load()
    types = {"bool": pyarrow.bool_()}
    schema = pyarrow.schema(
        [(name, types.get(kind, kind)) for name, kind in columns],
        metadata={_MARK: mark} if mark else None,
    )
    made = pyarrow.Table.from_pylist([dict(row) for row in rows], schema=schema)
    with tempfile.TemporaryDirectory(prefix="sentistream-") as folder:
        file = Path(folder) / "table.parquet"
        pyarrow.parquet.write_table(made, file)
        storage.put(file, file_name(table, clip_id))


def _sum_rows(clip_id: str, shown: str, facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    same = {"clip_id": clip_id, "clip": shown, "version": facts["sentistream"]}
    yield {
        **same,
        "moments": facts["moments"],
        "appearances": facts["appearances"],
        "moments_with_face": facts["moments_with_face"],
        "seconds_analyzed": facts["seconds_analyzed"],
        "seconds_taken": facts["speed"]["seconds"],
        **_answer(facts["overall"]),
        **_spread(facts["readings"]),
    }
    for track in facts["tracks"]:
        facts = {name: track[name] for name in ("track", "first", "last", "moments")}
        yield {**same, **facts, **_answer(track), **_spread(track)}


def _answer(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": of["label"], "sure": of["sure"], **of["probabilities"]}


def _spread(of: Mapping[str, Any]) -> dict[str, Any]:
    shares = {f"share_{name}": share for name, share in of["label_shares"].items()}
    names = ("mouth_open_share", "voice_share")
    return shares | {name: of[name] for name in names}


def _fault_rows(clip_id: str, shown: str, facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    same = {"clip_id": clip_id, "clip": shown}
    for kind, amount in facts["faults"].items():
        if amount:
            yield {**same, "kind": kind, "amount": float(amount)}
    if left_out := facts["more_faces"]["most_left_out"]:
        yield {**same, "kind": "more_faces", "amount": float(left_out)}
