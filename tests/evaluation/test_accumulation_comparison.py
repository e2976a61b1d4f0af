"""Sequences of changing sentiment, and the result of each accumulator, computed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.datasets.manifest import Item
from sentistream.evaluation.accumulation_comparison import (
    SequenceSet,
    compare_methods,
    concatenate_scores,
    mood_changes,
    paired_difference,
    score_sequence,
)
from sentistream.evaluation.accumulators import METHODS, SHIPPED, Method
from sentistream.evaluation.mood_sequences import (
    PERSON_CLIPS,
    SEQUENCE_CLIPS,
    TEMPOS,
    RecordedSequence,
    make_sequences,
)
from sentistream.profiles import LITE
from sentistream.types import FloatArray


class FaceOnly:
    """A fusion network that ignores the voice."""

    def run(self, **inputs: FloatArray) -> FloatArray:
        return inputs["face"]


class NoAccumulation:
    """Accumulates nothing."""

    def update(self, probabilities: FloatArray, time: float) -> FloatArray:
        return probabilities


PLAIN = Method("as said", lambda _: NoAccumulation(), ({"nothing": 0.0},))


def recorded(
    labels: list[int],
    shown_classes: list[int],
    moments: int = 10,
    step: float = 0.1,
    tempo: str = "quick",
) -> RecordedSequence:
    """Clips of that many moments; ``shown_classes`` has the face's class at each of them."""
    clips = np.repeat(np.arange(len(labels)), moments)
    face = np.full((len(clips), 3), 0.1, np.float32)
    face[np.arange(len(clips)), shown_classes] = 0.8
    return RecordedSequence(
        name="by hand",
        tempo=tempo,
        items=tuple(Item(Path(f"{n}.mp4"), label, "p-1", "p") for n, label in enumerate(labels)),
        times=np.arange(len(clips), dtype=np.float64) * step,
        tracks=np.ones(len(clips), np.int64),
        clips=clips,
        face=face,
        voice=np.full((len(clips), 3), 1 / 3, np.float32),
        trust=np.zeros((len(clips), 1), np.float32),
        starts=np.arange(len(labels) + 1, dtype=np.float64) * moments * step,
    )


def test_accuracy_and_delay_match_manual_results() -> None:
    # the second sentiment is detected after four moments, the third never; equal neighbors merge
    shown_classes = [0] * 10 + [0] * 4 + [2] * 6 + [2] * 10 + [2] * 10
    sequence = recorded([0, 2, 2, 1], shown_classes)
    assert mood_changes(sequence) == [(1.0, 3.0, 2), (3.0, 4.0, 1)]
    scores = score_sequence(sequence, PLAIN, {}, FaceOnly())
    assert scores.right.tolist() == [10, 6, 10, 0]
    assert scores.accuracy == pytest.approx(26 / 40)
    assert scores.delays == pytest.approx([0.4, 1.0])
    assert scores.noticed.tolist() == [True, False]
    assert scores.flips_per_minute == pytest.approx(60 / 4)
    assert scores.log_loss == pytest.approx(-(26 * np.log(0.8) + 14 * np.log(0.1)) / 40)


def test_differences_are_paired() -> None:
    """A constant difference has no uncertainty, however much the clips differ."""
    worse = recorded([0, 2, 0, 2], ([1] * 2 + [0] * 8 + [1] * 2 + [2] * 8) * 2)
    better = recorded([0, 2, 0, 2], ([1] + [0] * 9 + [1] + [2] * 9) * 2)
    found = paired_difference(
        *(score_sequence(one, PLAIN, {}, FaceOnly()) for one in (better, worse))
    )
    assert found["accuracy"] == pytest.approx(0.1)
    assert found["accuracy_ci95"] == pytest.approx([0.1, 0.1])
    assert found["delay"] == pytest.approx(-0.1)
    assert found["delay_ci95"] == pytest.approx([-0.1, -0.1])


def items(person: str, labels: list[int], source: str = "a") -> list[Item]:
    return [
        Item(Path(f"{person}-{number}.mp4"), label, person, source)
        for number, label in enumerate(labels)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_every_clip_is_played_once_at_each_tempo(seed: int) -> None:
    random = np.random.default_rng(seed)
    own = items("alone", random.permutation([0, 1, 2] * (PERSON_CLIPS // 2)).tolist())
    rest = [item for n in range(30) for item in items(f"p{n}", [int(random.integers(3))])]
    sequences = make_sequences([*own, *rest])
    for tempo in TEMPOS:
        played = [item for one in sequences if one.tempo == tempo for item in one.items]
        assert sorted(item.path for item in played) == sorted(i.path for i in [*own, *rest])
    for one in sequences:
        assert len(one.items) <= SEQUENCE_CLIPS
        assert len({item.person == "alone" for item in one.items}) == 1
    assert make_sequences([*own, *rest]) == sequences


def test_slow_sentiments_last_longer() -> None:
    sequences = make_sequences(items("alone", [0, 1, 2] * 8))
    runs = {
        one.tempo: 1
        + sum(a.label != b.label for a, b in zip(one.items, one.items[1:], strict=False))
        for one in sequences
    }
    assert runs["slow"] * 1.5 < runs["quick"]


def test_single_sentiment_makes_no_sequence() -> None:
    assert make_sequences(items("alone", [1] * 20)) == []


def test_parameters_are_chosen_on_one_side_and_measured_on_the_other() -> None:
    random = np.random.default_rng(0)

    def side(count: int) -> SequenceSet:
        sequences = []
        for _ in range(count):
            labels = [0, 2, 1, 0, 2]
            truth = np.repeat(labels, 10)
            noisy = np.where(random.uniform(size=50) < 0.4, random.integers(0, 3, 50), truth)
            sequences.append(recorded(labels, noisy.tolist()))
        return SequenceSet(sequences, [recorded([1], [1] * 10)])

    found = compare_methods(side(3), side(2), LITE)
    names = [method.name for method in METHODS]
    by_name = {row["method"]: row for row in found["rows"] if row["choice"] == "log loss"}
    assert list(by_name) == names
    for method in METHODS:
        assert by_name[method.name]["parameters"] in [dict(grid) for grid in method.grid]
        assert by_name[method.name]["clips"]["right"] == 1
    shipped = by_name[SHIPPED]
    assert {row["method"] for row in found["differences"]} == set(names) - {SHIPPED}
    for row in found["differences"]:
        own = next(
            one
            for one in found["rows"]
            if (one["method"], one["choice"]) == (row["method"], row["choice"])
        )
        assert row["accuracy"] == pytest.approx(own["accuracy"] - shipped["accuracy"], abs=2e-4)
    assert found["chosen_on"]["sequences"] == 3
    assert found["measured_on"]["sequences"] == 2


def test_empty_comparison_is_an_error() -> None:
    with pytest.raises(ValueError, match="Nothing"):
        concatenate_scores([])


def manifest(folder: Path, rows: list[str]) -> Path:
    path = folder / "clips.csv"
    path.write_text("\n".join(["path,label,person,split", *rows]) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "options", "reason"),
    [
        (["a.mp4,happy,p-1,train"], [], "measured on"),
        (["a.mp4,happy,p-1,test"], [], "chosen on"),
        (["a.mp4,happy,p-1,train", "b.mp4,sad,p-1,test"], [], "both parts"),
        (["a.mp4,happy,p-1,train", "b.mp4,sad,p-2,test"], [], "No sequence"),
        (["a.mp4,happy,p-1,train", "b.mp4,sad,p-2,test"], ["--profile", "paper"], "lite"),
        (["a.mp4,happy,p-1,train", "b.mp4,sad,p-2,test"], ["--prior", "acted"], "--prior"),
        (["a.mp4,happy,p-1,train", "b.mp4,sad,p-2,test"], ["--appearance"], "--appearance"),
    ],
)
def test_invalid_comparison_is_refused(
    tmp_path: Path, rows: list[str], options: list[str], reason: str
) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    listed = str(manifest(tmp_path, rows))
    arguments = ["evaluate", "--task", "accumulation", "--manifest", listed, *options]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2, result.output
    assert reason in result.output


def test_real_clips_are_compared_and_stored(real_data: Path, tmp_path: Path) -> None:
    clips = real_data / "javased" / "clips"
    rows = [
        f"{clips}/{speaker}-0{emotion}-01_01.mp4,{label},java-sed-{speaker},{split}"
        for speaker, split in (("01", "train"), ("03", "test"))
        for emotion, label in ((1, "neutral"), (3, "happy"))
    ]
    listed, out = str(manifest(tmp_path, rows)), tmp_path / "out"
    arguments = ["evaluate", "--task", "accumulation", "--manifest", listed, "--out", str(out)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    first = json.loads((out / "results.json").read_text("utf-8"))
    assert first["measured_on"] == {**first["measured_on"], "people": 1, "clips": 2}
    for row in first["rows"]:
        assert row["clips"]["n"] == 2
        assert row["method"] in (out / "accumulation.md").read_text("utf-8")
    cache = {path: path.stat().st_mtime_ns for path in (out / "recorded").iterdir()}
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "recorded").iterdir()} == cache
    assert json.loads((out / "results.json").read_text("utf-8")) == first
