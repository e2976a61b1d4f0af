"""What was wrong with a source, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sentistream.translatable import Translatable


def faults_in_words(faults: Mapping[str, Any], sizes: Sequence[Sequence[int]]) -> list[str]:
    """A sentence for each kind of fault that there was.

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
                "The channels of the sound would have cancelled each other for {seconds} s; "
                "one was turned over.",
                seconds=f"{cancelling:g}",
            )
        )
    if errors := faults.get("video_errors"):
        sentences.append(
            Translatable(
                "Packets or pictures that are damaged and were left out: {count}.",
                count=f"{errors:,}",
            )
        )
    if errors := faults.get("audio_errors"):
        unheard = faults.get("unheard_seconds", 0.0)
        sentences.append(
            Translatable(
                "Packets of sound that are damaged and were left out: {count} ({seconds} s).",
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
                "Moments that were dropped, as they came faster than they were analyzed: {count}.",
                count=f"{dropped:,}",
            )
        )
    return sentences


def _often(times: int) -> str:
    if times == 1:
        return Translatable("once")
    return Translatable("{count} times", count=times)
