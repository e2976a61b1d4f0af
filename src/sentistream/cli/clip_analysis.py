"""Analysis of one clip into its folder, in this process or in a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sentistream.cli.faults import told_of_fault
from sentistream.cli.inputs import Clip
from sentistream.errors import InputError, OutputError, SentistreamError
from sentistream.prior import Prior
from sentistream.values import ByValue

if TYPE_CHECKING:
    from sentistream.analyzer import Analyzer
    from sentistream.api import Analysis
    from sentistream.cli.interruption import Interruptible
    from sentistream.cli.progress import Shown
    from sentistream.reports.result_folder import ResultFolder
    from sentistream.reports.summary_file import SummaryFile
    from sentistream.types import Moment, Reading


class Results(Protocol):
    """Where a clip's readings go; entered before the first moment, left after the last."""

    opened: bool
    summary: SummaryFile

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None: ...

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


MakeResults: TypeAlias = "Callable[[Clip, Path, Analysis], Results]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for."""

    profile: str
    max_faces: int
    prior: Prior | None
    video_track: int | None
    audio_track: int | None
    decoder: str = "auto"
    video: bool
    images: bool
    report_video: str = "link"
    formats: tuple[str, ...] = ()
    excel: bool
    quiet: bool
    json: bool
    seconds: float | None

    def settings(self) -> dict[str, Any]:
        """As the summary keeps them."""
        return {
            "profile": self.profile,
            "max_faces": self.max_faces,
            "prior": None if self.prior is None else self.prior.name,
            "video_track": self.video_track,
            "audio_track": self.audio_track,
            "video": self.video,
            "images": self.images,
            "report_video": self.report_video,
            "formats": list(self.formats),
            "seconds": self.seconds,
            "excel": self.excel,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Attempt(ByValue):
    """The result of analyzing a clip.

    Attributes:
        facts: Its summary; None if no results were begun.
        stopped: Whether Ctrl-C ended it early; its files are closed.
        error: Why it failed.
    """

    facts: dict[str, Any] | None
    stopped: bool = False
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a clip could not be analyzed, in a sentence; can be pickled.

    Attributes:
        problem: For ``summary.csv``.
        message: For the terminal, with the clip's name.
        broken: Whether it is a bug in the program.
        disk_full: Whether it affects other clips, too, because the disk is full.
    """

    problem: str
    message: str
    broken: bool = False
    disk_full: bool = False


def failure_of(clip: Clip, error: Exception) -> Failure:
    """The message for an error; details of an unexpected one go to a file."""
    from sentistream.reports.output_files import concerns_the_disk

    if isinstance(error, InputError):
        name = clip.path.name if clip.path else str(clip)
        problem = str(error)
        return Failure(problem, problem if name in problem else f"{clip}: {problem}")
    if isinstance(error, OutputError):
        full = concerns_the_disk(error)
        return Failure(str(error), f"{clip}: {error}", disk_full=full)
    problem = told_of_fault(error)
    return Failure(problem, f"{clip}: {problem}", broken=True)


class ClipAnalyzer:
    """Analyzes clips one after the other; loads the networks once.

    Args:
        options: What the user asked for.
        interruption: Says when to stop.
        threads: Threads that decode a file; 0 to let the decoder decide.
        results: Creates the output for a clip's readings; by default a ``ResultFolder``.
    """

    def __init__(
        self,
        options: Options,
        interruption: Interruptible,
        *,
        threads: int = 0,
        results: MakeResults | None = None,
    ) -> None:
        from sentistream.reports.table_formats import PLAIN, spreadsheet_style

        self._options = options
        self._interruption = interruption
        self._threads = threads
        self._style = spreadsheet_style() if options.excel else PLAIN
        self._make_results = results or self._result_folder
        self._analyzer: Analyzer | None = None

    def analyze(self, clip: Clip, folder: Path, name: str, progress: Shown) -> Attempt:
        """Analyze one clip; signals are deferred while its files are being closed.

        Args:
            clip: What to analyze.
            folder: Where its results go.
            name: Its name in the progress display.
            progress: Receives the progress.

        Raises:
            SentistreamError: It would affect every other clip, such as a missing network.
        """
        results: Results | None = None
        stopped = False
        error: Exception | None = None
        try:
            with self._start(clip) as analysis:
                self._analyzer = analysis.analyzer
                results = self._make_results(clip, folder, analysis)
                limit = self._options.seconds
                progress.start(name, _length(analysis.info.duration, limit))
                with results:
                    try:
                        self._walk(analysis, results, progress)
                    finally:
                        self._interruption.hold()
        except KeyboardInterrupt:
            stopped = True
        except (InputError, OutputError) as met:
            error = met
        except (SentistreamError, BrokenPipeError):
            raise
        except Exception as met:
            error = met
        facts = None
        if results is not None and results.opened:
            facts = results.summary.facts(complete=not stopped and error is None)
        return Attempt(facts, stopped, error)

    def _start(self, clip: Clip) -> Analysis:
        from sentistream.api import analyze

        if clip.path is not None and clip.path.suffix.lower() == ".csv":
            raise InputError(
                f"{clip} is a list, not a video.",
                "Name the videos themselves; how right the answers are on a list with labels says "
                "sentistream evaluate --manifest.",
            )
        options = self._options
        return analyze(
            clip.source,
            profile=options.profile,
            max_faces=options.max_faces,
            prior=options.prior,
            video_track=options.video_track,
            audio_track=options.audio_track,
            decoder=options.decoder,
            analyzer=self._analyzer,
            threads=self._threads,
        )

    def _result_folder(self, clip: Clip, folder: Path, analysis: Analysis) -> ResultFolder:
        from sentistream.reports.result_folder import ResultFolder
        from sentistream.reports.source_file import file_facts

        options = self._options
        return ResultFolder(
            folder,
            analysis,
            options.settings(),
            images=options.images,
            video=options.video,
            clip=None if analysis.info.live else clip.path,
            report_video=options.report_video,
            formats=options.formats,
            style=self._style,
            file=file_facts(clip.path),
        )

    def _walk(self, analysis: Analysis, results: Results, progress: Shown) -> None:
        first: float | None = None
        for count, (moment, readings) in enumerate(analysis.moments(), 1):
            first = moment.time if first is None else first
            limit = self._options.seconds
            if limit is not None and moment.time - first >= limit:
                break
            with self._interruption.held():
                results.add(moment, readings)
            if count % 8 == 0:
                progress.reach(moment.time - first, count)


def _length(duration: float | None, limit: float | None) -> float | None:
    known = [seconds for seconds in (duration, limit) if seconds]
    return min(known) if known else None
