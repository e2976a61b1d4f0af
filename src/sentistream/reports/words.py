"""Numbers as people say them."""

from __future__ import annotations

from sentistream.reports.palette import WORDS
from sentistream.types import Distribution, Label

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def percent(share: float) -> str:
    """A share of 0 to 1 as whole percent; a trace is never called nothing."""
    if 0 < share < 0.005:
        return "under 1 %"
    return f"{round(share * 100)} %"


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Media time as m:ss or h:mm:ss, with tenths of a second where asked."""
    units = max(0, round(seconds * (10 if tenths else 1)))
    whole, rest = divmod(units, 10) if tenths else (units, 0)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{rest}" if tenths else text


def length(seconds: float) -> str:
    """A stretch of time in words."""
    if seconds < 10:
        return f"{seconds:.1f} seconds"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} seconds"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    hours, minute = divmod(minutes, 60)
    return f"{hours} hours" + (f" {count(minute, 'minute')}" if minute else "")


def count(number: int, thing: str, things: str = "") -> str:
    """A number and its noun."""
    word = _NUMBERS[number] if 0 <= number < len(_NUMBERS) else f"{number:,}"
    return f"{word} {thing if number == 1 else things or thing + 's'}"


def headline(label: Label, answer: Distribution | None) -> str:
    """What was felt overall, in a few words."""
    if label is Label.NO_FACE:
        return "No face was seen"
    if answer is None:
        return "No clear answer"
    word = WORDS[label]
    if answer.confidence >= 0.6:
        return f"Mostly {word}"
    if answer.confidence >= 0.45:
        return f"Rather {word}"
    return f"Mixed, leaning {word}"
