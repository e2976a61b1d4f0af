"""Tables 5-10 of the paper, next to our figures.

Yakaew, Dailey and Racharak, "Multimodal Sentiment Analysis on Video Streams using Lightweight
Deep Neural Networks".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sentistream.analyzer import Analyzer
from sentistream.api import Analysis
from sentistream.datasets.manifest import Item
from sentistream.errors import InputError
from sentistream.evaluation import predictors
from sentistream.evaluation.clip_trace import trace_clip
from sentistream.evaluation.evaluation_inputs import Take
from sentistream.evaluation.predictions import Prediction, predict_items
from sentistream.intervals import wilson_interval
from sentistream.profiles import Profile
from sentistream.reports.table_formats import markdown_table
from sentistream.runtime.model_card import ModelCard
from sentistream.types import SENTIMENTS

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Table:
    """One table, for reading.

    Attributes:
        number: As in the
        title: What it shows.
        note: A note for the reader.
        heads: Of the columns.
        rows: Cells as text.
    """

    number: int
    title: str
    note: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        """As Markdown."""
        title = f"### Table {self.number}: {self.title}"
        return f"{title}\n\n{self.note}\n\n{markdown_table(self.heads, self.rows)}\n"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def table_5(mouth: ModelCard) -> Table:
    """Mouth crops and the share classified correctly."""
    rows = []
    for name, (opened, closed, share) in MOUTH_SETS.items():
        total = opened + closed
        theirs = f"{opened} open, {closed} closed: {share:.2%}"
        if name != "training":
            theirs += f" {interval(round(share * total), total)}"
        ours = {"training": _trained(mouth), "validation": _validated(mouth)}.get(name)
        rows.append((name, theirs, ours or NOT_MEASURED))
    note = (
        "Ours in validation are people the network did not learn from; the paper's come from the "
        "clips it trained on. Its intervals are from its counts and rounded shares."
    )
    return Table(5, "mouth open or closed", note, ("set", "paper", "ours"), rows)


def table_6(face: ModelCard, voice: ModelCard, clips: int) -> Table:
    """The amounts of training and test data."""
    trained = f"faces: {_sizes(face)}; windows of voice: {_sizes(voice)}"
    validated = f"faces: {_validation_sizes(face)}; windows of voice: {_validation_sizes(voice)}"
    ours = (trained, validated, f"{clips} of the 54 of our list in all", NOT_MEASURED)
    rows = [
        (name, ", ".join(f"{size} {emotion}" for size, emotion in _pairs(sizes)), mine)
        for (name, sizes), mine in zip(SET_SIZES.items(), ours, strict=True)
    ]
    note = "PERSON-OVERLAPPING in the paper: 19 actors to learn from and 6 for the test, of 24."
    return Table(6, "size of the sets", note, ("set", "paper", "ours"), rows)


def table_7(face: ModelCard, voice: ModelCard, fused: ModelCard) -> Table:
    """Training and validation."""
    augmented = bool(face.recipe.get("augmentation"))
    cards = {
        "audio": voice,
        "visual": None if augmented else face,
        "visual with augmentation": face if augmented else None,
        "audiovisual": fused,
    }
    rows: list[tuple[str, ...]] = []
    for name, (accuracy, loss, validation, validation_loss) in TRAINING.items():
        card = cards[name]
        rows += [
            (name, "training accuracy", f"{accuracy:.2%}", _trained(card) if card else ""),
            (name, "training loss", f"{loss}", NOT_MEASURED),
            (name, "validation accuracy", f"{validation:.2%}", _validated(card) if card else ""),
            (name, "validation loss", f"{validation_loss}", NOT_MEASURED),
        ]
    filled = [(*row[:3], row[3] or NOT_MEASURED) for row in rows]
    note = (
        "Ours are in the model cards: validation on people not trained on, or a set's own "
        "validation part. The paper's validation has frames of the clips it trained on."
    )
    return Table(7, "training results", note, ("network", "figure", "paper", "ours"), filled)


def table_8(fused: ModelCard) -> Table:
    """Confusion in validation."""
    mine = _real_pairs(fused)
    rows = []
    for row, truth in enumerate(VALIDATION_ORDER):
        for column, answer in enumerate(VALIDATION_ORDER):
            ours = NOT_MEASURED
            if mine is not None:
                counted = mine["confusion"][SENTIMENTS.index(truth)]
                share = CorrectCount(counted[SENTIMENTS.index(answer)], sum(counted))
                ours = _share(share)
            theirs = f"{VALIDATION_CONFUSION[row][column]:.1%}"
            rows.append((truth, answer, theirs, ours))
    source = f"{mine['source']}, {mine['split']}" if mine else "not there"
    note = f"Moments of face and voice together. Ours: {source}."
    return Table(8, "confusion in validation", note, ("truth", "answer", "paper", "ours"), rows)


def table_of_clips(
    number: int,
    theirs: Mapping[str, Mapping[str, CorrectCount]],
    ours: Mapping[str, Mapping[str, CorrectCount]] | None,
    note: str,
) -> Table:
    """Table 9 or 10: clips right by branch and class.

    Args:
        number: 9 or 10.
        theirs, ours: Counts by branch and class; None if nothing was measured.
        note: On what ours were measured.
    """
    rows = []
    for branch in BRANCHES:
        mine = ours[branch] if ours else None
        for name in SENTIMENTS:
            own = _count(mine[name]) if mine else NOT_MEASURED
            rows.append((branch, name, _count(theirs[branch][name]), own))
        everything = _share(_sum(mine)) if mine else NOT_MEASURED
        rows.append((branch, "all", _share(_sum(theirs[branch])), everything))
    where = "in-sample clips (PERSON-OVERLAPPING)" if number == 9 else "out-of-sample clips"
    heads = ("network", "class", "paper", "ours")
    return Table(number, f"{where} right", note, heads, rows)


def interval(right: int, total: int) -> str:
    """The 95 % Wilson interval, as text."""
    low, high = wilson_interval(right, total)
    return f"({low:.1%} to {high:.1%})"


def _share(count: CorrectCount) -> str:
    if not count.total:
        return NOT_MEASURED
    share = f"{count.right}/{count.total} = {count.right / count.total:.2%}"
    return f"{share} {interval(count.right, count.total)}"


def _count(count: CorrectCount) -> str:
    return f"{count.right}/{count.total}" if count.total else NOT_MEASURED


def _sum(correct_by_class: Mapping[str, CorrectCount]) -> CorrectCount:
    return CorrectCount(
        sum(count.right for count in correct_by_class.values()),
        sum(count.total for count in correct_by_class.values()),
    )


def _trained(card: ModelCard) -> str:
    accuracy = card.recipe.get("training_accuracy")
    if accuracy is None:
        return NOT_MEASURED
    epochs = card.recipe.get("epochs")
    return f"{accuracy:.2%}, {_sizes(card)}" + (f", {epochs} epochs" if epochs else "")


def _validated(card: ModelCard) -> str:
    texts = [
        f"{entry['source']} {entry['accuracy']:.2%} "
        f"({entry['accuracy_ci95'][0]:.1%} to {entry['accuracy_ci95'][1]:.1%}, n = {entry['n']})"
        for entry in card.figures
        if entry.get("accuracy") is not None and entry.get("accuracy_ci95")
    ]
    return "; ".join(texts) or NOT_MEASURED


def _sizes(card: ModelCard) -> str:
    total = sum(entry.get("examples", 0) for entry in card.data)
    return f"{total:,} examples" if total else "examples not counted"


def _validation_sizes(card: ModelCard) -> str:
    return ", ".join(f"{entry['n']:,} {entry['source']}" for entry in card.figures) or NOT_MEASURED


def _pairs(sizes: Sequence[int]) -> list[tuple[int, str]]:
    return list(zip(sizes, EMOTIONS, strict=True))


def _real_pairs(card: ModelCard) -> dict[str, Any] | None:
    """Figures on faces and voices of the same people, not on artificial pairs."""
    fitting = [entry for entry in card.figures if len(entry.get("confusion", ())) == 3]
    return next((entry for entry in fitting if "+" not in entry["source"]), None)


@dataclass(frozen=True, slots=True)
class CorrectCount:
    """A count of clips.

    Attributes:
        right: How many were right.
        total: Of how many.
    """

    right: int
    total: int


MOUTH_SETS = {
    "training": (666, 666, 0.9934),
    "validation": (166, 166, 0.9946),
    "test": (200, 200, 0.97),
}
"""Table 5: crops of open mouths, of closed ones, and the share right."""

EMOTIONS = ("happy", "calm", "neutral", "angry", "sad")
SET_SIZES = {
    "training": (960,) * 5,
    "validation": (240,) * 5,
    "test (RAVDESS), files a sentiment": (18,) * 5,
    "test (video stream), files a sentiment": (3,) * 5,
}
"""Table 6: images (and spectrograms) of ``EMOTIONS``."""

TRAINING = {
    "audio": (1.0, 0.0022, 0.5389, 1.7694),
    "visual": (0.9931, 0.0186, 0.9958, 0.0164),
    "visual with augmentation": (0.9125, 0.2185, 0.9736, 0.1090),
    "audiovisual": (0.9989, 0.0162, 0.8878, 0.3083),
}
"""Table 7: accuracy and loss in training, accuracy and loss in validation."""

VALIDATION_ORDER = ("negative", "neutral", "positive")
VALIDATION_CONFUSION = ((0.72, 0.006, 0.26), (0.03, 0.84, 0.121), (0.07, 0.06, 0.85))
"""Table 8: a row per true class, a column per answer, both in ``VALIDATION_ORDER``."""

BRANCHES = ("visual", "audio", "audiovisual")
IN_SAMPLE = {
    "visual": (11, 16, 16),
    "audio": (0, 16, 16),
    "audiovisual": (13, 18, 18),
}
"""Table 9: of 18 clips of each class, in the order of ``SENTIMENTS``, how many were right."""

OUT_OF_SAMPLE = {
    "visual": (3, 0, 2),
    "audio": (0, 0, 3),
    "audiovisual": (3, 0, 3),
}
"""Table 10: the same for 3 video streams per class."""


def paper_counts(
    table: Mapping[str, tuple[int, ...]], each: int
) -> dict[str, dict[str, CorrectCount]]:
    """Counts by branch and class of Table 9 or 10.

    Args:
        table: ``IN_SAMPLE`` or ``OUT_OF_SAMPLE``.
        each: Clips per class.
    """
    return {
        branch: {
            name: CorrectCount(count, each)
            for name, count in zip(SENTIMENTS, correct_by_class, strict=True)
        }
        for branch, correct_by_class in table.items()
    }


def face_alone(profile: Profile) -> Profile:
    """The profile with a mouth that never counts as open, so that the face decides alone."""
    return replace(profile, mouth_threshold=math.inf)


def predict_branches(
    clips: Sequence[Item],
    takes: Sequence[Take],
    profile: Profile,
    *,
    on_item: Callable[[], None] = lambda: None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> dict[str, list[Prediction]]:
    """Predictions of each branch, in the words of ``BRANCHES``.

    Args:
        clips: Videos.
        takes: Frames and speech, shown as videos.
        profile: What to use.
        on_item: Called after each clip or take.
        on_problem: Called with the reason one cannot be read.
    """
    of_clip = {
        "visual": predictors.clip_predictor(face_alone(profile)),
        "audio": predictors.voice_predictor(profile),
        "audiovisual": predictors.clip_predictor(profile),
    }
    predictions: dict[str, list[Prediction]] = {branch: [] for branch in of_clip}
    for item in clips:
        for branch, answer in of_clip.items():
            predictions[branch] += predict_items([item], answer, on_problem=on_problem)
        on_item()
    alone, both = Analyzer(face_alone(profile)), Analyzer(profile)
    for take in takes:
        predictions["visual"].append(_watch(take, alone, on_problem))
        predictions["audio"] += predict_items([take.item], of_clip["audio"], on_problem=on_problem)
        predictions["audiovisual"].append(_watch(take, both, on_problem))
        on_item()
    return predictions


def _watch(take: Take, analyzer: Analyzer, on_problem: Callable[[str], None]) -> Prediction:
    profile = analyzer.profile
    analyzer.reset(renumber=True)
    try:
        source = take.source(tick=profile.tick, sound_window=profile.sound_window)
    except InputError as error:
        on_problem(error.problem)
        return Prediction(take.item, None, error.problem)
    with Analysis(source, analyzer, profile) as analysis:
        return Prediction(take.item, trace_clip(analysis.moments(), profile).answer)


def correct_by_class(predictions: Sequence[Prediction]) -> dict[str, CorrectCount]:
    """How many of each class are right."""
    found = {}
    for number, name in enumerate(SENTIMENTS):
        members = [prediction for prediction in predictions if prediction.item.label == number]
        found[name] = CorrectCount(sum(prediction.correct for prediction in members), len(members))
    return found
