"""Words, colours and numbers for people, the same on the page and in the video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sentistream.translatable import Translatable
from sentistream.types import Distribution, Flag, Label

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def percent(share: float) -> str:
    """A share of 0 to 1 as whole per cent; anything above 0 is never shown as 0."""
    if 0 < share < 0.005:
        return "under 1 %"
    return f"{round(share * 100)} %"


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Media time as m:ss or h:mm:ss, with tenths of a second on request."""
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
    """The overall sentiment in a few words."""
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


COLORS = {
    Label.POSITIVE: "#0e7c6b",
    Label.NEUTRAL: "#8b97a8",
    Label.NEGATIVE: "#c2471d",
    Label.UNKNOWN: "#6a5d8a",
    Label.NO_FACE: "#6a5d8a",
}
"""Colour-blind people can distinguish teal and vermilion, too."""

WORDS = {
    Label.POSITIVE: "positive",
    Label.NEUTRAL: "neutral",
    Label.NEGATIVE: "negative",
    Label.UNKNOWN: "not clear",
    Label.NO_FACE: "no face seen",
}

FLAG_WORDS = {
    Flag.NO_SOUND: "the mouth was open but there was no sound, so the face decided alone",
    Flag.CARRIED: "a search missed the face and its landmarks alone were followed",
    Flag.SMALL_FACE: "the face was small in the picture, so the answer is less certain",
    Flag.AT_EDGE: "the face was partly outside the picture",
    Flag.REPEATED_PICTURE: "there was no new picture, only new sound",
    Flag.TURNED_AWAY: "a head was turned too far for its expression to be read",
    Flag.UNREADABLE: "too little of a face was seen to read its expression",
    Flag.SLOWED: "the computer could not keep up and looked less often",
}
"""Texts of the flags of readings; ``more_faces`` concerns moments and is reported separately."""


def ink(label: Label) -> tuple[int, int, int]:
    """The colour of letters on the class's colour: white, or near black on the light one."""
    return (16, 21, 28) if label is Label.NEUTRAL else (255, 255, 255)


def rgb(label: Label) -> tuple[int, int, int]:
    """The class's colour as red, green, blue, 0 to 255."""
    code = COLORS[label]
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def faults_in_words(faults: Mapping[str, Any], sizes: Sequence[Sequence[int]]) -> list[str]:
    """A sentence for each kind of fault that occurred.

    Args:
        faults: The counts of ``media.source.Faults``, as ``summary.json`` has them.
        sizes: The sizes of the pictures, (width, height).
    """
    sentences: list[str] = []
    if changes := faults.get("size_changes"):
        told = ", ".join(f"{width} x {height}" for width, height in sizes)
        sentences.append(
            Translatable(
                "The pictures changed their size or shape {often} ({sizes}).",
                often=_often(changes),
                sizes=told,
            )
        )
    if changes := faults.get("sound_changes"):
        sentences.append(
            Translatable(
                "The sound changed its rate or its channels {often}.", often=_often(changes)
            )
        )
    if cancelling := faults.get("cancelling_seconds"):
        sentences.append(
            Translatable(
                "The sound channels would have cancelled each other for {seconds} s; one was "
                "inverted.",
                seconds=f"{cancelling:g}",
            )
        )
    if errors := faults.get("video_errors"):
        sentences.append(
            Translatable(
                "Damaged packets or pictures that were left out: {count}.",
                count=f"{errors:,}",
            )
        )
    if errors := faults.get("audio_errors"):
        unheard = faults.get("unheard_seconds", 0.0)
        sentences.append(
            Translatable(
                "Damaged sound packets that were left out: {count} ({seconds} s).",
                count=f"{errors:,}",
                seconds=f"{unheard:.2f}",
            )
        )
    if skipped := faults.get("skipped_seconds"):
        sentences.append(
            Translatable(
                "{seconds} s have no moments, because their pictures are damaged or missing.",
                seconds=f"{skipped:.2f}",
            )
        )
    if dropped := faults.get("dropped_moments"):
        sentences.append(
            Translatable(
                "Moments dropped because they came faster than they were analyzed: {count}.",
                count=f"{dropped:,}",
            )
        )
    return sentences


def _often(times: int) -> str:
    if times == 1:
        return Translatable("once")
    return Translatable("{count} times", count=times)
