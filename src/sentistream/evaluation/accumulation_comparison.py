"""Accumulation methods fitted on some people and compared on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.accumulation import Overall
from sentistream.evaluation.accumulators import METHODS, SHIPPED, Method, Parameters, fuse
from sentistream.evaluation.evaluation_metrics import ratio_interval, rounded_interval
from sentistream.evaluation.mood_sequences import TEMPOS, RecordedSequence
from sentistream.intervals import wilson_interval
from sentistream.profiles import PAPER, Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import Box, Distribution, Face, FloatArray, Label, Reading
from sentistream.values import ByValue

ALL = "all"
"""Stands for all data sets."""


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """The recordings of one split.

    Attributes:
        sequences: Sequences of changing mood, one face each.
        clips: Single clips, with all their faces.
    """

    sequences: Sequence[RecordedSequence]
    clips: Sequence[RecordedSequence]


class _ScoredSet:
    """A sequence set, with the scores of each method cached."""

    def __init__(self, material: SequenceSet, fusion: Runnable) -> None:
        self.material = material
        self._fusion = fusion
        self._known: dict[tuple[str, tuple[float, ...]], list[Scores]] = {}

    def each(self, method: Method, parameters: Parameters) -> list[Scores]:
        """Of each sequence."""
        key = method.name, tuple(parameters.values())
        if key not in self._known:
            self._known[key] = [
                score_sequence(recorded, method, parameters, self._fusion)
                for recorded in self.material.sequences
            ]
        return self._known[key]

    def scores(
        self, method: Method, parameters: Parameters, source: str = ALL, tempo: str = ""
    ) -> Scores | None:
        """Of all sequences of a data set and tempo; None if there are none."""
        members = [
            scores
            for recorded, scores in zip(
                self.material.sequences, self.each(method, parameters), strict=True
            )
            if source in (ALL, recorded.items[0].source) and tempo in ("", recorded.tempo)
        ]
        return concatenate_scores(members) if members else None


def compare_methods(
    fitted: SequenceSet,
    held_out: SequenceSet,
    profile: Profile,
    on_method: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """All of ``METHODS``, for ``results.json``.

    Parameters are those with the lowest mean log loss per moment over the sequences for choosing,
    where each sequence has equal weight. ``at_equal_delay`` has for each method the most accurate
    ones on these sequences among all whose mean delay is at most that of the shipped method.

    Args:
        fitted: The data for choosing parameters.
        held_out: The data to measure on.
        profile: Whose networks were recorded.
        on_method: Called after each method is done.
    """
    fusion = load_network(profile.fused_model)
    train, test = _ScoredSet(fitted, fusion), _ScoredSet(held_out, fusion)
    shipped = next(method for method in METHODS if method.name == SHIPPED)
    allowed = concatenate_scores(train.each(shipped, shipped.grid[0])).delay
    sources = sorted({recorded.items[0].source for recorded in held_out.sequences})
    places = [*sources, ALL] if len(sources) > 1 else [ALL]
    rows, differences, curves = [], [], {}
    for method in METHODS:
        chosen = {"log loss": min(method.grid, key=lambda grid: _log_loss(train, method, grid))}
        whole = {
            index: concatenate_scores(train.each(method, grid))
            for index, grid in enumerate(method.grid)
        }
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
                    differences.append({**names, **paired_difference(scores, other)})
        curves[method.name] = [
            {
                "parameters": dict(grid),
                "accuracy": round(scores.accuracy, 4),
                "delay": round(scores.delay, 3),
            }
            for grid in method.grid
            for scores in (concatenate_scores(test.each(method, grid)),)
        ]
        on_method()
    return {
        "chosen_on": _counts(fitted),
        "measured_on": _counts(held_out),
        "rows": rows,
        "differences": differences,
        "curves": curves,
    }


def _log_loss(side: _ScoredSet, method: Method, parameters: Parameters) -> float:
    """Mean over sequences."""
    return float(np.mean([scores.log_loss for scores in side.each(method, parameters)]))


def _of_clips(
    clips: Sequence[RecordedSequence],
    method: Method,
    parameters: Parameters,
    fusion: Runnable,
    profile: Profile,
) -> dict[str, Any] | None:
    right, losses = 0, []
    for recorded in clips:
        label = recorded.items[0].label
        answered = clip_prediction(recorded, method, parameters, fusion, profile)
        if answered is None:
            continue
        values = np.array(answered.as_tuple())
        right += int(values.argmax() == label)
        losses.append(-float(np.log(max(values[label], MIN_PROBABILITY))))
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


def _counts(material: SequenceSet) -> dict[str, Any]:
    items = {item.path: item for one in material.sequences for item in one.items}
    people = {item.person for item in items.values()} - {""}
    seconds = sum(float(one.starts[-1]) for one in material.sequences)
    return {
        "people": len(people),
        "clips": len(items),
        "sequences": len(material.sequences),
        "seconds": round(seconds, 1),
    }


MIN_PROBABILITY = 1e-6
"""Of the truth, in log losses."""

_NOWHERE = np.zeros((68, 2), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Scores(ByValue):
    """One method's results on sequences.

    Attributes:
        right, moments, loss: For each clip, in the order of sequences: moments that were right,
            all moments, and the sum of their log losses; shape (clips,).
        delays: For each change of mood, seconds until the first answer with the new mood, or until
            it was over; shape (changes,).
        noticed: Whether it was answered before it was over, shape (changes,).
        flips: How often the answer changed from one moment to the next in each sequence, shape
            (sequences,).
        seconds: Length of each sequence, shape (sequences,).
    """

    right: NDArray[np.float64]
    moments: NDArray[np.float64]
    loss: NDArray[np.float64]
    delays: NDArray[np.float64]
    noticed: NDArray[np.bool_]
    flips: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @property
    def accuracy(self) -> float:
        """Share of moments that were right."""
        return float(self.right.sum() / self.moments.sum())

    @property
    def delay(self) -> float:
        """Mean seconds to detect a change; a missed mood counts with its whole length."""
        return float(self.delays.mean())

    @property
    def flips_per_minute(self) -> float:
        """How often the answer changed, rightly or not."""
        return float(60 * self.flips.sum() / self.seconds.sum())

    @property
    def log_loss(self) -> float:
        """Mean over moments, natural logarithm."""
        return float(self.loss.sum() / self.moments.sum())

    def facts(self) -> dict[str, Any]:
        """For JSON; intervals by bootstrap over clips or mood changes."""
        return {
            "accuracy": round(self.accuracy, 4),
            "accuracy_ci95": rounded_interval(ratio_interval(self.right, self.moments)),
            "delay": round(self.delay, 3),
            "delay_ci95": rounded_interval(ratio_interval(self.delays, np.ones(len(self.delays)))),
            "noticed": round(float(self.noticed.mean()), 4),
            "changes": len(self.delays),
            "changes_per_minute": round(60 * len(self.delays) / float(self.seconds.sum()), 2),
            "flips_per_minute": round(self.flips_per_minute, 2),
            "log_loss": round(self.log_loss, 4),
        }


def score_sequence(
    recorded: RecordedSequence, method: Method, parameters: Parameters, fusion: Runnable
) -> Scores:
    """Runs an accumulation method over a sequence.

    Args:
        recorded: The sequence, with one track.
        method, parameters: The accumulation method.
        fusion: Fuses face and voice.
    """
    answers = method.answers(recorded, parameters, fusion)
    truth, given = recorded.truth, answers.argmax(axis=1)
    answered = np.maximum(answers[np.arange(len(truth)), truth], MIN_PROBABILITY)
    delays, noticed = [], []
    for begin, end, label in mood_changes(recorded):
        inside = (recorded.times >= begin - 1e-6) & (recorded.times < end - 1e-6)
        hit = np.flatnonzero(inside & (given == label))
        noticed.append(bool(len(hit)))
        delays.append(float(recorded.times[hit[0]] - begin) if len(hit) else end - begin)
    return Scores(
        right=_summed(given == truth, recorded),
        moments=_summed(np.ones(len(truth)), recorded),
        loss=_summed(-np.log(answered), recorded),
        delays=np.array(delays),
        noticed=np.array(noticed, bool),
        flips=np.array([float((np.diff(given) != 0).sum())]),
        seconds=recorded.starts[-1:] - recorded.starts[0],
    )


def _summed(values: NDArray[Any], recorded: RecordedSequence) -> NDArray[np.float64]:
    """Of each clip that was played."""
    sums = np.bincount(recorded.clips, values.astype(np.float64), minlength=len(recorded.items))
    return np.asarray(sums, np.float64)


def concatenate_scores(scores: Sequence[Scores]) -> Scores:
    """Of several sequences together.

    Raises:
        ValueError: There are none.
    """
    if not scores:
        raise ValueError("Nothing was measured.")
    return Scores(
        right=np.concatenate([one.right for one in scores]),
        moments=np.concatenate([one.moments for one in scores]),
        loss=np.concatenate([one.loss for one in scores]),
        delays=np.concatenate([one.delays for one in scores]),
        noticed=np.concatenate([one.noticed for one in scores]),
        flips=np.concatenate([one.flips for one in scores]),
        seconds=np.concatenate([one.seconds for one in scores]),
    )


def mood_changes(recorded: RecordedSequence) -> list[tuple[float, float, int]]:
    """Each mood except the first: when it begins and ends, seconds, and its class."""
    labels = [item.label for item in recorded.items]
    begins = [place for place in range(1, len(labels)) if labels[place] != labels[place - 1]]
    ends = [*begins[1:], len(labels)]
    return [
        (float(recorded.starts[begin]), float(recorded.starts[end]), labels[begin])
        for begin, end in zip(begins, ends, strict=True)
    ]


def clip_prediction(
    recorded: RecordedSequence,
    method: Method,
    parameters: Parameters,
    fusion: Runnable,
    profile: Profile,
) -> Distribution | None:
    """The overall answer for a clip, as in ``Overall``.

    Args:
        recorded: The clip, with all its faces.
        method, parameters: The accumulation method.
        fusion: Fuses face and voice.
        profile: How stretches are combined, unless the method is Equation 1: then as in ``paper``.
    """
    momentary = fuse(recorded, recorded.face, fusion)
    answers = method.answers(recorded, parameters, fusion)
    overall = Overall(PAPER if method.fused else profile)
    for place, track in enumerate(recorded.tracks.tolist()):
        overall.add(
            [_reading(float(recorded.times[place]), track, momentary[place], answers[place])]
        )
    return overall.answer


def _reading(time: float, track: int, momentary: FloatArray, smoothed: FloatArray) -> Reading:
    return Reading(
        time=time,
        face=Face(track, Box(0, 0, 1, 1), _NOWHERE),
        momentary=Distribution.from_array(momentary),
        smoothed=Distribution.from_array(smoothed),
        label=Label.UNKNOWN,
    )


def paired_difference(scores: Scores, other: Scores) -> dict[str, Any]:
    """The difference between two methods on the same sequences, first minus second, for JSON.

    Intervals are paired: clips, or mood changes, are resampled together for both methods.
    """
    return {
        "accuracy": round(scores.accuracy - other.accuracy, 4),
        "accuracy_ci95": rounded_interval(
            ratio_interval(scores.right - other.right, scores.moments)
        ),
        "delay": round(scores.delay - other.delay, 3),
        "delay_ci95": rounded_interval(
            ratio_interval(scores.delays - other.delays, np.ones(len(scores.delays)))
        ),
    }
