"""``sentistream evaluate --task faces-found``: how many faces are found, and how well tracked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sentistream.cli.progress import tracked
from sentistream.errors import InputError
from sentistream.evaluation.face_annotations import read_face_annotations
from sentistream.evaluation.faces_found_report import Table, tables_of
from sentistream.evaluation.predictors import card_ids, task_cards
from sentistream.profiles import Profile

TASK = "faces-found"

MAX_CLIPS_PRINTED = 20


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
    problems: list[str] = []

    def on_problem(problem: str) -> None:
        problems.append(problem)
        click.echo(f"Warning: {problem}", err=True)

    pictures, clips = read_face_annotations(
        manifest, split=split, least_size=least_size, on_problem=on_problem
    )
    if clips and robustness:
        raise InputError(
            "Marked clips cannot be corrupted.", "Use --robustness with marked pictures."
        )
    facts: dict[str, Any] = {
        "task": TASK,
        "manifest": str(manifest),
        "split": split,
        "profile": profile.name,
        "models": card_ids(task_cards("clips", profile)),
    }
    detected, tracked_clips = [], []
    if clips:
        from sentistream.evaluation.clip_tracking import summarize_clips, track_clips

        tracked_clips = track_clips(tracked(clips, "clips"), profile, on_problem=on_problem)
        facts |= summarize_clips(tracked_clips, profile.tick)
    else:
        from sentistream.evaluation.corruption_conditions import PICTURE_CONDITIONS
        from sentistream.evaluation.face_detection_metrics import low_threshold_detector
        from sentistream.evaluation.picture_detection import (
            corrupted_recall,
            detect_in_pictures,
            summarize_pictures,
        )

        detect = low_threshold_detector(profile)
        detected = detect_in_pictures(tracked(pictures, "pictures"), detect, on_problem=on_problem)
        facts |= summarize_pictures(detected)
        if robustness:
            chosen = [entry for entry in PICTURE_CONDITIONS if not only or entry.kind in only]
            facts["robustness"] = corrupted_recall(
                tracked(pictures, f"{len(chosen) + 1} conditions"), detect, chosen
            )
    facts["unreadable"] = len(problems)
    for table in tables_of(facts):
        if not clips or len(table.rows) <= MAX_CLIPS_PRINTED:
            click.echo(table.markdown())
        else:
            click.echo(_first_rows(table).markdown())

    from sentistream.evaluation.faces_found_report import write_faces_found

    title = f"Faces found in {manifest.name}{f', {split}' if split else ''}, {profile.name}"
    notes = [f"{len(problems)} could not be read and were left out."] if problems else []
    missing = write_faces_found(out, title, facts, detected, tracked_clips, notes)
    click.echo(f"More in {out / 'report.html'} and {out / 'results.json'}.")
    if missing:
        click.echo(f"There are no plots. {missing}", err=True)


def _first_rows(table: Table) -> Table:
    title = f"{table.title} ({MAX_CLIPS_PRINTED} of {len(table.rows)})"
    return Table(title, table.heads, table.rows[:MAX_CLIPS_PRINTED])
