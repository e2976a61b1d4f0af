"""``sentistream evaluate --robustness``: how the answers hold up when things go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sentistream.cli.progress import counting, say
from sentistream.datasets.manifest import Item
from sentistream.errors import InputError
from sentistream.evaluation.conditions import CONDITIONS
from sentistream.evaluation.robustness import TASKS, examine
from sentistream.evaluation.robustness_files import markdown, write_robustness
from sentistream.profiles import Profile


def disturb(
    items: list[Item], facts: dict[str, Any], profile: Profile, out: Path, only: Sequence[str]
) -> None:
    """Measure, print the table and write it."""
    task = facts["task"]
    if task not in TASKS:
        raise InputError(
            f"The task {task} cannot be disturbed.",
            f"Use --robustness with {' or '.join(TASKS)}.",
        )
    chosen = [entry for entry in CONDITIONS if not only or entry.kind in only]
    with counting(f"{task}, {len(chosen) + 1} conditions", len(items)) as bar:
        rows = examine(
            items,
            task,
            profile,
            chosen,
            on_item=bar.update,
            on_problem=lambda problem: say(f"Warning: {problem}", err=True),
        )
    facts["rows"] = [row.facts() for row in rows]
    missing = write_robustness(out, facts)
    click.echo(markdown(facts["rows"]))
    click.echo(f"More in {out / 'robustness.csv'} and {out / 'robustness.json'}.")
    if missing:
        click.echo(f"There is no plot. {missing}", err=True)
