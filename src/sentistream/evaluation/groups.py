"""Whether answers are worse for some than for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sentistream.evaluation.metrics import figures
from sentistream.evaluation.outcomes import Outcome, class_numbers, share_right
from sentistream.evaluation.uncertainty import difference_interval

MOST_VALUES = 20
"""A column with more values than this names items rather than groups them."""

NOT_KNOWN = "not known"


def by_group(outcomes: Sequence[Outcome], classes: int) -> dict[str, Any]:
    """Figures by the value of every further column of the manifest, for JSON.

    Of each column that has 2 to ``MOST_VALUES`` values: ``values`` with the figures of each,
    and ``largest_difference`` between the accuracies of two of them with its 95 % interval
    (Newcombe). Groups may differ in more than what they are named after: in their people, and
    in how many of each class they hold.
    """
    columns = dict.fromkeys(name for outcome in outcomes for name in outcome.item.groups)
    found: dict[str, Any] = {}
    for column in columns:
        members: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            members.setdefault(outcome.item.groups.get(column) or NOT_KNOWN, []).append(outcome)
        if 2 <= len(members) <= MOST_VALUES:
            found[column] = {
                "values": {
                    value: _of_group(members[value], classes)
                    for value in sorted(members, key=lambda value: (value == NOT_KNOWN, value))
                },
                "largest_difference": _largest_difference(members),
            }
    return found


def _of_group(outcomes: Sequence[Outcome], classes: int) -> dict[str, Any]:
    truth, answers = class_numbers(outcomes, classes)
    people = {outcome.item.person for outcome in outcomes} - {""}
    return {
        **share_right(outcomes),
        "uar": round(figures(truth, answers, classes + 1).uar, 4),
        "unusable": sum(outcome.answer is None for outcome in outcomes),
        "people": len(people) or None,
    }


def _largest_difference(members: dict[str, list[Outcome]]) -> dict[str, Any] | None:
    counted = {
        value: (sum(outcome.correct for outcome in outcomes), len(outcomes))
        for value, outcomes in members.items()
        if value != NOT_KNOWN
    }
    if len(counted) < 2:
        return None
    shares = {value: right / total for value, (right, total) in counted.items()}
    best, worst = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    if best == worst:  # all alike
        best, worst = list(shares)[:2]
    interval = difference_interval(counted[best], counted[worst])
    return {
        "between": [best, worst],
        "difference": round(shares[best] - shares[worst], 4),
        "ci95": [round(value, 4) for value in interval],
    }
