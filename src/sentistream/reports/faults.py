"""What was wrong with a source, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def faults_in_words(faults: Mapping[str, Any], sizes: Sequence[Sequence[int]]) -> list[str]:
    """A sentence for each kind of fault that there was.

    Args:
        faults: The counts of ``media.source.Faults``, as ``summary.json`` has them.
        sizes: The sizes of the pictures, (width, height).
    """
    sentences = []
    if changes := faults.get("size_changes"):
        told = ", ".join(f"{width} x {height}" for width, height in sizes)
        sentences.append(f"The pictures changed their size or shape {_often(changes)} ({told}).")
    if changes := faults.get("sound_changes"):
        sentences.append(f"The sound changed its rate or its channels {_often(changes)}.")
    if cancelling := faults.get("cancelling_seconds"):
        sentences.append(
            f"The channels of the sound would have cancelled each other for {cancelling:g} s; "
            "one was turned over."
        )
    damaged = []
    if errors := faults.get("video_errors"):
        damaged.append(_many(errors, "packet or picture", "packets or pictures"))
    if errors := faults.get("audio_errors"):
        unheard = faults.get("unheard_seconds")
        seconds = f" ({unheard:.2f} s)" if unheard else ""
        damaged.append(_many(errors, "packet of sound", "packets of sound") + seconds)
    if damaged:
        sentences.append(f"Damaged and left out: {' and '.join(damaged)}.")
    if skipped := faults.get("skipped_seconds"):
        sentences.append(
            f"{skipped:.2f} s have no moments, because their pictures are damaged or missing."
        )
    if dropped := faults.get("dropped_moments"):
        moments = _many(dropped, "moment was", "moments were")
        sentences.append(f"{moments} dropped, as they came faster than they were analyzed.")
    return sentences


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _many(number: int, thing: str, things: str) -> str:
    return f"{number:,} {thing if number == 1 else things}"
