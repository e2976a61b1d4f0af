"""Clip-level three-class accuracy and share of moments with a face, by speaker.

    python -m benchmarks.clips_accuracy java-sed FOLDER [--json FILE]

Every clip goes through ``sentistream.analyze`` as a user's would; its answer is the class of
the mean momentary distribution, as in ``summary.json``, and a clip without a face is wrong.
Speakers that stood in training are marked; only the others say how good the system is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sentistream import analyze
from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording, java_sed, ravdess
from sentistream.datasets.splits import HELD_OUT_PEOPLE
from sentistream.evaluation.metrics import Figures, figures
from sentistream.types import SENTIMENTS, Branch

DATA_SETS = {"java-sed": java_sed, "ravdess": lambda folder: ravdess(folder, (".mp4",))}


def watch(recording: Recording) -> dict[str, Any]:
    """One clip's answer and how it came about."""
    total = np.zeros(3)
    moments = with_face = fused = open_mouth = 0
    with analyze(recording.path) as analysis:
        for _, readings in analysis.moments():
            moments += 1
            seen = [reading for reading in readings if reading.momentary is not None]
            with_face += bool(seen)
            for reading in seen:
                assert reading.momentary is not None
                total += reading.momentary.as_tuple()
                fused += reading.branch is Branch.FUSED
                open_mouth += (reading.mouth_open or 0) >= 0.5
    return {
        "clip": recording.path.stem,
        "person": recording.person,
        "emotion": recording.emotion,
        "truth": recording.sentiment,
        "answer": SENTIMENTS[int(total.argmax())] if with_face else None,
        "moments": moments,
        "with_face": with_face,
        "open_mouth": open_mouth,
        "fused": fused,
        "mean": (total / max(total.sum(), 1e-9)).round(4).tolist(),
    }


def accuracy(rows: list[dict[str, Any]]) -> Figures | None:
    """Figures of the clips of one of the three classes; no answer counts as wrong."""
    rows = [row for row in rows if row["truth"]]
    if not rows:
        return None
    truth = np.array([class_number(row["truth"]) for row in rows])
    answers = np.array(
        [
            class_number(row["answer"]) if row["answer"] else (right + 1) % 3
            for row, right in zip(rows, truth, strict=True)
        ]
    )
    return figures(truth, answers, classes=3)


def report(name: str, rows: list[dict[str, Any]]) -> None:
    """One line for a group of clips."""
    moments = sum(row["moments"] for row in rows)
    found = sum(row["with_face"] for row in rows) / moments
    opened = sum(row["open_mouth"] for row in rows) / moments
    got = accuracy(rows)
    text = f"{name:28} {len(rows):3} clips, face in {found:6.1%}, mouth open in {opened:6.1%}"
    if got is not None:
        low, high = got.accuracy_ci95
        text += (
            f"  accuracy {got.accuracy:6.1%} ({low:.1%} to {high:.1%}, n = {got.n}),"
            f" average recall {got.uar:6.1%}, confusion {got.confusion}"
        )
    print(text, flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data_set", choices=sorted(DATA_SETS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write every clip's row there")
    arguments = parser.parse_args()
    recordings = DATA_SETS[arguments.data_set](arguments.folder)
    rows = [watch(recording) for recording in recordings]
    for person in sorted({row["person"] for row in rows}):
        kind = "held out" if person in HELD_OUT_PEOPLE else "in training"
        report(f"{person} ({kind})", [row for row in rows if row["person"] == person])
    report("all held out", [row for row in rows if row["person"] in HELD_OUT_PEOPLE])
    report("all in training", [row for row in rows if row["person"] not in HELD_OUT_PEOPLE])
    if arguments.json:
        held_out = accuracy([row for row in rows if row["person"] in HELD_OUT_PEOPLE])
        content = {"clips": rows, "held_out": asdict(held_out) if held_out else None}
        arguments.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
