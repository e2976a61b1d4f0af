"""Model cards for reading: as one page of Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from sentistream.reports.table_formats import markdown_row, markdown_table
from sentistream.runtime.model_card import ModelCard

_INTRODUCTION = """\
# Model cards

What each network that comes with sentistream is, what it learned from, how good it is on people
it did not learn from, and what may be done with it. Written by
`sentistream models --markdown docs/model-cards.md` from the cards beside the networks.
"""
_UNKNOWN = "not recorded"


def cards_page(cards: Sequence[ModelCard]) -> str:
    """All cards as Markdown: a table of all, then each by itself."""
    return "\n".join([_INTRODUCTION, *_overview(cards), *(_section(card) for card in cards)])


_SHOWN = 3  # figures of a card in a list of cards


def main_figure(card: ModelCard) -> str:
    """A card's first figures in a few words: accuracies by source, or a dash."""
    shown = [f"{row['source']} {percent(row['accuracy'])}" for row in card.figures[:_SHOWN]]
    if more := len(card.figures) - len(shown):
        shown.append(f"{more} more")
    return "; ".join(shown) or "-"


def licence_word(card: ModelCard) -> str:
    """The licence's first sentence up to a comma, short enough for a table."""
    return card.licence.partition(",")[0].partition(".")[0].partition(":")[0]


def percent(share: float) -> str:
    """One digit behind the point, a half rounded up."""
    return f"{math.floor(share * 1_000 + 0.5) / 10} %"


def interval(row: dict[str, Any], name: str) -> str:
    """A figure and its 95 % interval, where the card has one."""
    if name not in row:
        return "-"
    text = percent(row[name])
    if f"{name}_ci95" in row:
        low, high = row[f"{name}_ci95"]
        text += f" ({percent(low)} to {percent(high)})"
    return text


def facts(card: ModelCard) -> list[tuple[str, str]]:
    """The short facts of a card, each with its name."""
    seed = card.seed if card.seed is not None else card.recipe.get("seed")
    inputs = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in card.inputs.items())
    return [
        ("task", card.task),
        ("version", card.version),
        ("file", f"{card.file}, SHA-256 {card.sha256}"),
        ("source", card.commit or _UNKNOWN),
        ("seed", _UNKNOWN if seed is None else str(seed)),
        ("parameters", f"{card.parameters:,}"),
        ("multiply-adds", f"{card.multiply_adds:,} for one answer"),
        ("inputs", f"{inputs} (uint8)"),
        ("outputs", ", ".join(card.outputs)),
        *([("8 bits", int8_words(card.int8))] if card.int8 else []),
        ("licence", card.licence),
        ("intended use", card.intended_use or _UNKNOWN),
        ("forbidden use", card.forbidden_use or _UNKNOWN),
    ]


def int8_words(int8: dict[str, Any]) -> str:
    """What is known of a network's twin with 8-bit convolutions."""
    compared = "; ".join(
        f"{row['source']} {percent(row['int8_accuracy'])} (float {percent(row['float_accuracy'])}, "
        f"the same answer in {percent(row['agreement'])} of {row['n']:,})"
        for row in int8["compared"]
    )
    return f"{int8['file']}, SHA-256 {int8['sha256']}; right on people not trained on: {compared}"


def recipe_words(recipe: dict[str, Any]) -> str:
    """The settings that had an effect, in a row."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_setting(value)}"
        for name, value in recipe.items()
        if name != "note" and value not in (None, 0, "") and value is not False
    )


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        kept = ", ".join(f"{name} {_setting(entry)}" for name, entry in value.items() if entry)
        return f"({kept})"
    if value is True:
        return "on"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _overview(cards: Sequence[ModelCard]) -> Iterator[str]:
    heads = ("network", "parameters", "multiply-adds", "licence", "right, on people not trained on")
    yield markdown_table(
        heads,
        [
            (
                card.name,
                f"{card.parameters:,}",
                f"{card.multiply_adds / 1e6:,.1f} M",
                licence_word(card),
                main_figure(card),
            )
            for card in cards
        ],
    )
    yield ""


def _section(card: ModelCard) -> str:
    lines = [f"## {card.name}", ""]
    lines += [f"- **{name}**: {text}" for name, text in facts(card)]
    lines += ["", "### Data", ""]
    if card.data:
        lines += ["| data | examples | terms | which permit |", "|---|---|---|---|"]
        lines += [
            markdown_row(
                (
                    entry.get("name", entry.get("source", "")),
                    f"{entry['examples']:,}" if "examples" in entry else "-",
                    entry.get("terms", "-"),
                    entry.get("permits", "-"),
                )
            )
            for entry in card.data
        ]
    else:
        lines.append("Not recorded.")
    lines += ["", "### Recipe", "", f"{recipe_words(card.recipe) or _UNKNOWN}.", ""]
    if note := card.recipe.get("note"):
        lines += [note, ""]
    lines += ["### Figures", ""]
    if card.figures:
        lines += [
            "| measured on | people | n | accuracy | unweighted average recall | macro F1 |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            markdown_row(
                (
                    f"{row['source']}: {row['split']}",
                    people(row),
                    f"{row['n']:,} {row.get('unit', '')}".rstrip(),
                    *(interval(row, name) for name in ("accuracy", "uar", "macro_f1")),
                )
            )
            for row in card.figures
        ]
    else:
        lines.append("None were measured.")
    lines += ["", "### Known weaknesses", "", *(f"- {text}" for text in card.weaknesses), ""]
    return "\n".join(lines)


def people(row: dict[str, Any]) -> str:
    """Whom a figure was measured on: how many, or not known."""
    named = row.get("people")
    number = len(named) if isinstance(named, list) else int(named or 0)
    return str(number) if number else "not known"
