"""The code of one archive worker: clip after clip, with networks loaded once.

Nothing here depends on Ray.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sentistream import __version__
from sentistream.cli.archive.clip_list import ArchiveClip
from sentistream.cli.archive.storage import (
    Storage,
    is_remote,
    open_filesystem,
    open_storage,
    reason_of,
)
from sentistream.cli.archive.tables import ABOUT, ClipTables, fingerprint, found_mark, publish
from sentistream.cli.clip_analysis import ClipAnalyzer, Failure, Options, failure_of
from sentistream.cli.inputs import Clip
from sentistream.cli.interruption import StopRequest
from sentistream.errors import InputError, OutputError, SentistreamError
from sentistream.operating_system import process_exists, resident_memory
from sentistream.redaction import secrets_in, without_secrets
from sentistream.reports.source_file import file_facts
from sentistream.values import ByValue

if TYPE_CHECKING:
    from sentistream.api import Analysis

MEMORY = 600 * 1024 * 1024
"""Bytes of memory reserved for a worker; one that holds more after a clip is replaced."""

ENVIRONMENT = ("SENTISTREAM_PRECISION", "SENTISTREAM_RUNTIME")
"""Environment variables copied to every node."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Settings(ByValue):
    """What all workers of a run share.

    Attributes:
        options: What the user asked for.
        wanted: Settings and networks of the profile, for the fingerprint.
        out: Path or address of the data set.
        run: The run's name.
        skip: Whether complete clips are skipped.
        environment: Variables to set.
        gpus: Share of a GPU that each worker takes; 0 for none.
    """

    options: Options
    wanted: dict[str, Any]
    out: str
    run: str
    skip: bool
    environment: dict[str, str] = field(default_factory=dict)
    gpus: float = 0.0


@dataclass(frozen=True, slots=True)
class Hello:
    """A worker has started.

    Attributes:
        version: The version of sentistream that it runs.
        host: Its machine's name.
        sees: Whether it can access the data set's storage.
    """

    version: str
    host: str
    sees: bool


@dataclass(frozen=True, slots=True, eq=False)
class Outcome(ByValue):
    """How a try at a clip ended.

    Attributes:
        facts: Its summary, for ``--json`` only.
        seconds: Seconds of video analyzed.
        earlier: Whether it was complete already.
        failure: Why it failed.
        again: Whether another try might succeed.
        fatal: An error that every other clip would meet, too.
        full: Whether the worker should be replaced because it holds much memory.
    """

    facts: dict[str, Any] | None = None
    seconds: float | None = None
    earlier: bool = False
    failure: Failure | None = None
    again: bool = False
    fatal: SentistreamError | None = None
    full: bool = False


class ArchiveWorker:
    """Analyzes clips of an archive into its data set.

    Args:
        settings: Those of the run.
    """

    def __init__(self, settings: Settings) -> None:
        os.environ.update(settings.environment)
        self._settings = settings
        self._storage: Storage = open_storage(settings.out)
        self._work = _work_folder(settings.run)
        self._clip = ArchiveClip("", "")
        self._reached: tuple[float, float | None] = (0.0, None)
        self._analyzer = ClipAnalyzer(
            settings.options, StopRequest(), threads=1, results=self._tables
        )

    def hello(self) -> Hello:
        """Reports that it has started, and where; loading errors occur here."""
        import sentistream.api  # noqa: F401

        about = self._storage.read(ABOUT)
        sees = about is not None and self._settings.run.encode() in about
        return Hello(__version__, platform.node(), sees)

    def reached(self) -> tuple[float, float | None]:
        """Progress of the current clip: seconds, and its length if known."""
        return self._reached

    def start(self, name: str, seconds: float | None) -> None:
        """Starts the analysis of a clip."""
        self._reached = (0.0, seconds)

    def reach(self, seconds: float, moments: int) -> None:
        """Records the media time reached."""
        self._reached = (seconds, self._reached[1])

    def analyze(self, clip: ArchiveClip) -> Outcome:
        """One try at a clip."""
        self._clip = clip
        self._reached = (0.0, None)
        try:
            with tempfile.TemporaryDirectory(dir=self._work) as folder:
                return self._analyze(clip, Path(folder))
        except OSError as error:
            return self._failed(f"{error.strerror or error}.", again=True)
        except OutputError as error:
            return self._failed(str(error), again=True)
        except InputError as error:
            return self._failed(str(error), again=False)
        except SentistreamError as error:
            return Outcome(fatal=error)

    def close(self) -> None:
        """Removes everything it left on its machine."""
        shutil.rmtree(self._work, ignore_errors=True)
        with suppress(OSError):
            self._work.parent.rmdir()

    def _analyze(self, clip: ArchiveClip, folder: Path) -> Outcome:
        begun = time.process_time()
        remote = is_remote(clip.address)
        try:
            source = _remote_facts(clip.address) if remote else _local_facts(clip.address)
        except FileNotFoundError:
            # for web addresses a failed connection looks the same
            return self._failed("There is no such file.", again=remote)
        except InputError:
            raise
        except Exception as error:  # each file system raises types of its own
            message = f"It cannot be looked at ({reason_of(error, clip.address)})."
            return self._failed(message, again=True)
        mark = fingerprint(self._settings.wanted, __version__, source)
        if self._settings.skip and found_mark(self._storage, clip.clip_id) == mark:
            return Outcome(earlier=True)
        path = Path(clip.address)
        if remote:
            path = folder / _safe_name(clip.address)
            try:
                _fetch(clip.address, path)
            except Exception as error:  # each file system raises types of its own
                message = f"It cannot be fetched ({reason_of(error, clip.address)})."
                return self._failed(message, again=True)
        named = Clip(path, Path(clip.clip_id))
        attempt = self._analyzer.analyze(named, folder, clip.shown, self)
        if attempt.error is not None:
            failure = failure_of(named, attempt.error)
            again = not isinstance(attempt.error, InputError)
            return self._failed(failure.problem, again=again, failure=failure, path=path)
        if attempt.facts is None:
            return self._failed("It was not begun.", again=True)
        taken = time.process_time() - begun
        publish(self._storage, folder, clip.clip_id, clip.shown, attempt.facts, mark, taken)
        return Outcome(
            facts=attempt.facts if self._settings.options.json else None,
            seconds=attempt.facts["seconds_analyzed"],
            full=(resident_memory() or 0) > MEMORY,
        )

    def _tables(self, clip: Clip, folder: Path, analysis: Analysis) -> ClipTables:
        now = self._clip
        settings = self._settings.options.settings()
        return ClipTables(folder, analysis, settings, now.clip_id, now.shown)

    def _failed(
        self,
        problem: str,
        *,
        again: bool,
        failure: Failure | None = None,
        path: Path | None = None,
    ) -> Outcome:
        shown = self._clip.shown
        if path is not None and is_remote(self._clip.address):
            problem = problem.replace(str(path), shown)
        if is_remote(self._clip.address):
            problem = without_secrets(problem, secrets_in(self._clip.address))
        message = problem if shown in problem else f"{shown}: {problem}"
        broken = failure is not None and failure.broken
        full = failure is not None and failure.disk_full
        return Outcome(failure=Failure(problem, message, broken, full), again=again)


def _local_facts(address: str) -> dict[str, Any]:
    facts = file_facts(Path(address))
    if facts is None:
        raise FileNotFoundError(address)
    return facts


_CHANGES = ("ETag", "etag", "md5Hash", "generation", "mtime", "LastModified", "last_modified")
"""Fields by which file systems show that a file has changed; the first available one counts."""


def _remote_facts(address: str) -> dict[str, Any]:
    """Size in bytes, and a value that changes with the content."""
    filesystem, path = open_filesystem(address)
    info: Mapping[str, Any] = filesystem.info(path)
    changes = next((str(info[name]) for name in _CHANGES if info.get(name)), "")
    return {"bytes": info.get("size"), "changes": changes}


def _fetch(address: str, path: Path) -> None:
    filesystem, inside = open_filesystem(address)
    filesystem.get_file(inside, str(path))


def _safe_name(address: str) -> str:
    """A name for the copy: it keeps the suffix, by which some formats are recognized."""
    name = PurePosixPath(address.partition("?")[0]).name
    kept = "".join(each if each.isalnum() or each in "._-" else "_" for each in name)
    return kept.lstrip(".")[-100:] or "clip"


def tidy_up(run: str) -> None:
    """Deletes what killed workers of a run have left on this machine."""
    shutil.rmtree(_run_folder(run), ignore_errors=True)


def _run_folder(run: str) -> Path:
    return Path(tempfile.gettempdir()) / f"sentistream-{run}"


def _work_folder(run: str) -> Path:
    """A private folder for this process; those of dead workers of the run are deleted."""
    base = _run_folder(run)
    base.mkdir(mode=0o700, exist_ok=True)
    for left in base.iterdir():
        if left.name.isdigit() and not process_exists(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)
    mine = base / str(os.getpid())
    mine.mkdir(mode=0o700, exist_ok=True)
    return mine
