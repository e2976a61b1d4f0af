"""From raw data to a shipped network: all data made here, every step the real one."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from PIL import Image

from clips import write_clip

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.cli import main
from sentistream.datasets.recordings import java_sed, ravdess
from sentistream.datasets.splits import HELD_OUT_PEOPLE
from sentistream.errors import DataError
from sentistream.runtime import load_network
from sentistream.training.paper import Preparation
from sentistream.types import FloatArray, UInt8Array


def voice(seconds: float, pitch: float, rate: int = 48_000) -> FloatArray:
    """A buzz with silence about it."""
    time = np.arange(round(seconds * rate)) / rate
    buzz = 0.2 * np.sign(np.sin(2 * np.pi * pitch * time))
    return np.where(np.abs(time - seconds / 2) < seconds / 3, buzz, 0).astype(np.float32)


def write_wave(path: Path, sound: FloatArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((sound * 32_767).astype("<i2").tobytes())


def as_png(pixels: UInt8Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def write_images(path: Path, pixels: UInt8Array, labels: list[str]) -> None:
    image = as_png(pixels)
    rows = [
        {
            "image": image,
            "label": label,
            "source": "made",
            "split": split,
            "person": f"{split}-{label}",
            "name": f"{label}.png",
        }
        for split in ("train", "validation")
        for label in labels
        for _ in range(16)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> Path:
    folder = tmp_path_factory.mktemp("data")
    face = portrait[60:180, 165:285]
    write_images(folder / "faces.parquet", face, ["positive", "neutral", "negative"])
    write_images(folder / "mouths.parquet", face[80:110, 40:90], ["open", "closed"])
    for actor in ("01", "03"):
        for emotion, pitch in (("02", 120), ("03", 220), ("04", 160), ("08", 300)):
            name = f"03-01-{emotion}-01-01-01-{actor}.wav"
            write_wave(folder / "ravdess_speech" / f"Actor_{actor}" / name, voice(1, pitch))
    (folder / "javased").mkdir()
    small = np.ascontiguousarray(portrait[30:230:1, 110:350:1])
    for speaker in ("01", "03"):
        for emotion in ("01", "02", "03", "04"):
            write_clip(
                folder / "javased" / f"{speaker}-01-{emotion}_01.mp4",
                [(index / 25, small) for index in range(15)],
                (voice(0.6, 150) / 4).astype(np.float32),
            )
    return folder


def test_names_of_recordings_are_decoded(data: Path) -> None:
    recordings = ravdess(data)
    assert len(recordings) == 8
    assert recordings[1].person == "ravdess-01"
    assert [entry.emotion for entry in recordings[:4]] == ["calm", "happy", "sad", "surprised"]
    assert [entry.sentiment for entry in recordings[:4]] == [
        "neutral",
        "positive",
        "negative",
        None,
    ]
    clips = java_sed(data)
    assert [entry.emotion for entry in clips[:4]] == ["neutral", "sad", "happy", "surprised"]
    assert {entry.person for entry in clips} == {"java-sed-01", "java-sed-03"}


def test_the_known_duplicate_of_ravdess_is_left_out(tmp_path: Path) -> None:
    for repetition in ("01", "02"):
        (tmp_path / f"03-01-03-01-02-{repetition}-07.flac").touch()
    assert [entry.path.stem for entry in ravdess(tmp_path)] == ["03-01-03-01-02-02-07"]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no RAVDESS recordings below"):
        ravdess(tmp_path)
    with pytest.raises(DataError, match="no Java-SED recordings below"):
        java_sed(tmp_path)


def test_every_network_gets_examples_of_other_people_than_are_held_out(
    data: Path, tmp_path: Path
) -> None:
    preparation = Preparation(data, tmp_path)
    voices = preparation.voices()
    assert set(voices.train.people.tolist()) == {"ravdess-03"}
    assert set(voices.held_out.people.tolist()) == {"ravdess-01"}
    assert np.bincount(voices.train.labels).tolist() == [1_600] * 3
    faces = preparation.faces()
    assert set(faces.train.sources.tolist()) == {"made", "java-sed"}
    for sides in (voices, faces, preparation.pairs()):
        learned = {name for entry in sides.train.people.tolist() for name in entry.split("+")}
        assert not learned & HELD_OUT_PEOPLE
    pairs = preparation.pairs().train
    assert list(pairs.inputs) == ["face", "spectrogram"]
    real = pairs.sources == "java-sed"
    assert real.sum() == 3 * 400
    # clips of surprise teach the mouth network only
    assert set(preparation.faces().train.labels[faces.train.sources == "java-sed"]) == {0, 1, 2}


def test_from_raw_data_to_a_network_that_runs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    arguments = ["train", "mouth", "--data", str(data), "--out", str(tmp_path), "--epochs", "1"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "mouth on made (people not trained on, n = 32)" in result.output
    (tmp_path / "models").rename(tmp_path / "paper")
    monkeypatch.setenv("SENTISTREAM_MODELS", str(tmp_path))
    network = load_network("paper/mouth")
    assert network.run(mouth=np.zeros((2, 28, 28, 3), np.uint8)).shape == (2, 1)
    card = json.loads((tmp_path / "paper" / "mouth.json").read_text())
    assert card["parameters"] == 1_252_571
    assert card["recipe"]["epochs"] == 1
    assert card["figures"][-1]["source"] == "made"
    assert card["multiply_adds"] == 7_301_500
    assert card["seed"] == 1
    assert card["commit"]
    assert all(row["uar_ci95"][0] <= row["uar"] <= row["uar_ci95"][1] for row in card["figures"])
    history = (tmp_path / "mouth" / "history.csv").read_text().splitlines()
    assert history[0].startswith("epoch,step,rate,seconds,train_loss,train_accuracy,held_out_loss")
    assert history[1].startswith("1,")


def test_missing_data_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["train", "visual", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 2
    assert "There are no Java-SED recordings below" in result.output
    assert "Traceback" not in result.output
