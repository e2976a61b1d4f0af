"""``sentistream evaluate --protocol``: the shipped networks on frozen splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sentistream.cli.evaluate import answers, finish, in_a_sentence, sure_from, tell_coverage
from sentistream.datasets.manifest import Item
from sentistream.evaluation.answers import TASKS
from sentistream.evaluation.models import cards_of
from sentistream.evaluation.protocols import load_protocol, split
from sentistream.evaluation.shipped import CAUTION, shipped_facts, to_measure
from sentistream.profiles import Profile

_SHOWN_PEOPLE = 6


def measure(
    name: str,
    items: list[Item],
    facts: dict[str, Any],
    profile: Profile,
    out: Path,
    *,
    appearance: bool,
) -> None:
    """Ask about the test parts and say of each part whom the networks learned from."""
    protocol, task = load_protocol(name), facts["task"]
    parts = list(split(protocol, items))
    chosen = to_measure(items, parts, cards_of(task, profile))
    outcomes = answers(chosen, task, profile, appearance=appearance)
    facts.update(shipped_facts(protocol, outcomes, TASKS[task][1], sure_from(task, profile)))
    click.echo(protocol.heading)
    for part in facts["parts"]:
        for key in ("never_learned_from", "learned_from"):
            if part[key] is not None:
                click.echo(f"  {part['name']}: {_of_part(part[key])} ({key.replace('_', ' ')})")
    click.echo(f"On {facts['on']}: {in_a_sentence(facts)}")
    tell_coverage(facts)
    if facts["learned"]:
        click.echo(f"On people learned from: {in_a_sentence(facts['learned'])}")
    click.echo(CAUTION)
    title = f"{protocol.heading}: {task}, {profile.name}, {facts['on']}"
    finish(out, title, facts, outcomes, protocol.note, CAUTION)


def _of_part(entry: dict[str, Any]) -> str:
    low, high = entry["accuracy_ci95"]
    people = entry["people"]
    shown = ", ".join(people[:_SHOWN_PEOPLE]) or "people not named"
    if len(people) > _SHOWN_PEOPLE:
        shown += f" and {len(people) - _SHOWN_PEOPLE} more"
    return f"{entry['accuracy']:.1%} of {entry['n']} ({low:.1%} to {high:.1%}), {shown}"
