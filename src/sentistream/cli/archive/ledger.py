"""The state of each clip of an archive, kept on disk instead of in memory."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Self

from sentistream.cli.archive.clip_list import ArchiveClip
from sentistream.reports.result_folder import harmless


class Status(StrEnum):
    """The state of a clip."""

    DONE = "done"
    FAILED = "failed"
    NOT_STARTED = "not started"
    RUNNING = "running"


COLUMNS = ("clip", "clip_id", "status", "tries", "earlier", "seconds", "reason")
"""Of ``account.csv``."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A clip to be analyzed.

    Attributes:
        number: Its place in the list, from 1.
        clip: The clip.
        tries: How often it was tried before.
    """

    number: int
    clip: ArchiveClip
    tries: int


class Ledger:
    """Every clip once, in the order of the list; a context manager.

    Args:
        path: Its file, which is created.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        # it lives no longer than the run
        self._database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE clips (number INTEGER PRIMARY KEY, clip_id TEXT UNIQUE, address BLOB,"
            " clip TEXT, status TEXT NOT NULL DEFAULT 'not started', tries INTEGER DEFAULT 0,"
            " earlier INTEGER DEFAULT 0, seconds REAL, reason TEXT DEFAULT '');"
            "CREATE INDEX waiting ON clips (tries, number) WHERE status = 'not started';"
        )
        self.counts: Counter[Status] = Counter()
        self.earlier: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def total(self) -> int:
        """How many clips are known."""
        return self.counts.total()

    def add(self, clips: Iterable[ArchiveClip], limit: int) -> bool:
        """Adds clips; one that is there already is unchanged.

        Args:
            clips: An iterator over them.
            limit: How many are taken from it at most.

        Returns:
            Whether there were that many.
        """
        some = list(islice(clips, limit))
        for clip in some:
            row = (clip.clip_id, os.fsencode(clip.address), clip.shown.encode("utf-8", "replace"))
            added = self._database.execute(
                "INSERT OR IGNORE INTO clips (clip_id, address, clip)"
                " VALUES (?, ?, CAST(? AS TEXT))",
                row,
            )
            self.counts[Status.NOT_STARTED] += added.rowcount
        return len(some) == limit

    @property
    def waiting(self) -> int:
        """How many clips wait."""
        return self.counts[Status.NOT_STARTED]

    def begin(self) -> Waiting | None:
        """The next waiting clip; those that failed before come after all others."""
        found = self._database.execute(
            "SELECT number, address, clip_id, tries FROM clips"
            " WHERE status = 'not started' ORDER BY tries, number LIMIT 1"
        ).fetchone()
        if found is None:
            return None
        number, address, clip_id, tries = found
        self._set(number, Status.NOT_STARTED, Status.RUNNING)
        return Waiting(number, ArchiveClip(os.fsdecode(address), clip_id), tries)

    def end(
        self, number: int, status: Status, *, seconds: float | None = None, earlier: bool = False
    ) -> None:
        """A clip is done or has failed for good; ``fail`` says why."""
        self._set(number, Status.RUNNING, status)
        self.earlier += earlier
        self._database.execute(
            "UPDATE clips SET seconds = ?, earlier = ?, tries = tries + ? WHERE number = ?",
            (seconds, earlier, not earlier, number),
        )
        if status is Status.DONE:
            self._database.execute("UPDATE clips SET reason = '' WHERE number = ?", (number,))

    def fail(self, number: int, reason: str, retries: int) -> bool:
        """A try has failed.

        Args:
            number: The clip's.
            reason: Why.
            retries: How often it may be tried again.

        Returns:
            Whether it waits to be tried again.
        """
        self._database.execute(
            "UPDATE clips SET reason = ? WHERE number = ?",
            (reason.encode("utf-8", "replace").decode(), number),
        )
        tries = self._database.execute(
            "SELECT tries FROM clips WHERE number = ?", (number,)
        ).fetchone()[0]
        if tries < retries:
            self._set(number, Status.RUNNING, Status.NOT_STARTED)
            self._database.execute("UPDATE clips SET tries = tries + 1 WHERE number = ?", (number,))
            return True
        self.end(number, Status.FAILED)
        return False

    def put_back(self) -> None:
        """Running clips were stopped: they count as not started."""
        self._database.execute("UPDATE clips SET status = 'not started' WHERE status = 'running'")
        self.counts[Status.NOT_STARTED] += self.counts.pop(Status.RUNNING, 0)

    def write(self, path: Path) -> None:
        """Writes ``account.csv``."""
        rows = self._database.execute(
            "SELECT clip, clip_id, status, tries, earlier, seconds, reason FROM clips"
            " ORDER BY number"
        )
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(COLUMNS)
            for clip, clip_id, status, tries, earlier, seconds, reason in rows:
                row = (clip_id, status, tries, "yes" if earlier else "no", seconds)
                table.writerow((harmless(clip), *row, harmless(reason)))

    def _set(self, number: int, before: Status, after: Status) -> None:
        self._database.execute(
            "UPDATE clips SET status = ? WHERE number = ?", (after.value, number)
        )
        self.counts[before] -= 1
        self.counts[after] += 1
