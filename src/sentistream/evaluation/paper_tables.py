"""Tables 5-10 of the paper, its figures beside ours; what was not measured says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sentistream.evaluation import paper_facts as paper
from sentistream.evaluation.metrics import wilson_interval
from sentistream.evaluation.paper_facts import Right
from sentistream.evaluation.tables import markdown_table
from sentistream.runtime.model_card import ModelCard
from sentistream.types import SENTIMENTS

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Table:
    """One table, for reading.

    Attributes:
        number: As in the paper.
        title: What it shows.
        note: What a reader has to know.
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
    """Mouth crops and how many are told right."""
    rows = []
    for name, (opened, closed, share) in paper.MOUTH_SETS.items():
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
    """How much was learned from and measured on."""
    trained = f"faces: {_sizes(face)}; windows of voice: {_sizes(voice)}"
    validated = f"faces: {_validation_sizes(face)}; windows of voice: {_validation_sizes(voice)}"
    ours = (trained, validated, f"{clips} of the 54 of our list in all", NOT_MEASURED)
    rows = [
        (name, ", ".join(f"{size} {emotion}" for size, emotion in _pairs(sizes)), mine)
        for (name, sizes), mine in zip(paper.SET_SIZES.items(), ours, strict=True)
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
    for name, (accuracy, loss, validation, validation_loss) in paper.TRAINING.items():
        card = cards[name]
        rows += [
            (name, "training accuracy", f"{accuracy:.2%}", _trained(card) if card else ""),
            (name, "training loss", f"{loss}", NOT_MEASURED),
            (name, "validation accuracy", f"{validation:.2%}", _validated(card) if card else ""),
            (name, "validation loss", f"{validation_loss}", NOT_MEASURED),
        ]
    filled = [(*row[:3], row[3] or NOT_MEASURED) for row in rows]
    note = (
        "Ours are in the model cards: validation on people not learned from, or a set's own "
        "validation part. The paper's validation has frames of the clips it trained on."
    )
    return Table(7, "training results", note, ("network", "figure", "paper", "ours"), filled)


def table_8(fused: ModelCard) -> Table:
    """Confusion in validation."""
    mine = _real_pairs(fused)
    rows = []
    for row, truth in enumerate(paper.VALIDATION_ORDER):
        for column, answer in enumerate(paper.VALIDATION_ORDER):
            ours = NOT_MEASURED
            if mine is not None:
                counted = mine["confusion"][SENTIMENTS.index(truth)]
                share = Right(counted[SENTIMENTS.index(answer)], sum(counted))
                ours = _share(share)
            theirs = f"{paper.VALIDATION_CONFUSION[row][column]:.1%}"
            rows.append((truth, answer, theirs, ours))
    source = f"{mine['source']}, {mine['split']}" if mine else "not there"
    note = f"Moments of face and voice together. Ours: {source}."
    return Table(8, "confusion in validation", note, ("truth", "answer", "paper", "ours"), rows)


def table_of_clips(
    number: int,
    theirs: Mapping[str, Mapping[str, Right]],
    ours: Mapping[str, Mapping[str, Right]] | None,
    note: str,
) -> Table:
    """Table 9 or 10: clips right by branch and class.

    Args:
        number: 9 or 10.
        theirs, ours: Counts by branch and class; None where nothing was measured.
        note: On what ours were measured.
    """
    rows = []
    for branch in paper.BRANCHES:
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


def _share(count: Right) -> str:
    if not count.total:
        return NOT_MEASURED
    share = f"{count.right}/{count.total} = {count.right / count.total:.2%}"
    return f"{share} {interval(count.right, count.total)}"


def _count(count: Right) -> str:
    return f"{count.right}/{count.total}" if count.total else NOT_MEASURED


def _sum(counts: Mapping[str, Right]) -> Right:
    return Right(
        sum(count.right for count in counts.values()), sum(count.total for count in counts.values())
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
    return list(zip(sizes, paper.EMOTIONS, strict=True))


def _real_pairs(card: ModelCard) -> dict[str, Any] | None:
    """Figures on faces and voices of the same people, not on pairs put together."""
    fitting = [entry for entry in card.figures if len(entry.get("confusion", ())) == 3]
    return next((entry for entry in fitting if "+" not in entry["source"]), None)
