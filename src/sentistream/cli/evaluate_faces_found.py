"""``sentistream evaluate --task faces-found``: how many faces are found, and how well followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sentistream.cli.progress import tracked
from sentistream.errors import InputError
from sentistream.evaluation.face_references import read_marked
from sentistream.evaluation.faces_found_tables import Table, tables_of
from sentistream.evaluation.models import cards_of, named
from sentistream.profiles import Profile

TASK = "faces-found"

MOST_CLIPS_PRINTED = 20


def measure_faces_found(
    manifest: Path | None,
    profile: Profile,
    out: Path,
    *,
    split: str,
    least_size: float | None,
    robustness: bool,
    only: Sequence[str],
) -> None:
    """Measure, print the tables and write all files."""
    if manifest is None:
        raise InputError(
            "Faces to find are named by a manifest.",
            "Name a CSV or Parquet file with boxes with --manifest.",
        )
    pictures, clips = read_marked(manifest, split=split, least_size=least_size)
    if clips and robustness:
        raise InputError(
            "Marked clips cannot be disturbed.", "Use --robustness with marked pictures."
        )
    facts: dict[str, Any] = {
        "task": TASK,
        "manifest": str(manifest),
        "split": split,
        "profile": profile.name,
        "models": named(cards_of("clips", profile)),
    }
    problems: list[str] = []

    def on_problem(problem: str) -> None:
        problems.append(problem)
        click.echo(f"Warning: {problem}", err=True)

    looked, followed = [], []
    if clips:
        from sentistream.evaluation.faces_in_clips import follow, summarize_clips

        followed = follow(tracked(clips, "clips"), profile, on_problem=on_problem)
        facts |= summarize_clips(followed, profile.tick)
    else:
        from sentistream.evaluation.detecting import detect_faces
        from sentistream.evaluation.face_conditions import FACE_CONDITIONS
        from sentistream.evaluation.faces_in_pictures import (
            disturbed_recall,
            look_at,
            summarize_pictures,
        )

        detect = detect_faces(profile)
        looked = look_at(tracked(pictures, "pictures"), detect, on_problem=on_problem)
        facts |= summarize_pictures(looked)
        if robustness:
            chosen = [entry for entry in FACE_CONDITIONS if not only or entry.kind in only]
            facts["robustness"] = disturbed_recall(
                tracked(pictures, f"{len(chosen) + 1} conditions"), detect, chosen
            )
    facts["unreadable"] = len(problems)
    for table in tables_of(facts):
        if not clips or len(table.rows) <= MOST_CLIPS_PRINTED:
            click.echo(table.markdown())
        else:
            click.echo(_first_rows(table).markdown())

    from sentistream.evaluation.faces_found_files import write_faces_found

    title = f"Faces found in {manifest.name}{f', {split}' if split else ''}, {profile.name}"
    notes = [f"{len(problems)} could not be read and were left out."] if problems else []
    missing = write_faces_found(out, title, facts, looked, followed, notes)
    click.echo(f"More in {out / 'report.html'} and {out / 'results.json'}.")
    if missing:
        click.echo(f"There are no plots. {missing}", err=True)


def _first_rows(table: Table) -> Table:
    title = f"{table.title} ({MOST_CLIPS_PRINTED} of {len(table.rows)})"
    return Table(title, table.heads, table.rows[:MOST_CLIPS_PRINTED])
