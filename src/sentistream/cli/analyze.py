"""``sentistream analyze``."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sentistream.cli.inputs import find_clips
from sentistream.cli.interruption import Interruption
from sentistream.cli.prior import prior_option
from sentistream.decoder_names import DECODERS
from sentistream.errors import OutputError
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, PROFILES
from sentistream.reports.formats import EXTRA, FORMATS, check_formats

if TYPE_CHECKING:
    from sentistream.cli.clip_analysis import Options

DEFAULT_OUT = "sentiment"
REPORT_VIDEO = ("link", "embed", "none")
"""Where the page's video comes from: the original clip, a copy in the page, or nowhere."""

LOCAL = "local"
"""The address that stands for a Ray cluster on this machine, started for the run."""

_CLUSTER = re.compile(rf"{LOCAL}|auto|[\w.-]+:\d{{1,5}}|\[[\da-fA-F:]+\]:\d{{1,5}}")

EXAMPLES = """\b
Examples:
  sentistream analyze clip.mp4
      writes sentiment/clip/report.html and the numbers beside it
  sentistream analyze clip.mp4 --out results --video
      also writes results/annotated.mp4, the clip with its readings drawn in
  sentistream analyze recordings/ --out results
      every video in a folder; results/summary.csv has one row a clip
  sentistream analyze recordings/ --out results --resume
      goes on where that was stopped
  sentistream analyze 'day1/*.mkv' day2/door.mp4
      several at once; quote a pattern to let sentistream expand it
  sentistream analyze clip.mp4 --format eaf --format xlsx
      also writes readings.eaf, to open in ELAN, and readings.xlsx
  sentistream analyze clip.mp4 --json | jq .overall.label
      for scripts: the summary as one line of JSON and nothing else
  sentistream analyze s3://bucket/2025/ archive.csv --out s3://bucket/answers --ray
      an archive on all cores, or with --ray HOST:PORT on a cluster; see docs/archives.md
  sentistream analyze 0 --seconds 60
      one minute of the first camera

\b
Exit codes: 0 done; 2 something you can put right (said in one sentence);
1 a fault of the program; of several inputs, the others are analyzed all the same;
130 stopped with Ctrl-C, after closing all files so that they are valid
(a second Ctrl-C ends at once, without).
"""


class _Analyze(click.Command):
    """Parses ``--ray`` so that it takes an address, but not an input that follows it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        separated = list[str]()
        for place, arg in enumerate(args):
            following = args[place + 1] if place + 1 < len(args) else ""
            bare = arg == "--ray" and "--" not in args[:place] and not _CLUSTER.fullmatch(following)
            separated.append(f"--ray={LOCAL}" if bare else arg)
        return super().parse_args(ctx, separated)


def _cluster(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _CLUSTER.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not local, auto or HOST:PORT.")
    return value


@click.command(cls=_Analyze, epilog=EXAMPLES)
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
    "--decoder",
    type=click.Choice(DECODERS),
    default=DECODERS[0],
    show_default=True,
    metavar="NAME",
    help="What decodes the pictures: 'auto' takes this machine's own decoder where there is one "
    "that works, else software; 'software'; or one by name: "
    + ", ".join(DECODERS[2:])
    + ". Where that does not work software decodes, and the results say so; `sentistream doctor` "
    "shows what there is.",
)
@click.option(
    "--out",
    type=click.Path(),
    help="Folder for the results (made if needed). One input writes into it, several into a "
    f"folder each below it.  [default: {DEFAULT_OUT}/NAME for each input]",
)
@click.option("--video", is_flag=True, help="Also write annotated.mp4 with the original sound.")
@click.option(
    "--no-images",
    is_flag=True,
    help="Leave pictures of people, and the video, out of report.html.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(tuple(FORMATS), case_sensitive=False),
    multiple=True,
    help="Also write the readings in this format; may be given several times. "
    + "; ".join(f"{name}: {one.file}, {one.description}" for name, one in FORMATS.items())
    + f". Those of other programs come with pip install 'sentistream[{EXTRA}]'.",
)
@click.option(
    "--report-video",
    type=click.Choice(REPORT_VIDEO),
    default=REPORT_VIDEO[0],
    show_default=True,
    help="The video beside the timeline of report.html: 'link' plays the input from where it lies, "
    "or annotated.mp4 with --video; 'embed' puts a small copy (360 pixels high) into the page, so "
    "that it can be sent as one file; 'none' shows none.",
)
@click.option(
    "--excel",
    is_flag=True,
    help="Write the CSV files so that a spreadsheet in your language opens them: with a byte order "
    "mark, and where your numbers have a comma, with that and semicolons.",
)
@click.option("--force", is_flag=True, help="Replace results of an earlier run.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with an earlier run: skip each file whose results in --out are complete, made with "
    "the same options from the same file (by its size and time), and analyze the others, "
    "replacing what there is of them. Rows of summary.csv are kept.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Analyze up to N files side by side, each in a process of its own that takes about 180 MB "
    "of memory (300 MB with --video or --profile paper); the results are the same. A single input "
    "is analyzed without, and so is all where a camera or a stream is among the inputs.  "
    "[default: the cores this program may use]",
)
@click.option(
    "--ray",
    metavar="[ADDRESS]",
    callback=_cluster,
    help="Analyze an archive on Ray (extra 'ray'): on a cluster of this machine's cores made for "
    "the run, or where ADDRESS is given, on that cluster (HOST:PORT of its head; auto for the one "
    "of this machine). INPUT may be addresses of object stores and lists (CSV, column path), --out "
    "an address. The results are Parquet tables and account.csv instead of a folder for each file.",
)
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    metavar="N",
    help="With --ray: try a clip up to N times again whose worker or connection failed.  "
    "[default: 2]",
)
@click.option(
    "--gpus",
    type=click.FloatRange(min=0.01, max=1),
    metavar="SHARE",
    help="With --ray: run the networks on NVIDIA GPUs (package onnxruntime-gpu on every node); "
    "each worker takes this share of one, 0.25 for instance.",
)
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
    decoder: str,
    out: str | None,
    video: bool,
    no_images: bool,
    formats: tuple[str, ...],
    report_video: str,
    excel: bool,
    force: bool,
    resume: bool,
    workers: int | None,
    ray: str | None,
    retries: int | None,
    gpus: float | None,
    seconds: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say how the people in each INPUT come across, moment by moment.

    INPUT is a video file, a folder of them, a quoted pattern, a camera's number or an address
    such as rtsp://... The results for each are: report.html (a report page), readings.csv (one row
    per moment and face; with the extra 'parquet' also readings.parquet), summary.json (all
    numbers), and annotated.mp4 with --video. Nothing leaves this computer.
    """
    from sentistream.cli.batch import Batch, workers_for
    from sentistream.cli.clip_analysis import Options
    from sentistream.cli.resume import Earlier, find_earlier
    from sentistream.reports.result_folder import check_free

    if resume and force:
        raise click.UsageError("--resume keeps results and --force replaces them: choose one.")
    if ray is None and (retries is not None or gpus is not None):
        raise click.UsageError("--retries and --gpus are for --ray.")
    if no_images and report_video == "embed":
        raise click.UsageError(
            "--no-images leaves people out of report.html and --report-video embed shows them: "
            "choose one."
        )
    check_formats(formats)
    options = Options(
        profile=profile,
        max_faces=max_faces,
        prior=prior,
        video_track=video_track,
        audio_track=audio_track,
        decoder=decoder,
        video=video,
        images=not no_images,
        formats=tuple(name for name in FORMATS if name in formats),
        report_video=report_video,
        excel=excel,
        quiet=quiet,
        json=as_json,
        seconds=seconds,
    )
    if ray is not None:
        if video or excel or formats:
            raise click.UsageError(
                "--video, --excel and --format are not for --ray, which writes tables."
            )
        _on_ray(
            ctx,
            inputs,
            out or DEFAULT_OUT,
            options,
            ray,
            workers,
            retries,
            gpus or 0.0,
            resume,
            force,
        )
        return
    clips, several = find_clips(inputs, lambda why: click.echo(f"Left out: {why}", err=True))
    base = Path(out or DEFAULT_OUT)
    folders = {clip: base / clip.name if several or out is None else base for clip in clips}
    for clip, folder in folders.items():
        replaced = force or (resume and clip.path is not None)
        check_free(folder, force=replaced, source=clip.path)
    index = base / "summary.csv" if several else None
    if index and index.exists() and not (force or resume):
        raise OutputError(
            f"{index} already exists.",
            "Go on with that run with --resume, replace it with --force, or choose another folder "
            "with --out.",
        )
    with Interruption() as interruption:
        batch = Batch(
            folders,
            index,
            options,
            interruption,
            earlier=find_earlier(folders, options) if resume else Earlier(),
            resumed=resume,
            debug=bool(ctx.find_root().params.get("debug")),
        )
        try:
            batch.run(workers_for(clips, workers))
        except KeyboardInterrupt:
            number = interruption.signal or signal.SIGINT
            click.echo("Stopped. What was analyzed until then is saved.", err=True)
            ctx.exit(128 + number)
    if batch.failed:
        ctx.exit(1 if batch.broken else 2)


def _on_ray(
    ctx: click.Context,
    inputs: tuple[str, ...],
    out: str,
    options: Options,
    address: str,
    workers: int | None,
    retries: int | None,
    gpus: float,
    resume: bool,
    force: bool,
) -> None:
    from sentistream.cli.archive.run import RETRIES, Archive

    with Interruption() as interruption:
        archive = Archive(
            inputs,
            out,
            options,
            interruption,
            retries=RETRIES if retries is None else retries,
            resumed=resume,
            force=force,
            gpus=gpus,
        )
        try:
            archive.run(address, workers)
        except KeyboardInterrupt:
            number = interruption.signal or signal.SIGINT
            click.echo("Stopped. What is done is saved; go on with --resume.", err=True)
            ctx.exit(128 + number)
    if archive.failed:
        ctx.exit(1 if archive.broken else 2)
