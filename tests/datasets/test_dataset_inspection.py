"""Inspection reads whole files: lengths, faults, duplicates; and draws a sheet of thumbnails."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from synthetic_datasets import encoded, scene, tone, write_image, write_parquet, write_sound

from sentistream.cli import main
from sentistream.datasets.dataset_inspection import Inspection, inspect
from sentistream.datasets.formats import open_dataset
from synthetic_clips import flashing, write_clip


def inspected(path: Path) -> Inspection:
    return inspect(open_dataset(path), jobs=2)


def faults(found: Inspection) -> dict[str, str]:
    return {fault.name: fault.kind for fault in found.faults}


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    def name(emotion: int, actor: int, repetition: int = 1) -> Path:
        return tmp_path / f"03-01-{emotion:02}-01-01-{repetition:02}-{actor:02}.wav"

    write_sound(name(3, 1), tone(2, 200))
    write_sound(name(4, 1), tone(1, 300))
    write_sound(name(4, 2), tone(1, 300))  # the same sound as actor 1's
    whole = write_sound(name(5, 2), tone(2, 400)).read_bytes()
    name(5, 2).write_bytes(whole[: len(whole) // 2])
    name(5, 1).write_bytes(b"RIFF and noise" * 40)
    clip = write_clip(
        tmp_path / "01-01-03-01-01-01-01.mp4", flashing(1.2, [0.6]), tone(1.2, 500, 48_000)
    )
    cut = clip.read_bytes()
    (tmp_path / "01-01-04-01-01-01-01.mp4").write_bytes(cut[: len(cut) // 2])
    return tmp_path


def test_recordings_are_decoded_completely(recordings: Path) -> None:
    found = inspected(recordings)
    assert faults(found) == {
        "03-01-04-01-01-01-01.wav": "duplicate",
        "03-01-05-01-01-01-01.wav": "unreadable",
        "03-01-05-01-01-01-02.wav": "truncated",
        "01-01-04-01-01-01-01.mp4": "unreadable",
    }
    seconds = {
        sample.name: round(one.seconds, 1)
        for sample, one in zip(found.dataset.samples, found.examinations, strict=True)
    }
    assert seconds["03-01-03-01-01-01-01.wav"] == 2.0
    assert seconds["01-01-03-01-01-01-01.mp4"] == pytest.approx(1.2, abs=0.1)
    duplicate = next(fault for fault in found.faults if fault.kind == "duplicate")
    assert duplicate.others == ("03-01-04-01-01-01-02.wav",)


def test_duplicate_sound_in_another_file_is_found(tmp_path: Path) -> None:
    first = write_sound(tmp_path / "1001_DFA_ANG_XX.wav", tone(1, 300))
    content = bytearray(first.read_bytes())
    # another block at the end changes the file but not the sound
    content += b"LIST\x04\x00\x00\x00INFO"
    (tmp_path / "1002_DFA_ANG_XX.wav").write_bytes(content)
    found = inspected(tmp_path)
    assert [(fault.kind, fault.note) for fault in found.faults] == [
        ("duplicate", "The same sound.")
    ]


def test_images_are_decoded_and_compared(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for number in range(12):
        content = encoded(scene(number))
        split = "validation" if number > 8 else "train"
        rows.append({"image": content, "label": "happy", "split": split, "name": str(number)})
    rows.append({**rows[2], "name": "file again"})
    rows.append({**rows[3], "image": encoded(scene(3), "jpeg", 50), "split": "validation"})
    rows.append({**rows[4], "image": encoded(scene(99))[:300], "name": "cut"})
    rows.append({**rows[4], "image": b"no image", "name": "text"})
    rows.append({**rows[4], "image": None, "name": "nothing"})
    found = inspected(write_parquet(tmp_path / "faces.parquet", rows))
    assert sorted((fault.kind, fault.name.rsplit("/", 1)[1]) for fault in found.faults) == [
        ("duplicate", "2"),
        ("near-duplicate", "3"),
        ("truncated", "cut"),
        ("unreadable", "nothing"),
        ("unreadable", "text"),
    ]
    assert found.as_dict()["across_splits"] == {"near-duplicate": 1}
    assert len(found.pictures["happy"]) >= 11


def test_command_prints_and_writes_the_inspection(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for number, label in enumerate(("happy", "sad")):
            write_image(tmp_path / "set" / split / label / "1.png", scene(number + len(split)))
    out = tmp_path / "look"
    result = CliRunner().invoke(
        main, ["data", "inspect", str(tmp_path / "set"), "--out", str(out)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert "set (image-folder): 4 images" in result.output
    assert "labels: happy 2, sad 2" in result.output
    facts = json.loads((out / "inspect.json").read_text())
    assert facts["splits"] == {"test": {"happy": 1, "sad": 1}, "train": {"happy": 1, "sad": 1}}
    assert facts["samples"] == 4
    with Image.open(out / "contact-sheet.png") as sheet:
        colours = np.asarray(sheet.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 500


def test_wrong_path_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["data", "inspect", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: What data set")


def test_real_clips_have_no_faults(real_data: Path) -> None:
    found = inspect(open_dataset(real_data / "clips", "ravdess"))
    assert [round(one.seconds, 1) for one in found.examinations] == [3.3, 3.3]
    assert {fault.kind for fault in found.faults} == {"misnamed"}
    assert found.pictures["neutral"][0].mean() > 20
