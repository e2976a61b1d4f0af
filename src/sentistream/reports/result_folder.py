"""All the files of one clip's results, and ``summary.csv``, one row per clip."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sentistream import parquet
from sentistream.errors import OutputError
from sentistream.profiles import Profile
from sentistream.reports.formats import FORMATS, check_formats
from sentistream.reports.output_files import (
    GuardedFile,
    Output,
    Reserve,
    partial_name,
    write_atomically,
    writing,
)
from sentistream.reports.readings_table import CsvTable, ParquetTable
from sentistream.reports.report_clip import EmbeddedClip, LinkedClip, linked_clip
from sentistream.reports.report_page import ReportPage
from sentistream.reports.summary_file import Subject, SummaryFile
from sentistream.reports.table_formats import PLAIN, CsvStyle
from sentistream.types import SENTIMENTS, Moment, Reading

CSV, PARQUET = FORMATS["csv"].file, FORMATS["parquet"].file
SUMMARY, PAGE, VIDEO = "summary.json", "report.html", "annotated.mp4"
FILES = (*(one.file for one in FORMATS.values()), SUMMARY, PAGE, VIDEO)
_PAGE_CLIP = partial_name(Path("report-clip.mp4"))


def check_free(folder: Path, *, force: bool, source: Path | None = None) -> None:
    """Refuse to overwrite what is already in ``folder``.

    Raises:
        OutputError: It holds earlier results (and ``force`` is False), or ``source`` itself
            is one of the files that would be replaced.
    """
    targets = [folder / name for name in FILES]
    if source is not None and source.resolve() in [target.resolve() for target in targets]:
        raise OutputError(
            f"{source} lies where a result would be written.",
            "Choose another folder with --out.",
        )
    if not force and any(target.exists() for target in targets):
        raise OutputError(
            f"{folder} already holds results.",
            "Replace them with --force, or choose another folder with --out.",
        )


class ResultFolder:
    """Writes every result of one clip; a context manager like the outputs it holds.

    Files of earlier results are removed first, so that a folder never mixes two runs. Without
    pyarrow there is no ``readings.parquet``, unless it is requested.

    Args:
        folder: Where to write; created if needed.
        subject: The analysis.
        settings: What the user asked for, for the summary.
        images: Whether the page shows small pictures of the people.
        video: Whether to write ``annotated.mp4``.
        clip: The analyzed file, whose sound the video gets; None if it is not a file.
        report_video: Where the page's video comes from: ``link`` for the original clip, or
            ``annotated.mp4`` if that is written; ``embed`` for a copy within the page; ``none``.
            A page without images has none.
        style: How ``readings.csv`` is written.
        file: Size and time of the analyzed file, for the summary.
        formats: Names of further ``FORMATS`` of the readings.

    Raises:
        MissingExtraError: A format's dependency is not installed.

    Attributes:
        folder: Where the files are.
        opened: Whether writing has begun.
        summary: The numbers; valid once opened, also after closing.
    """

    def __init__(
        self,
        folder: Path,
        subject: Subject,
        settings: dict[str, Any],
        *,
        images: bool = True,
        video: bool = False,
        clip: Path | None = None,
        report_video: str = "link",
        style: CsvStyle = PLAIN,
        file: dict[str, Any] | None = None,
        formats: Collection[str] = (),
    ) -> None:
        check_formats(formats)
        self.folder = folder
        self.opened: bool = False
        threshold = subject.profile.mouth_threshold
        reserve = Reserve(folder)
        self.summary: SummaryFile = SummaryFile(folder / SUMMARY, subject, settings, file=file)
        self._reserve = reserve
        self._outputs: list[Output] = [
            CsvTable(folder / CSV, mouth_threshold=threshold, reserve=reserve, style=style)
        ]
        if parquet.is_available():
            self._outputs.append(
                ParquetTable(folder / PARQUET, mouth_threshold=threshold, reserve=reserve)
            )
        link = LinkedClip(VIDEO, VIDEO) if video else None
        if link is None and clip is not None and clip.is_file():
            link = linked_clip(clip, folder)
        self._outputs += [
            _format_output(name, folder, subject.profile, reserve, link)
            for name in FORMATS
            if name in formats and name not in ("csv", "parquet")
        ]
        tables = [
            one.file
            for name, one in FORMATS.items()
            if name in formats or name == "csv" or (name == "parquet" and one.is_available)
        ]
        page_clip: LinkedClip | EmbeddedClip | None = None
        if images and report_video == "embed":
            page_clip = EmbeddedClip(
                folder / _PAGE_CLIP,
                width=subject.info.width,
                height=subject.info.height,
                sound_from=clip,
                sound_track=subject.info.audio_track,
            )
        elif images and report_video == "link":
            page_clip = link
        page = ReportPage(
            folder / PAGE,
            self.summary,
            mouth_threshold=threshold,
            images=images,
            clip=page_clip,
            tables=tables,
        )
        self._outputs += [self.summary, page]
        if video:
            # its encoder takes time to load, and most runs do not need it
            from sentistream.reports.annotated_video import AnnotatedVideo

            self._outputs.append(
                AnnotatedVideo(
                    folder / VIDEO,
                    width=subject.info.width,
                    height=subject.info.height,
                    sound_from=clip,
                    sound_track=subject.info.audio_track,
                    mouth_threshold=threshold,
                )
            )

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        """Give one moment to every output.

        Raises:
            OutputError: One of them cannot be written.
        """
        for output in self._outputs:
            output.add(moment, readings)

    def __enter__(self) -> Self:
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            path = self.folder / name
            with writing(path):
                path.unlink(missing_ok=True)
                partial_name(path).unlink(missing_ok=True)
        with writing(self.folder):
            (self.folder / _PAGE_CLIP).unlink(missing_ok=True)
        with ExitStack() as stack:
            for output in self._outputs:
                stack.enter_context(output)
            # last in, first out: its space is free again before the others finish
            stack.enter_context(self._reserve)
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


def _format_output(
    name: str, folder: Path, profile: Profile, reserve: Reserve, clip: LinkedClip | None
) -> Output:
    """The writer of one of ``FORMATS``; loads its dependencies."""
    from sentistream.reports.annotation_tiers import ElanFile, TextGridFile
    from sentistream.reports.text_formats import JsonLines, SubRip, WebVtt
    from sentistream.reports.workbook import Workbook

    path = folder / FORMATS[name].file
    tick, threshold = profile.tick, profile.mouth_threshold
    if name == "jsonl":
        return JsonLines(path, mouth_threshold=threshold, reserve=reserve)
    if name == "xlsx":
        return Workbook(path, mouth_threshold=threshold)
    if name == "eaf":
        return ElanFile(path, tick=tick, mouth_threshold=threshold, clip=clip)
    if name == "textgrid":
        return TextGridFile(path, tick=tick, mouth_threshold=threshold)
    subtitles = WebVtt if name == "vtt" else SubRip
    return subtitles(path, tick=tick, reserve=reserve)


INDEX_COLUMNS = (
    "clip",
    "folder",
    "status",
    "problem",
    "label",
    *SENTIMENTS,
    "appearances",
    "moments",
    "moments_with_face",
    "seconds_analyzed",
    "mouth_open_share",
    "frames_per_second",
    "sure",
    "faces",  # deprecated name of appearances; the next version leaves it out
)


_NUMBERS = (*SENTIMENTS, "seconds_analyzed", "mouth_open_share", "frames_per_second")


class ClipIndex:
    """Writes a clip's row as soon as the clip is done; a context manager.

    Rows are sorted in the order of the clips at the end.

    Args:
        path: The file; replaced if it exists, and its folder created.
        style: How it is written.
        kept: Rows of an earlier run to keep, from ``read_rows``; they go at the end.
    """

    def __init__(
        self, path: Path, style: CsvStyle = PLAIN, kept: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._style = style
        self._path = path
        self._kept = "".join(self._text(row) for row in kept)
        self._head = style.mark + self._text(dict(zip(INDEX_COLUMNS, INDEX_COLUMNS, strict=True)))
        self._rows: list[tuple[int, str]] = []

    def __enter__(self) -> ClipIndex:
        with writing(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._kept:
            # kept rows must never be missing, not even for a moment
            write_atomically(self._path, self._head + self._kept)
            self._file = GuardedFile(self._path, append=True)
        else:
            self._file = GuardedFile(self._path)
            self._write(self._head)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        in_order = sorted(self._rows, key=lambda row: row[0])
        if in_order != self._rows or (self._kept and self._rows):
            rows = "".join(text for _, text in in_order)
            with suppress(OutputError):  # out of order it is complete, too
                write_atomically(self._path, self._head + rows + self._kept)

    def add(
        self, clip: str, folder: Path, facts: Mapping[str, Any], *, place: int | None = None
    ) -> None:
        """Add an analyzed clip by its summary.

        Args:
            clip: The input.
            folder: Where its results are.
            facts: Of its ``summary.json``.
            place: Index in the order of the clips; by default after the last one added.

        Raises:
            OutputError: It cannot be written.
        """
        status = "complete" if facts["complete"] else "interrupted"
        self._add(_analyzed(clip, folder, facts) | {"status": status}, place)

    def add_failure(
        self,
        clip: str,
        problem: str,
        *,
        folder: Path | None = None,
        facts: Mapping[str, Any] | None = None,
        place: int | None = None,
    ) -> None:
        """Add a clip that could not be analyzed, or not to its end.

        Args:
            clip: The input.
            problem: Why.
            folder: Where the partial results are.
            facts: Their summary.
            place: As for ``add``.

        Raises:
            OutputError: It cannot be written.
        """
        row: dict[str, Any] = {"clip": harmless(clip)}
        if folder is not None and facts is not None:
            row = _analyzed(clip, folder, facts)
        self._add(row | {"status": "failed", "problem": problem}, place)

    def _add(self, row: dict[str, Any], place: int | None) -> None:
        text = self._text(row)
        self._write(text)
        if place is None:
            place = self._rows[-1][0] + 1 if self._rows else 0
        self._rows.append((place, text))

    def _text(self, row: Mapping[str, Any]) -> str:
        return self._style.text([[row.get(name, "") for name in INDEX_COLUMNS]])

    def _write(self, text: str) -> None:
        with writing(self._path):
            self._file.write(text.encode("utf-8", "replace"))


def _analyzed(clip: str, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    overall = facts["overall"]
    return {
        "clip": harmless(clip),
        "folder": harmless(str(folder)),
        "label": overall["label"],
        **overall["probabilities"],
        "appearances": facts["appearances"],
        "moments": facts["moments"],
        "moments_with_face": facts["moments_with_face"],
        "seconds_analyzed": facts["seconds_analyzed"],
        "mouth_open_share": facts["readings"]["mouth_open_share"],
        "frames_per_second": facts["speed"]["frames_per_second"],
        "sure": overall["sure"],
        "faces": facts["faces"],
    }


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of such a file, in any style; none if there is no file.

    Raises:
        OutputError: It cannot be read, or is another kind of file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            separator = ";" if head.startswith("clip;") else ","
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=separator))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError, csv.Error) as error:
        raise OutputError(
            f"{path} cannot be read ({error}).", "Replace it with --force, without --resume."
        ) from error
    if rows and not {"clip", "status"} <= rows[0].keys():
        raise OutputError(f"{path} is no table of clips.", "Choose another folder with --out.")
    for row in rows:
        for name in _NUMBERS:
            text = (row.get(name) or "").replace(",", ".")
            with suppress(ValueError):
                row[name] = float(text)
    return rows


def row_key(clip: str) -> str:
    """Key by which rows are of the same ``clip``, however the path was typed."""
    return os.path.abspath(harmless(clip))  # noqa: PTH100 - links are not followed


def harmless(path: str) -> str:
    """A path that a spreadsheet does not take for a formula; it still names the same file."""
    return f"./{path}" if path.startswith(("=", "+", "-", "@", "\t", "\r")) else path
