"""Analyzes the clips that the user named, in this process or in several in parallel."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentistream import parquet
from sentistream.cli.clip_analysis import Attempt, ClipAnalyzer, Failure, Options, failure_of
from sentistream.cli.inputs import Clip
from sentistream.cli.interruption import Interruption
from sentistream.cli.resume import Earlier
from sentistream.cores import usable_cores
from sentistream.errors import OutputError

if TYPE_CHECKING:
    from sentistream.cli.progress import Bar, Clips, Silence
    from sentistream.cli.worker_pool import Event, WorkerPool
    from sentistream.reports.result_folder import ClipIndex


def workers_for(clips: Sequence[Clip], limit: int | None) -> int:
    """The number of processes that analyze clips; 1 is this one.

    Args:
        clips: The clips. If one is a camera, a stream or a pipe, all are analyzed here.
        limit: The user's maximum; None for one per core.
    """
    if not all(clip.path is not None and clip.path.is_file() for clip in clips):
        return 1
    return max(1, min(len(clips), limit or usable_cores()))


class Batch:
    """Analyzes clips, writes ``summary.csv`` and reports what happened.

    Args:
        folders: Where each clip's results go.
        index_path: Where ``summary.csv`` is written; None for a single clip, whose errors are
            then raised.
        options: What the user asked for.
        interruption: Says when to stop.
        earlier: Which clips are complete already.
        debug: Whether a bug in the program is raised.

    Attributes:
        failed: How many clips could not be analyzed.
        broken: How many of them because of a bug in the program.
    """

    def __init__(
        self,
        folders: dict[Clip, Path],
        index_path: Path | None,
        options: Options,
        interruption: Interruption,
        *,
        earlier: Earlier,
        resumed: bool = False,
        debug: bool = False,
    ) -> None:
        self.failed: int = 0
        self.broken: int = 0
        self._folders = folders
        self._clips = list(folders)
        self._index_path = index_path
        self._options = options
        self._interruption = interruption
        self._earlier = earlier
        self._resumed = resumed
        self._debug = debug
        self._index: ClipIndex | None = None
        self._verbose = not (options.quiet or options.json)

    def run(self, workers: int) -> None:
        """Analyze every clip that is not complete.

        Args:
            workers: Processes; 1 works in this one.

        Raises:
            SentistreamError: It could not continue.
            KeyboardInterrupt: The user stopped it; all files are closed.
        """
        numbers = [n for n, clip in enumerate(self._clips) if clip not in self._earlier.complete]
        if self._verbose and self._resumed:
            for line in self._earlier.summary_lines():
                _echo(line)
        with self._opened_index():
            if workers > 1 and len(numbers) > 1:
                self._side_by_side(numbers, min(workers, len(numbers)))
            else:
                self._one_by_one(numbers)
        if self._verbose and self.failed < len(numbers) and not parquet.is_available():
            _echo(f"For readings.parquet beside readings.csv: {parquet.COMMAND}")
        if self.failed:
            _echo(f"{self.failed} of {len(numbers)} inputs could not be analyzed.", err=True)
        elif self._index_path and self._verbose:
            _echo(f"All clips: {self._index_path}")

    @contextmanager
    def _opened_index(self) -> Iterator[None]:
        if self._index_path is None:
            yield
            return
        from sentistream.reports.result_folder import ClipIndex, read_rows, row_key
        from sentistream.reports.table_formats import PLAIN, spreadsheet_style

        kept = []
        if self._resumed:
            named = {row_key(str(clip)) for clip in self._clips}
            kept = [
                row
                for row in read_rows(self._index_path)
                if row_key(row.get("clip") or "") not in named
            ]
        style = spreadsheet_style() if self._options.excel else PLAIN
        with ClipIndex(self._index_path, style, kept) as index:
            self._index = index
            for number, clip in enumerate(self._clips):
                if facts := self._earlier.complete.get(clip):
                    index.add(str(clip), self._folders[clip], facts, place=number)
            yield

    def _one_by_one(self, numbers: Sequence[int]) -> None:
        analyzer = ClipAnalyzer(self._options, self._interruption)
        with _progress(self._options) as progress:
            for count, number in enumerate(numbers, 1):
                clip = self._clips[number]
                name = _short(clip)
                if len(numbers) > 1:
                    name += f" ({count} of {len(numbers)})"
                try:
                    attempt = analyzer.analyze(clip, self._folders[clip], name, progress)
                    self._take(number, attempt, rest=len(numbers) - count)
                finally:
                    self._interruption.release()
                if attempt.stopped:
                    raise KeyboardInterrupt

    def _take(self, number: int, attempt: Attempt, rest: int) -> None:
        """The result of a clip in this process."""
        failure = None
        if attempt.error is not None:
            if self._index is None:
                raise attempt.error
            failure = failure_of(self._clips[number], attempt.error)
            if failure.broken and self._debug:
                raise attempt.error
        try:
            self._record(number, attempt.facts, failure)
        except OutputError:
            if failure is None or not failure.disk_full:
                raise
        if failure is not None and failure.disk_full and attempt.error is not None:
            self._say_not_tried(rest)
            raise attempt.error

    def _side_by_side(self, numbers: Sequence[int], workers: int) -> None:
        from sentistream.cli.progress import clips_shown
        from sentistream.cli.worker import Task
        from sentistream.cli.worker_pool import WorkerPool

        clips = [self._clips[number] for number in numbers]
        tasks = [
            Task(number, clip, self._folders[clip], _short(clip))
            for number, clip in zip(numbers, clips, strict=True)
        ]
        with (
            clips_shown(len(tasks), quiet=not self._verbose) as progress,
            WorkerPool(tasks, self._options, workers, debug=self._debug) as pool,
        ):
            try:
                with self._interruption.held():
                    pool.start()
                while pool.busy:
                    ready = pool.wait()
                    with self._interruption.held():
                        for event in pool.take(ready):
                            self._handle(event, progress, pool)
            except BaseException:
                self._interruption.hold()
                progress.close()
                for event in pool.stop():
                    with suppress(OutputError, BrokenPipeError):
                        self._handle(event, progress, pool, stopping=True)
                raise

    def _handle(
        self, event: Event, progress: Clips, pool: WorkerPool, *, stopping: bool = False
    ) -> None:
        from sentistream.cli.worker import Begun, Ended, Reached

        if isinstance(event, Begun):
            progress.start(event.number, _short(self._clips[event.number]), event.seconds)
        elif isinstance(event, Reached):
            progress.reach(event.number, event.seconds)
        elif isinstance(event, Ended):
            progress.end(event.number)
            failure = event.failure
            if stopping and failure is not None and failure.disk_full:
                # said already of another
                failure = None if event.facts else failure
            self._record(event.number, event.facts, failure)
            if failure is not None and failure.disk_full and not stopping:
                self._say_not_tried(pool.not_begun)
                raise OutputError(failure.problem)
        else:
            progress.end(event.number, done=False)
            _echo(event.message, err=True)

    def _record(self, number: int, facts: dict[str, Any] | None, failure: Failure | None) -> None:
        """Adds a result to ``summary.csv`` and prints it."""
        clip = self._clips[number]
        folder = self._folders[clip]
        if failure is not None:
            self.failed += 1
            self.broken += failure.broken
            if not failure.disk_full:  # that is said once, at the end
                _echo(f"Error: {failure.message}", err=True)
            if self._index is not None:
                self._index.add_failure(
                    str(clip), failure.problem, folder=folder, facts=facts, place=number
                )
        elif facts is not None:
            if self._index is not None:
                self._index.add(str(clip), folder, facts, place=number)
            if facts["complete"]:
                self._tell(clip, folder, facts)

    def _say_not_tried(self, rest: int) -> None:
        if rest:
            _echo(f"Not tried, as the disk takes no more: {rest}.", err=True)

    def _tell(self, clip: Clip, folder: Path, facts: dict[str, Any]) -> None:
        if self._options.json:
            _echo(json.dumps(facts))
        elif not self._options.quiet:
            _echo("\n".join(_summary_lines(clip, folder, facts)))


def _summary_lines(clip: Clip, folder: Path, facts: dict[str, Any]) -> Iterator[str]:
    """The answer about a clip, in lines."""
    from sentistream.reports.report_wording import faults_in_words, percent

    overall = facts["overall"]
    answer = overall["label"].replace("_", " ")
    if overall["sure"] is False:
        answer += ", unsure"
    if overall["probabilities"]["positive"] is not None:
        shares = (f"{name} {percent(p)}" for name, p in overall["probabilities"].items())
        answer += f" ({', '.join(shares)})"
    yield f"{clip}: {answer}; {facts['speed']['frames_per_second']} frames/s"
    yield f"  {folder / 'report.html'}"
    for remark in facts["input"]["remarks"]:
        yield f"  {remark}"
    if more := facts["more_faces"]["most_left_out"]:
        limit = facts["more_faces"]["limit"]
        yield (
            f"  Up to {more} more faces were in view than the {limit} that are followed "
            "at once; --max-faces follows more."
        )
    for sentence in faults_in_words(facts["faults"], facts["input"]["sizes"]):
        yield f"  {sentence}"


def _progress(options: Options) -> Bar | Silence:
    from sentistream.cli.progress import Bar, Silence

    watched = sys.stderr.isatty() and not options.quiet and not options.json
    return Bar() if watched else Silence()


def _echo(text: str, *, err: bool = False) -> None:
    from sentistream.cli.progress import echo

    echo(text, err=err)


def _short(clip: Clip) -> str:
    from sentistream.cli.progress import shortened

    return shortened(str(clip).rpartition("/")[2] if clip.path else str(clip))
