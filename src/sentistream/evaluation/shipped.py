"""The shipped networks on a protocol's test parts, apart by whom they learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sentistream.datasets.manifest import Item
from sentistream.evaluation.cross_validation import protocol_facts
from sentistream.evaluation.models import learned_from
from sentistream.evaluation.outcomes import Outcome, share_right
from sentistream.evaluation.protocols import Part, Protocol
from sentistream.evaluation.results import summarize
from sentistream.runtime.model_card import ModelCard

NEVER, LEARNED = "never learned from", "learned from"

CAUTION = (
    "These are the shipped networks, trained once; nothing was trained anew for the parts. "
    "Figures on people they learned from do not say how they do on others."
)


def to_measure(
    items: Sequence[Item], parts: Sequence[Part], cards: Sequence[ModelCard]
) -> list[Item]:
    """The test items of all parts, grouped by ``part`` and by ``people``: learned from or not."""
    chosen = []
    for part in parts:
        for index in part.test:
            item = items[index]
            seen = learned_from(item.person, item.source, list(cards))
            groups = {**item.groups, "part": part.name, "people": LEARNED if seen else NEVER}
            chosen.append(replace(item, groups=groups))
    return chosen


def shipped_facts(
    protocol: Protocol,
    outcomes: Sequence[Outcome],
    classes: tuple[str, ...],
    threshold: float | None = None,
) -> dict[str, Any]:
    """Figures for ``results.json``.

    Those at the top are of the people never learned from, as soon as there are any; ``on`` says
    of whom they are. ``learned`` has those of the people learned from.
    ``threshold`` is the confidence from which the profile is sure, None where it sets none.
    """
    never = [entry for entry in outcomes if entry.item.groups["people"] == NEVER]
    learned = [entry for entry in outcomes if entry.item.groups["people"] == LEARNED]
    parts: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        parts.setdefault(outcome.item.groups["part"], []).append(outcome)
    return {
        **protocol_facts(protocol),
        "weights": "as shipped, not trained anew for the parts",
        "on": f"people {NEVER}" if never else f"people {LEARNED}",
        **summarize(never or learned, classes, threshold),
        "learned": summarize(learned, classes, threshold) if never and learned else None,
        "parts": [_of_part(name, members) for name, members in parts.items()],
    }


def _of_part(name: str, members: Sequence[Outcome]) -> dict[str, Any]:
    """A part's figures, apart by whom the networks learned from."""
    facts: dict[str, Any] = {"name": name, "n": len(members)}
    for key, value in (("never_learned_from", NEVER), ("learned_from", LEARNED)):
        chosen = [entry for entry in members if entry.item.groups["people"] == value]
        people = sorted({entry.item.person for entry in chosen} - {""})
        facts[key] = {"people": people, **share_right(chosen)} if chosen else None
    return facts
