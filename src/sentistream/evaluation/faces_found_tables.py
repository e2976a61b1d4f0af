"""What ``faces-found`` measured, as tables for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sentistream.evaluation.tables import markdown_table

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
        ("recall, pictures drawn anew", "", interval(facts["recall_pictures_ci95"])),
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
        ("faces found, clips drawn anew", "", interval(facts["recall_clips_ci95"])),
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
        "Recall when things go wrong",
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


def condition_name(row: dict[str, Any]) -> str:
    """How a condition is called."""
    return f"{row['kind']}, {row['level']}" if row["level"] else str(row["kind"])


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
