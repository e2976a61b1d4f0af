"""``sentistream analyze``."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sentistream import parquet
from sentistream.cli.faults import told_of_fault
from sentistream.cli.inputs import Clip, find_clips
from sentistream.cli.interruption import Interruption
from sentistream.cli.prior import prior_option
from sentistream.errors import InputError, OutputError, SentistreamError
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, PROFILES

if TYPE_CHECKING:
    from sentistream.analyzer import Analyzer
    from sentistream.api import Analysis
    from sentistream.cli.progress import Bar, Silence
    from sentistream.reports.result_folder import ClipIndex

DEFAULT_OUT = "sentiment"

EXAMPLES = """\b
Examples:
  sentistream analyze clip.mp4
      writes sentiment/clip/report.html and the numbers beside it
  sentistream analyze clip.mp4 --out results --video
      also writes results/annotated.mp4, the clip with its readings drawn in
  sentistream analyze recordings/ --out results
      every video in a folder; results/summary.csv has one row a clip
  sentistream analyze 'day1/*.mkv' day2/door.mp4
      several at once; quote a pattern to let sentistream expand it
  sentistream analyze clip.mp4 --json | jq .overall.label
      for scripts: the summary as one line of JSON and nothing else
  sentistream analyze 0 --seconds 60
      one minute of the first camera

\b
Exit codes: 0 done; 2 something you can put right (said in one sentence);
1 a fault of the program; of several inputs, the others are analyzed all the same;
130 stopped with Ctrl-C, after closing all files so that they are valid
(a second Ctrl-C ends at once, without).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for."""

    profile: str
    max_faces: int
    prior: Prior | None
    video_track: int | None
    audio_track: int | None
    video: bool
    images: bool
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
            "seconds": self.seconds,
            "excel": self.excel,
        }


@click.command(epilog=EXAMPLES)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default=DEFAULT_PROFILE,
    show_default=True,
    help="The set of networks and settings: 'paper' is the published system to the letter.",
)
@click.option(
    "--max-faces",
    type=click.IntRange(min=1),
    default=MAX_FACES,
    show_default=True,
    help="Follow at most so many faces at once. Where more are found, the largest are kept and "
    "the results say so; each face costs time.",
)
@prior_option
@click.option(
    "--video-track",
    type=click.IntRange(min=1),
    metavar="N",
    help="Look at the Nth track of pictures.  [default: one that can be decoded and is not empty]",
)
@click.option(
    "--audio-track",
    type=click.IntRange(min=1),
    metavar="N",
    help="Listen to the Nth track of sound; `sentistream doctor FILE` lists them.  "
    "[default: one that can be decoded and is not silent]",
)
@click.option(
    "--out",
    type=click.Path(),
    help="Folder for the results (made if needed). One input writes into it, several into a "
    f"folder each below it.  [default: {DEFAULT_OUT}/NAME for each input]",
)
@click.option("--video", is_flag=True, help="Also write annotated.mp4 with the original sound.")
@click.option("--no-images", is_flag=True, help="Leave pictures of people out of report.html.")
@click.option(
    "--excel",
    is_flag=True,
    help="Write the CSV files so that a spreadsheet in your language opens them: with a byte order "
    "mark, and where your numbers have a comma, with that and semicolons.",
)
@click.option("--force", is_flag=True, help="Replace results of an earlier run.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.01),
    help="Stop after so many seconds of each input; useful for cameras.",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print each summary as a line of JSON, nothing else."
)
@click.pass_context
def analyze(
    ctx: click.Context,
    inputs: tuple[str, ...],
    profile: str,
    max_faces: int,
    prior: Prior | None,
    video_track: int | None,
    audio_track: int | None,
    out: str | None,
    video: bool,
    no_images: bool,
    excel: bool,
    force: bool,
    seconds: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say how the people in each INPUT feel, moment by moment.

    INPUT is a video file, a folder of them, a quoted pattern, a camera's number or an address
    such as rtsp://... For each, the results are: report.html (a page to read),
    readings.csv (one row per moment and face; with the extra 'parquet' as readings.parquet,
    too), summary.json (all numbers), and annotated.mp4 with --video. Nothing leaves this
    computer.
    """
    from sentistream.reports.result_folder import check_free

    clips, several = find_clips(inputs, lambda said: click.echo(f"Left out: {said}", err=True))
    base = Path(out or DEFAULT_OUT)
    folders = {clip: base / clip.name if several or out is None else base for clip in clips}
    for clip, folder in folders.items():
        check_free(folder, force=force, source=clip.path)
    index = base / "summary.csv" if several else None
    if index and index.exists() and not force:
        raise OutputError(
            f"{index} already exists.",
            "Replace it with --force, or choose another folder with --out.",
        )
    options = Options(
        profile=profile,
        max_faces=max_faces,
        prior=prior,
        video_track=video_track,
        audio_track=audio_track,
        video=video,
        images=not no_images,
        excel=excel,
        quiet=quiet,
        json=as_json,
        seconds=seconds,
    )
    with Interruption() as interruption:
        run = _Run(options, interruption, debug=bool(ctx.find_root().params.get("debug")))
        try:
            failed = run.all(folders, index)
        except KeyboardInterrupt:
            number = interruption.signal or signal.SIGINT
            click.echo("Stopped. What was analyzed until then is saved.", err=True)
            ctx.exit(128 + number)
    if failed:
        ctx.exit(1 if run.broken else 2)


class _Run:
    """Goes through the clips.

    Attributes:
        broken: How many of those that failed did so by a fault of the program.
    """

    def __init__(
        self, options: Options, interruption: Interruption, *, debug: bool = False
    ) -> None:
        from sentistream.reports.table_formats import PLAIN, spreadsheet_style

        self._debug = debug
        self._style = spreadsheet_style() if options.excel else PLAIN
        self.broken = 0
        self._options = options
        self._interruption = interruption
        self._analyzer: Analyzer | None = None

    def all(self, folders: dict[Clip, Path], index_path: Path | None) -> int:
        """Analyze every clip; how many of them could not be."""
        from contextlib import ExitStack, suppress

        from sentistream.reports.output_files import concerns_the_disk
        from sentistream.reports.result_folder import ClipIndex

        failed = 0
        with ExitStack() as stack:
            progress = _progress(self._options)
            stack.enter_context(progress)
            index = stack.enter_context(ClipIndex(index_path, self._style)) if index_path else None
            for number, (clip, folder) in enumerate(folders.items(), 1):
                name = _short(clip)
                if len(folders) > 1:
                    name += f" ({number} of {len(folders)})"
                try:
                    self._one(clip, folder, name, progress, index)
                except InputError as error:
                    if index is None:
                        raise
                    failed += 1
                    index.add_failure(str(clip), str(error))
                    click.echo(f"Error: {_said_of(clip, error)}", err=True)
                except OutputError as error:
                    if index is None:
                        raise
                    failed += 1
                    if concerns_the_disk(error):
                        with suppress(OutputError):
                            index.add_failure(str(clip), str(error))
                        if rest := len(folders) - number:
                            click.echo(f"Not tried, as the disk takes no more: {rest}.", err=True)
                        raise
                    index.add_failure(str(clip), str(error))
                    click.echo(f"Error: {clip}: {error}", err=True)
                except (SentistreamError, BrokenPipeError):
                    raise  # the next one would meet the same
                except Exception as error:
                    if index is None or self._debug:
                        raise
                    failed += 1
                    self.broken += 1
                    said = told_of_fault(error)
                    index.add_failure(str(clip), said)
                    click.echo(f"Error: {clip}: {said}", err=True)
                finally:
                    self._interruption.release()
        told = not (self._options.quiet or self._options.json)
        if told and failed < len(folders) and not parquet.is_available():
            click.echo(f"For readings.parquet beside readings.csv: {parquet.COMMAND}")
        if failed:
            click.echo(f"{failed} of {len(folders)} inputs could not be analyzed.", err=True)
        elif index_path and told:
            click.echo(f"All clips: {index_path}")
        return failed

    def _one(
        self,
        clip: Clip,
        folder: Path,
        name: str,
        progress: Bar | Silence,
        index: ClipIndex | None,
    ) -> None:
        from sentistream.api import analyze as start
        from sentistream.reports.result_folder import ResultFolder

        if clip.path is not None and clip.path.suffix.lower() == ".csv":
            raise InputError(
                f"{clip} is a list, not a video.",
                "Name the videos themselves; how right the answers are on a list with labels says "
                "sentistream evaluate --manifest.",
            )
        options = self._options
        with start(
            clip.source,
            profile=options.profile,
            max_faces=options.max_faces,
            prior=options.prior,
            video_track=options.video_track,
            audio_track=options.audio_track,
            analyzer=self._analyzer,
        ) as analysis:
            self._analyzer = analysis.analyzer
            results = ResultFolder(
                folder,
                analysis,
                options.settings(),
                images=options.images,
                video=options.video,
                sound_from=None if analysis.info.live else clip.path,
                style=self._style,
            )
            progress.start(name, _length(analysis.info.duration, options.seconds))
            complete = False
            try:
                with results:
                    try:
                        self._walk(analysis, results, progress)
                        complete = True
                    finally:
                        self._interruption.hold()
            finally:
                if results.opened and index:
                    index.add(str(clip), folder, results.summary.facts(complete=complete))
            self._tell(clip, folder, results.summary.facts(complete=True))

    def _walk(self, analysis: Analysis, results: Any, progress: Bar | Silence) -> None:
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

    def _tell(self, clip: Clip, folder: Path, facts: dict[str, Any]) -> None:
        if self._options.json:
            click.echo(json.dumps(facts))
        elif not self._options.quiet:
            from sentistream.reports.report_wording import faults_in_words, percent

            overall = facts["overall"]
            said = overall["label"].replace("_", " ")
            if overall["sure"] is False:
                said += ", unsure"
            if overall["probabilities"]["positive"] is not None:
                shares = (f"{name} {percent(p)}" for name, p in overall["probabilities"].items())
                said += f" ({', '.join(shares)})"
            rate = facts["speed"]["frames_per_second"]
            click.echo(f"{clip}: {said}; {rate} frames/s")
            click.echo(f"  {folder / 'report.html'}")
            for remark in facts["input"]["remarks"]:
                click.echo(f"  {remark}")
            if more := facts["more_faces"]["most_left_out"]:
                limit = facts["more_faces"]["limit"]
                click.echo(
                    f"  Up to {more} more faces were in view than the {limit} that are followed "
                    "at once; --max-faces follows more."
                )
            for said in faults_in_words(facts["faults"], facts["input"]["sizes"]):
                click.echo(f"  {said}")


def _progress(options: Options) -> Bar | Silence:
    from sentistream.cli.progress import Bar, Silence

    watched = sys.stderr.isatty() and not options.quiet and not options.json
    return Bar() if watched else Silence()


def _length(duration: float | None, limit: float | None) -> float | None:
    known = [seconds for seconds in (duration, limit) if seconds]
    return min(known) if known else None


def _short(clip: Clip, most: int = 28) -> str:
    """A name that leaves room for the bar."""
    name = str(clip).rpartition("/")[2] if clip.path else str(clip)
    return name if len(name) <= most else f"...{name[3 - most :]}"


def _said_of(clip: Clip, error: SentistreamError) -> str:
    """The error, with the clip's name where it does not say it itself."""
    name = clip.path.name if clip.path else str(clip)
    return str(error) if name in str(error) else f"{clip}: {error}"
