"""Runs an archive, from the clip list to the account."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sentistream import __version__
from sentistream.cli.archive.clip_list import ArchiveClip, list_clips
from sentistream.cli.archive.ledger import Ledger, Status, Waiting
from sentistream.cli.archive.ray_pool import Event, Lost, RayPool, Reached
from sentistream.cli.archive.storage import Storage, is_remote, open_storage
from sentistream.cli.archive.tables import ABOUT, ACCOUNT, load, publish_failure
from sentistream.cli.archive.worker import ENVIRONMENT, Outcome, Settings, tidy_up
from sentistream.cli.clip_analysis import Failure, Options
from sentistream.cli.interruption import Interruption
from sentistream.cli.progress import Clips, clips_shown, echo, shortened
from sentistream.cli.resume import what_is_wanted
from sentistream.errors import OutputError, SentistreamError
from sentistream.runtime.inference import CUDA

RETRIES = 2
"""How often a clip is retried by default."""

_LISTED_AT_ONCE = 1_000
"""Clips taken from the list before the workers are served again."""

_WAIT = 0.5
"""Seconds to wait for the workers before the list is read on."""

_LOST = "The process that analyzed it was killed, or its machine was lost."


class Archive:
    """Analyzes an archive's clips on Ray and reports the outcome of each.

    Args:
        sources: What the user names.
        out: Path or address of the data set.
        options: What the user asked for.
        interruption: Tells when to stop.
        retries: How often a clip is retried.
        resumed: Whether complete clips are skipped.
        force: Whether existing results are replaced.

    Attributes:
        failed: How many clips failed.
        broken: How many of them by a fault of the program.
    """

    def __init__(
        self,
        sources: Sequence[str],
        out: str,
        options: Options,
        interruption: Interruption,
        *,
        retries: int = RETRIES,
        resumed: bool = False,
        force: bool = False,
        gpus: float = 0.0,
    ) -> None:
        self.failed: int = 0
        self.broken: int = 0
        self._sources = sources
        self._options = options
        self._interruption = interruption
        self._retries = retries
        self._resumed = resumed
        self._force = force
        self._gpus = gpus
        self._out = out if is_remote(out) else os.path.abspath(out)  # noqa: PTH100 - links stay
        self._verbose = not (options.quiet or options.json)
        self._running: dict[int, Waiting] = {}
        self._listed = False
        self._opened = False

    def run(self, address: str, workers: int | None) -> None:
        """Analyzes every clip that is not complete.

        Args:
            address: Of the Ray cluster.
            workers: How many at most; None for one for each core.

        Raises:
            SentistreamError: It could not go on; the account is written all the same.
                KeyboardInterrupt: The user stopped it; likewise.
        """
        load()
        run = uuid.uuid4().hex[:12]
        storage = open_storage(self._out)
        clips = list_clips(self._sources, lambda message: echo(f"Left out: {message}", err=True))
        with tempfile.TemporaryDirectory(prefix="sentistream-") as name:
            folder = Path(name)
            with Ledger(folder / "ledger.sqlite") as ledger:
                self._listed = not ledger.add(clips, _LISTED_AT_ONCE)
                self._check_free(storage)
                try:
                    with RayPool(address, workers, self._settings(run)) as pool:
                        self._open(storage, folder, run)
                        self._work(ledger, clips, pool, storage)
                finally:
                    self._interruption.hold()
                    tidy_up(run)
                    if self._opened:
                        self._try_account(ledger, clips, storage, folder / ACCOUNT)

    def _settings(self, run: str) -> Settings:
        here = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        if self._gpus:
            here["SENTISTREAM_RUNTIME"] = CUDA
        wanted = what_is_wanted(self._options)
        return Settings(
            options=self._options,
            wanted=wanted,
            out=self._out,
            run=run,
            skip=self._resumed,
            environment=here,
            gpus=self._gpus,
        )

    def _check_free(self, storage: Storage) -> None:
        if not (self._force or self._resumed) and storage.exists(ABOUT):
            raise OutputError(
                f"{storage.shown()} already holds an archive.",
                "Go on with it with --resume, replace it clip by clip with --force, or choose "
                "another place with --out.",
            )

    def _open(self, storage: Storage, folder: Path, run: str) -> None:
        """Writes a description into the data set, which also shows that it is writable."""
        about = {
            "format": 1,
            "sentistream": __version__,
            "run": run,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": self._options.settings(),
        }
        file = folder / ABOUT
        file.write_text(json.dumps(about, indent=2) + "\n", "utf-8")
        storage.put(file, ABOUT)
        self._opened = True

    def _work(
        self, ledger: Ledger, clips: Iterator[ArchiveClip], pool: RayPool, storage: Storage
    ) -> None:
        with clips_shown(ledger.total, quiet=not self._verbose) as progress:
            while True:
                pool.start(ledger.waiting)
                while pool.free and (task := ledger.begin()) is not None:
                    self._running[task.number] = task
                    progress.start(task.number, _short(task.clip), None)
                    pool.give(task)
                if not self._listed and ledger.waiting < _LISTED_AT_ONCE:
                    self._listed = not ledger.add(clips, _LISTED_AT_ONCE)
                    progress.grow(ledger.total)
                    wait = 0.0
                else:
                    wait = _WAIT
                if self._listed and not ledger.waiting and not pool.busy:
                    return
                for event in pool.wait(wait):
                    self._handle(event, ledger, storage, progress)

    def _handle(self, event: Event, ledger: Ledger, storage: Storage, progress: Clips) -> None:
        if isinstance(event, Reached):
            progress.reach(event.number, event.seconds, event.length)
            return
        task = self._running.pop(event.number)
        if isinstance(event, Lost):
            message = f"{task.clip.shown}: {_LOST}"
            outcome = Outcome(failure=Failure(_LOST, message), again=True)
        else:
            outcome = event.outcome
        if outcome.fatal is not None:
            raise outcome.fatal
        if outcome.failure is None:
            ledger.end(task.number, Status.DONE, seconds=outcome.seconds, earlier=outcome.earlier)
            progress.end(task.number)
            if outcome.facts is not None:
                echo(json.dumps(outcome.facts))
            return
        self._fail(task, outcome.failure, outcome, ledger, storage, progress)

    def _fail(
        self,
        task: Waiting,
        failure: Failure,
        outcome: Outcome,
        ledger: Ledger,
        storage: Storage,
        progress: Clips,
    ) -> None:
        retries = self._retries if outcome.again and not failure.disk_full else 0
        if ledger.fail(task.number, failure.problem, retries):
            progress.end(task.number, done=False)
            return
        progress.end(task.number)
        self.failed += 1
        self.broken += failure.broken
        echo(failure.message, err=True)
        try:
            publish_failure(storage, task.clip.clip_id, task.clip.shown, failure.problem)
        except OutputError as error:
            echo(str(error), err=True)
        if failure.disk_full:
            raise OutputError("The disk of a node is full.", "Free some space; then --resume.")

    def _try_account(
        self, ledger: Ledger, clips: Iterator[ArchiveClip], storage: Storage, file: Path
    ) -> None:
        try:
            self._account(ledger, clips, storage, file)
        except SentistreamError as error:  # the reason for the run's end, if any, is reported too
            echo(str(error), err=True)

    def _account(
        self, ledger: Ledger, clips: Iterator[ArchiveClip], storage: Storage, file: Path
    ) -> None:
        """Writes the outcome of every clip, including those that were never started."""
        ledger.put_back()
        while not self._listed:
            self._listed = not ledger.add(clips, _LISTED_AT_ONCE)
        ledger.write(file)
        storage.put(file, ACCOUNT)
        done = ledger.counts[Status.DONE]
        earlier = f" ({ledger.earlier} of them before)" if self._resumed else ""
        noun = "clip" if ledger.total == 1 else "clips"
        message = (
            f"{ledger.total} {noun}: {done} done{earlier}, {ledger.counts[Status.FAILED]} failed, "
            f"{ledger.counts[Status.NOT_STARTED]} never started. "
            f"Every one of them: {storage.shown(ACCOUNT)}"
        )
        if self._verbose or self.failed:
            echo(message, err=not self._verbose)


def _short(clip: ArchiveClip) -> str:
    return shortened(clip.shown.rpartition("/")[2])
