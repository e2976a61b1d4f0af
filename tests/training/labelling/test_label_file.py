"""Mouths are found and proposed; decisions are saved at once and survive."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from full_disk import full_disk
from sentistream.cli import main
from sentistream.datasets.labels import MOUTH_STATES
from sentistream.datasets.manifest import read_manifest
from sentistream.errors import DataError, OutputError
from sentistream.training.labelling.label_file import LabelFile
from sentistream.training.labelling.mouth_candidates import MouthCandidate, find_mouths, open_media
from sentistream.types import UInt8Array
from synthetic_clips import write_clip


def mouths(count: int, person: str = "") -> list[MouthCandidate]:
    gaps = [0.2, 0.05, 0.0]
    return [
        MouthCandidate(
            f"clip.mp4@{number}",
            person,
            gaps[number % 3],
            np.full((28, 28, 3), number, np.uint8),
            np.full((224, 224, 3), 10 * number, np.uint8),
        )
        for number in range(count)
    ]


def labels(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["label"] for row in csv.DictReader(file)]


def test_decisions_are_saved_at_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    labels_file = LabelFile(path)
    labels_file.add(mouths(3, "anna"))
    assert [entry.proposal for entry in labels_file.entries] == ["open", "", "closed"]
    assert labels(path) == []
    labels_file.decide(0, "closed")
    assert labels(path) == ["closed"]
    labels_file.decide(2, "skip")
    again = LabelFile(path)
    assert [entry.decision for entry in again.entries] == ["closed", "", "skip"]
    again.decide(0, "")
    again.decide(1, "open")
    again.add(mouths(4))
    assert [entry.name for entry in again.entries] == [mouth.name for mouth in mouths(4)]
    items, _ = read_manifest(path, MOUTH_STATES)
    assert [(item.label, item.person) for item in items] == [(1, "anna")]
    with Image.open(items[0].path) as crop:
        assert (np.asarray(crop) == 1).all()
        assert crop.size == (28, 28)
    again.accept_proposals()
    assert labels(path) == ["open", "open", "open"]  # the skipped one stays skipped


@pytest.mark.parametrize(("number", "decision"), [(3, "open"), (-1, "open"), (0, "ajar")])
def test_invalid_decision_is_not_written(tmp_path: Path, number: int, decision: str) -> None:
    labels_file = LabelFile(tmp_path / "m.csv")
    labels_file.add(mouths(3))
    with pytest.raises(ValueError, match="cannot be"):
        labels_file.decide(number, decision)
    assert labels(tmp_path / "m.csv") == []


def test_unwritable_decision_is_not_taken(tmp_path: Path) -> None:
    labels_file = LabelFile(tmp_path / "m.csv")
    labels_file.add(mouths(1))
    with full_disk(), pytest.raises(OutputError, match=r"m\.csv cannot be written"):
        labels_file.decide(0, "open")
    assert labels_file.entries[0].decision == ""
    assert [entry.decision for entry in LabelFile(tmp_path / "m.csv").entries] == [""]


def test_foreign_file_is_not_taken_for_a_label_file(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "candidates.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="cannot be read"):
        LabelFile(tmp_path / "m.csv")


def test_mouths_of_clips_and_images_are_found(tmp_path: Path, portrait: UInt8Array) -> None:
    Image.fromarray(portrait).save(tmp_path / "photo.png")
    Image.fromarray(portrait[60:180, 165:285]).save(tmp_path / "face.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    small = np.ascontiguousarray(portrait[30:230, 110:350])
    write_clip(tmp_path / "clip.mp4", [(index / 25, small) for index in range(30)])
    (tmp_path / "broken.mp4").write_bytes(b"no clip")
    problems: list[str] = []
    found = list(find_mouths(open_media(tmp_path), 0.5, on_problem=problems.append))
    assert [mouth.name for mouth in found] == [
        "face.png",
        "photo.png",
        "clip.mp4@0.00",
        "clip.mp4@0.50",
        "clip.mp4@1.00",
    ]
    assert len(problems) == 2
    # she smiles, showing her teeth
    assert all(0 <= mouth.gap < 0.3 for mouth in found)
    teeth = found[1].crop[8:20, 8:20].astype(int)
    assert teeth.max() > 150


def test_proposals_alone_make_a_manifest(tmp_path: Path, portrait: UInt8Array) -> None:
    Image.fromarray(portrait).save(tmp_path / "photo.png")
    out = tmp_path / "labels" / "m.csv"
    out.parent.mkdir()
    arguments = ["data", "label-mouths", str(tmp_path / "photo.png"), "--out", str(out)]
    result = CliRunner().invoke(main, [*arguments, "--propose-only"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "0 skipped" in result.output
    Image.fromarray(np.zeros((300, 300, 3), np.uint8)).save(tmp_path / "dark.png")
    nothing = CliRunner().invoke(
        main, ["data", "label-mouths", str(tmp_path / "dark.png"), "--out", str(tmp_path / "n.csv")]
    )
    assert nothing.exit_code == 2
    assert "No mouth was found" in nothing.stderr
