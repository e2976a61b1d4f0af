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
    if errors := faults.get("video_errors"):
        sentences.append(f"Packets or pictures that are damaged and were left out: {errors:,}.")
    if errors := faults.get("audio_errors"):
        unheard = faults.get("unheard_seconds", 0.0)
        sentences.append(
            f"Packets of sound that are damaged and were left out: {errors:,} ({unheard:.2f} s)."
        )
    if skipped := faults.get("skipped_seconds"):
        sentences.append(
            f"{skipped:.2f} s have no moments, because their pictures are damaged or missing."
        )
    if dropped := faults.get("dropped_moments"):
        sentences.append(
            f"Moments that were dropped, as they came faster than they were analyzed: {dropped:,}."
        )
    return sentences


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times} times"
