"""Tables, plots, contact sheets and files of ``evaluate --task faces-found``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sentistream.datasets.contact_sheet import sheet_of
from sentistream.errors import MissingExtraError
from sentistream.evaluation.clip_tracking import SAMPLE_FRAMES, SampleFrame, TrackedClip
from sentistream.evaluation.corruption_conditions import condition_name
from sentistream.evaluation.evaluation_report import (
    INK,
    QUIET,
    SECOND_INK,
    new_figure,
    save_figure,
    write_page,
)
from sentistream.evaluation.picture_detection import PictureDetections
from sentistream.reports.output_files import (
    make_output_folder,
    write_atomically,
    write_json,
    writing,
)
from sentistream.reports.table_formats import csv_table, markdown_table
from sentistream.types import UInt8Array

FRAME = (320, 200)
"""Room of a frame on the contact sheet, pixels."""

CLIPS_A_SHEET = 24
MAX_ROWS = 60
_FOUND, _MARKED, _IGNORED = (64, 224, 190), (255, 150, 60), (170, 170, 170)

_CSV_COLUMNS = ("recall", "precision")


def write_faces_found(
    folder: Path,
    title: str,
    facts: dict[str, Any],
    detected: Sequence[PictureDetections],
    tracked_clips: Sequence[TrackedClip],
    notes: Sequence[str],
) -> str:
    """Write ``results.json``, a CSV, plots, ``report.html`` and contact sheets of clips.

    Args:
        folder: Where they go.
        title: What was measured.
        facts: The figures.
        looked: The pictures; or none.
        followed: The clips; or none.
        notes: Notes for the reader.

    Returns:
        Why there are no plots, if there are none; empty otherwise.

    Raises:
        OutputError: The folder cannot be written.
    """
    make_output_folder(folder)
    write_json(folder / "results.json", facts)
    if detected:
        write_atomically(
            folder / "pictures.csv", csv_table([_picture_row(one) for one in detected])
        )
    else:
        rows = [_clip_row(row) for row in facts["per_clip"]]
        write_atomically(folder / "clips.csv", csv_table(rows))
    if facts.get("robustness"):
        rows = [_clip_row(row) for row in facts["robustness"]]
        write_atomically(folder / "robustness.csv", csv_table(rows))
    for number, start in enumerate(range(0, len(tracked_clips), CLIPS_A_SHEET), 1):
        sheet = contact_sheet_of(tracked_clips[start : start + CLIPS_A_SHEET])
        path = folder / f"contact-sheet-{number:02}.png"
        with writing(path):
            sheet.save(path)
    missing, plots = "", []
    try:
        plots = _write_plots(folder, facts, tracked_clips)
    except MissingExtraError as error:
        missing = str(error)
    page = {"tables": tables_of(facts)}
    write_page(folder, title, page, plots, notes, template="faces_found.html.j2")
    return missing


def contact_sheet_of(tracked_clips: Sequence[TrackedClip]) -> Image.Image:
    """A row of frames for each clip: readings with track numbers, and annotations."""
    return sheet_of(
        {
            f"{number}. {one.clip.name.rpartition('/')[2]}: {len(one.spans)} appearances, "
            f"{one.people} people": [drawn(frame) for frame in one.shown]
            for number, one in enumerate(tracked_clips, 1)
        },
        cell=FRAME,
        columns=SAMPLE_FRAMES,
    )


def drawn(frame: SampleFrame) -> UInt8Array:
    """The frame as large as its room allows, with boxes.

    Readings are green with their track number, annotated faces orange, ignored regions grey.
    """
    image = Image.fromarray(np.ascontiguousarray(frame.pixels))
    factor = min((FRAME[0] - 4) / image.width, (FRAME[1] - 4) / image.height)
    image = image.resize(
        (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    )
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    boxes = [(face.box, _MARKED if face.counted else _IGNORED, "") for face in frame.faces] + [
        (box, _FOUND, str(track)) for track, box in frame.tracks
    ]
    for box, color, text in boxes:
        corner = box.left * factor, box.top * factor
        draw.rectangle((*corner, box.right * factor, box.bottom * factor), outline=color, width=2)
        if text:
            draw.text(
                (corner[0] + 3, corner[1] + 1), text, color, font, stroke_width=2, stroke_fill=0
            )
    return np.asarray(image)


def _picture_row(one: PictureDetections) -> dict[str, Any]:
    picture, found = one.picture, one.found
    return {
        "picture": picture.name,
        "place": picture.place,
        "source": picture.source,
        "info": picture.info,
        "brightness": round(one.brightness, 1),
        "faces": one.matched.counted,
        "ignored": len(picture.faces) - one.matched.counted,
        "found": len(found),
        "found_same_face": one.alike,
        "false": one.false,
        "missed_sizes": " ".join(
            f"{face.size:.0f}"
            for number, face in enumerate(picture.faces)
            if face.counted and number not in found
        ),
    }


def _clip_row(row: dict[str, Any]) -> dict[str, Any]:
    """Shares and their intervals in separate columns."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name in _CSV_COLUMNS:
            low, high = value["ci95"] or (None, None)
            flat |= {name: value["share"], f"{name}_low": low, f"{name}_high": high}
        else:
            flat[name] = value
    return flat


def _write_plots(
    folder: Path, facts: dict[str, Any], tracked_clips: Sequence[TrackedClip]
) -> list[Path]:
    drawn_plots = {}
    if facts.get("curve"):
        drawn_plots["precision_recall"] = _plot_precision_recall(facts)
    for name in ("size", "race"):
        if facts["groups"].get(name):
            drawn_plots[f"recall_by_{name}"] = _plot_recall(
                f"Recall by {name}", list(facts["groups"][name].items())
            )
    if facts.get("robustness"):
        rows = [(condition_name(row), row["recall"]) for row in facts["robustness"]]
        drawn_plots["robustness"] = _plot_recall("Recall under corruptions", rows)
    if tracked_clips:
        drawn_plots["timeline"] = _plot_timeline(tracked_clips)
    return [save_figure(figure, folder / f"{name}.png") for name, figure in drawn_plots.items()]


def _plot_precision_recall(facts: dict[str, Any]) -> Any:
    figure = new_figure(5.2, 4.4)
    axes = figure.subplots()
    curve = facts["curve"]
    axes.plot(
        [point["recall"] for point in curve], [point["precision"] for point in curve], color=INK
    )
    if facts["precision"]["share"] is not None:
        axes.plot(
            facts["recall"]["share"],
            facts["precision"]["share"],
            color=SECOND_INK,
            marker="o",
            linestyle="",
            label=f"threshold in use ({facts['working_threshold']:g})",
        )
        axes.legend(loc="lower left", frameon=False)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title(f"Average precision {facts['average_precision']:.3f} at IoU 0.5")
    return figure


def _plot_recall(title: str, entries: Sequence[tuple[str, dict[str, Any]]]) -> Any:
    shown = [(name, entry) for name, entry in entries if entry["n"]][::-1]
    figure = new_figure(6.4, 1.4 + 0.32 * len(shown))
    axes = figure.subplots()
    for row, (_, entry) in enumerate(shown):
        axes.plot(entry["ci95"], [row, row], color=INK, linewidth=2, solid_capstyle="round")
        axes.plot(entry["share"], row, color=INK, marker="o")
    axes.set_yticks(range(len(shown)), [f"{name} (n = {entry['n']})" for name, entry in shown])
    axes.set(xlim=(0, 1.02), xlabel="share of faces found, with 95 % interval", title=title)
    axes.margins(y=0.6 / max(len(shown), 1))
    return figure


def _plot_timeline(tracked_clips: Sequence[TrackedClip]) -> Any:
    """A row per track; the clips with the most surplus tracks first, while there is room.

    Below each clip's tracks are the times with annotated faces.
    """
    rows: list[tuple[str, str, list[tuple[float, float]]]] = []
    left_out = 0
    for one in sorted(tracked_clips, key=lambda one: one.people - len(one.spans)):
        if rows and len(rows) + len(one.spans) + 1 > MAX_ROWS:
            left_out += 1
            continue
        name, false_tracks = one.clip.name.rpartition("/")[2], one.false_tracks
        rows += [
            (f"{name}  {track}", SECOND_INK if track in false_tracks else INK, list(spans))
            for track, spans in one.spans.items()
        ]
        rows.append((f"{name}  marked", QUIET, _marked_spans(one)))
    figure = new_figure(9, 1.4 + 0.2 * len(rows))
    axes = figure.subplots()
    for place, (_, color, spans) in enumerate(rows):
        axes.broken_barh([(a, b - a) for a, b in spans], (place - 0.35, 0.7), facecolors=color)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    title = "Appearances by track"
    if left_out:
        title += f" ({left_out} clips with fewer beyond their people left out)"
    axes.set(xlabel="seconds", title=title)
    return figure


def _marked_spans(one: TrackedClip) -> list[tuple[float, float]]:
    """From each annotated frame with a face to the next annotated frame."""
    times = [frame.time for frame in one.frames]
    step = float(np.median(np.diff(times))) if len(times) > 1 else one.seconds
    return [(frame.time, frame.time + step) for frame in one.frames if frame.faces]


NOTHING = "not measured"


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the heads of its columns and rows of cells."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """For reading as it is."""
        return f"{self.title}\n\n{markdown_table(self.heads, self.rows)}\n"


def tables_of(facts: dict[str, Any]) -> list[Table]:
    """The tables that these facts fill."""
    pictures = "pictures" in facts
    tables = [_of_pictures(facts) if pictures else _of_clips(facts)]
    for name, values in facts["groups"].items():
        rows = tuple(
            (value, str(entry["n"]), *_share_cells(entry)) for value, entry in values.items()
        )
        if rows:
            heads = (name, "faces", "found", "95 % interval")
            tables.append(Table(f"Recall by {name}", heads, rows))
    if pictures and facts["race_difference"]:
        tables.append(_of_races(facts["race_difference"]))
    if facts.get("robustness"):
        tables.append(_of_robustness(facts["robustness"]))
    if not pictures:
        tables.append(_of_each_clip(facts["per_clip"]))
    return tables


def percent(value: float | None) -> str:
    """A share, or that there is none."""
    return NOTHING if value is None else f"{value:.1%}"


def interval(ends: Sequence[float] | None) -> str:
    """Two shares, or nothing."""
    return "" if ends is None else f"{ends[0]:.1%} to {ends[1]:.1%}"


def _share_cells(entry: dict[str, Any]) -> tuple[str, str]:
    return percent(entry["share"]), interval(entry["ci95"])


def _of_pictures(facts: dict[str, Any]) -> Table:
    average = facts["average_precision"]
    rows = [
        (
            "average precision at IoU 0.5",
            NOTHING if average is None else f"{average:.3f}",
            interval(facts["average_precision_ci95"]),
        ),
        ("recall", *_share_cells(facts["recall"])),
        ("recall, bootstrap over pictures", "", interval(facts["recall_pictures_ci95"])),
        ("recall, whatever the convention of boxes", *_share_cells(facts["recall_same_face"])),
        ("precision", *_share_cells(facts["precision"])),
    ]
    empty = facts["without_faces"]
    if empty:
        rows += [
            ("false faces per picture without faces", f"{empty['false_per_picture']:.3f}", ""),
            ("pictures without faces that got one", *_share_cells(empty["with_false"])),
        ]
    title = f"{facts['pictures']} pictures with {facts['faces']} faces"
    return Table(title, ("measure", "value", "95 % interval"), tuple(rows))


def _of_clips(facts: dict[str, Any]) -> Table:
    rows = [
        ("faces found", *_share_cells(facts["recall"])),
        ("faces found, bootstrap over clips", "", interval(facts["recall_clips_ci95"])),
        ("readings on a face", *_share_cells(facts["precision"])),
        ("readings on no face per minute", _number(facts["false_per_minute"]), ""),
        ("appearances", str(facts["appearances"]), ""),
        ("appearances of nobody", str(facts["appearances_of_nobody"]), ""),
        ("appearances per person", _number(facts["appearances_per_person"]), ""),
        ("appearances per person found", _number(facts["appearances_per_person_found"]), ""),
        ("fragmentations", str(facts["fragmentations"]), ""),
        ("switches of the track", str(facts["switches"]), ""),
    ]
    if facts["identified_clips"]:
        rows += [
            (name, _number(facts[key]), "")
            for name, key in (
                ("IDF1", "idf1"),
                ("HOTA", "hota"),
                ("HOTA's detection accuracy", "hota_detection"),
                ("HOTA's association accuracy", "hota_association"),
            )
        ]
    title = (
        f"{facts['clips']} clips ({facts['seconds']:.0f} s) with {facts['faces']} marked faces "
        f"in {facts['frames']} frames"
    )
    return Table(title, ("measure", "value", "95 % interval"), tuple(rows))


def _of_races(facts: dict[str, Any]) -> Table:
    rows = [
        (", ".join(facts[side]["races"]), str(facts[side]["n"]), *_share_cells(facts[side]))
        for side in ("lightest", "darkest")
    ]
    rows.append(("difference", "", percent(facts["difference"]), interval(facts["ci95"])))
    return Table(
        "Lightest and darkest faces", ("races", "faces", "found", "95 % interval"), tuple(rows)
    )


def _of_robustness(rows: Sequence[dict[str, Any]]) -> Table:
    heads = ("condition", "pictures", "faces", "found", "95 % interval", "false per picture")
    return Table(
        "Recall under corruptions",
        heads,
        tuple(
            (
                condition_name(row),
                str(row["pictures"]),
                str(row["faces"]),
                *_share_cells(row["recall"]),
                f"{row['false'] / row['pictures']:.2f}" if row["pictures"] else NOTHING,
            )
            for row in rows
        ),
    )


def _of_each_clip(rows: Sequence[dict[str, Any]]) -> Table:
    heads = ("clip", "faces", "found", "on no face per minute", "appearances", "people", "breaks")
    return Table(
        "Clips, those with the most missed first",
        heads,
        tuple(
            (
                row["path"].rpartition("/")[2],
                str(row["faces"]),
                percent(row["recall"]["share"]),
                _number(row["false_per_minute"]),
                str(row["appearances"]),
                str(row["people"]),
                str(row["fragmentations"]),
            )
            for row in sorted(rows, key=lambda row: row["found"] - row["faces"])
        ),
    )


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3g}"
