"""Parameters of each way to add up chosen on some people, and what it then does on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentistream.evaluation.accumulation_scores import (
    LEAST_PROBABILITY,
    Scores,
    clip_answer,
    difference,
    merged,
    score,
)
from sentistream.evaluation.accumulators import METHODS, SHIPPED, Method, Parameters
from sentistream.evaluation.metrics import wilson_interval
from sentistream.evaluation.mood_sequences import TEMPOS, Recorded
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable

ALL = "all"
"""In place of the name of a data set: all of them."""


@dataclass(frozen=True, slots=True)
class Material:
    """What was recorded of one side.

    Attributes:
        sequences: Of changing mood, one face each.
        clips: Each by itself, with all its faces.
    """

    sequences: Sequence[Recorded]
    clips: Sequence[Recorded]


class _Side:
    """Material, and what each way made of each of its sequences, asked once."""

    def __init__(self, material: Material, fusion: Runnable) -> None:
        self.material = material
        self._fusion = fusion
        self._known: dict[tuple[str, tuple[float, ...]], list[Scores]] = {}

    def each(self, method: Method, parameters: Parameters) -> list[Scores]:
        """Of each sequence."""
        key = method.name, tuple(parameters.values())
        if key not in self._known:
            self._known[key] = [
                score(recorded, method, parameters, self._fusion)
                for recorded in self.material.sequences
            ]
        return self._known[key]

    def scores(
        self, method: Method, parameters: Parameters, source: str = ALL, tempo: str = ""
    ) -> Scores | None:
        """Of all sequences of a data set and tempo; None where there are none."""
        members = [
            scores
            for recorded, scores in zip(
                self.material.sequences, self.each(method, parameters), strict=True
            )
            if source in (ALL, recorded.items[0].source) and tempo in ("", recorded.tempo)
        ]
        return merged(members) if members else None


def compare(
    fitted: Material,
    held_out: Material,
    profile: Profile,
    on_method: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """All of ``METHODS``, for ``results.json``.

    Parameters are those with the least mean log loss by moment over the sequences they are
    chosen on, where each sequence counts alike. ``at_equal_delay`` has for each method those
    that are right most often on these sequences among all whose mean delay there is at most
    that of what ships.

    Args:
        fitted: What parameters are chosen on.
        held_out: What is measured.
        profile: Whose networks were recorded.
        on_method: Told after each method is done.
    """
    fusion = load_network(profile.fused_model)
    train, test = _Side(fitted, fusion), _Side(held_out, fusion)
    shipped = next(method for method in METHODS if method.name == SHIPPED)
    allowed = merged(train.each(shipped, shipped.grid[0])).delay
    sources = sorted({recorded.items[0].source for recorded in held_out.sequences})
    places = [*sources, ALL] if len(sources) > 1 else [ALL]
    rows, differences, curves = [], [], {}
    for method in METHODS:
        chosen = {"log loss": min(method.grid, key=lambda grid: _log_loss(train, method, grid))}
        whole = {index: merged(train.each(method, grid)) for index, grid in enumerate(method.grid)}
        soon = [index for index, scores in whole.items() if scores.delay <= allowed + 1e-9]
        if soon and len(method.grid) > 1:
            best = max(soon, key=lambda index: whole[index].accuracy)
            chosen["equal delay"] = method.grid[best]
        for choice, parameters in chosen.items():
            for place in places:
                scores = test.scores(method, parameters, place)
                other = test.scores(shipped, shipped.grid[0], place)
                if scores is None or other is None:
                    continue
                tempos = {tempo: test.scores(method, parameters, place, tempo) for tempo in TEMPOS}
                clips = [one for one in held_out.clips if place in (ALL, one.items[0].source)]
                rows.append(
                    {
                        "method": method.name,
                        "choice": choice,
                        "on": place,
                        "parameters": dict(parameters),
                        **scores.facts(),
                        "tempos": {name: one.facts() for name, one in tempos.items() if one},
                        "clips": _of_clips(clips, method, parameters, fusion, profile),
                    }
                )
                if method is not shipped:
                    names = {"method": method.name, "choice": choice, "on": place}
                    differences.append({**names, **difference(scores, other)})
        curves[method.name] = [
            {
                "parameters": dict(grid),
                "accuracy": round(scores.accuracy, 4),
                "delay": round(scores.delay, 3),
            }
            for grid in method.grid
            for scores in (merged(test.each(method, grid)),)
        ]
        on_method()
    return {
        "chosen_on": _counts(fitted),
        "measured_on": _counts(held_out),
        "rows": rows,
        "differences": differences,
        "curves": curves,
    }


def _log_loss(side: _Side, method: Method, parameters: Parameters) -> float:
    """Mean over sequences."""
    return float(np.mean([scores.log_loss for scores in side.each(method, parameters)]))


def _of_clips(
    clips: Sequence[Recorded],
    method: Method,
    parameters: Parameters,
    fusion: Runnable,
    profile: Profile,
) -> dict[str, Any] | None:
    right, losses = 0, []
    for recorded in clips:
        label = recorded.items[0].label
        said = clip_answer(recorded, method, parameters, fusion, profile)
        if said is None:
            continue
        values = np.array(said.as_tuple())
        right += int(values.argmax() == label)
        losses.append(-float(np.log(max(values[label], LEAST_PROBABILITY))))
    if not losses:
        return None
    interval = wilson_interval(right, len(clips))
    return {
        "n": len(clips),
        "right": right,
        "accuracy": round(right / len(clips), 4),
        "accuracy_ci95": [round(value, 4) for value in interval],
        "log_loss": round(float(np.mean(losses)), 4),
    }


def _counts(material: Material) -> dict[str, Any]:
    items = {item.path: item for one in material.sequences for item in one.items}
    people = {item.person for item in items.values()} - {""}
    seconds = sum(float(one.starts[-1]) for one in material.sequences)
    return {
        "people": len(people),
        "clips": len(items),
        "sequences": len(material.sequences),
        "seconds": round(seconds, 1),
    }
