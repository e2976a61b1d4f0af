"""From raw data to a trained network: synthetic data, every real step."""

from __future__ import annotations

import io
import json
import re
import shutil
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from PIL import Image

from synthetic_clips import write_clip

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.api import analyze
from sentistream.cli import main
from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.recordings import java_sed, ravdess
from sentistream.errors import DataError
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE
from sentistream.runtime import load_card, load_network
from sentistream.runtime.model_store import models_folder
from sentistream.training import detector_examples, landmark_examples
from sentistream.training.face_task import VisualTask
from sentistream.training.fusion_task import FusedTask
from sentistream.training.mouth_task import paper_mouth_images
from sentistream.training.preparation import Preparation
from sentistream.training.teachers import MIRRORED_POINTS, Mesh
from sentistream.training.voice_examples import paper_voice_windows
from sentistream.training.voice_task import AudioTask, VoiceSpectrumTask, VoiceTask
from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_detector import make_detector
from sentistream.vision.landmarker import make_landmarker, predict_single

EMOTIONS = {"positive": "happy", "neutral": "neutral", "negative": "sad"}


def voice(seconds: float, pitch: float, rate: int = 48_000) -> FloatArray:
    """A buzz between silences."""
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
    # held-out images look unlike those of training, or they would be near-duplicates
    images = {"train": as_png(pixels), "validation": as_png(255 - pixels)}
    rows = [
        {
            "image": images[split],
            "label": label,
            "source": "made",
            "split": split,
            "person": f"{split}-{label}",
            "name": f"{label}.png",
            "emotion": EMOTIONS.get(label, ""),
        }
        for split in ("train", "validation")
        for label in labels
        for _ in range(16)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def write_boxes(path: Path, portrait: UInt8Array) -> None:
    """Pictures with a face, a face alone, and none, for both splits."""
    blocks = np.random.default_rng(2).integers(40, 200, (12, 16, 3), np.uint8)
    pictures = {
        "few": (portrait, [[172.0, 50.0, 280.0, 185.0]], "human"),
        "FairFace": (portrait[30:210, 140:310], [], "pseudo"),
        "none": (np.kron(blocks, np.ones((30, 30, 1), np.uint8)), [], "none"),
    }
    rows = [
        {
            # held-out pictures are no copies of training ones
            "image": as_png(np.ascontiguousarray(pixels if split == "train" else pixels[:, ::-1])),
            "boxes": boxes,
            "source": f"{source} {split}",
            "box_kind": kind,
            "split": split,
        }
        for split in ("train", "validation")
        for source, (pixels, boxes, kind) in pictures.items()
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def as_the_teacher(pixels: UInt8Array, threshold: float) -> FloatArray:
    """The shipped detector's faces in the form of CenterFace's."""
    found = make_detector(LITE).detect(RgbPicture(pixels).luma, threshold=max(0.5, threshold))
    rows = [
        (one.score, *(one.box.left, one.box.top, one.box.right, one.box.bottom), *one.points.flat)
        for one in found[:1]
        if one.points is not None
    ]
    return np.array(rows, np.float32).reshape(-1, 15)


def as_the_mesh(luma: UInt8Array, square: Alignment) -> Mesh | None:
    """The shipped network's points, with hemispherical depth, in the form of the face mesh's."""
    landmarker = make_landmarker(LITE.landmark_model)
    placed = predict_single(landmarker, luma, replace(square, side=square.side / 1.5))
    if not placed.is_face:
        return None
    around = placed.points - placed.points.mean(axis=0)
    size = np.ptp(placed.points[:, 0])
    depth = -np.sqrt(np.clip(size**2 - (around**2).sum(axis=1), 0, None))
    points = np.column_stack([placed.points, depth]).astype(np.float32)
    points[:, 2] = (points[:, 2] + points[MIRRORED_POINTS, 2]) / 2
    return Mesh(points, points, 0.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> Path:
    folder = tmp_path_factory.mktemp("data")
    face = portrait[60:180, 165:285]
    write_images(folder / "faces.parquet", face, ["positive", "neutral", "negative"])
    write_images(folder / "mouths.parquet", face[80:110, 40:90], ["open", "closed"])
    write_boxes(folder / "face_boxes.parquet", portrait)
    for actor in ("01", "03"):
        for emotion, pitch in (("02", 120), ("03", 220), ("04", 160), ("08", 300)):
            name = f"03-01-{emotion}-01-01-01-{actor}.wav"
            sound = voice(1, pitch + int(actor))
            write_wave(folder / "ravdess_speech" / f"Actor_{actor}" / name, sound)
    (folder / "javased").mkdir()
    small = np.ascontiguousarray(portrait[30:230:1, 110:350:1])
    for speaker in ("01", "03"):
        for emotion in ("01", "02", "03", "04"):
            write_clip(
                folder / "javased" / f"{speaker}-01-{emotion}_01.mp4",
                [(index / 25, small if speaker == "01" else small[:, ::-1]) for index in range(15)],
                (voice(0.6, 150 + 30 * int(speaker)) / 4).astype(np.float32),
            )
    return folder


def test_recording_names_are_decoded(data: Path) -> None:
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


def test_known_duplicate_of_ravdess_is_excluded(tmp_path: Path) -> None:
    for repetition in ("01", "02"):
        (tmp_path / f"03-01-03-01-02-{repetition}-07.flac").touch()
    assert [entry.path.stem for entry in ravdess(tmp_path)] == ["03-01-03-01-02-02-07"]


def test_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no RAVDESS recordings below"):
        ravdess(tmp_path)
    with pytest.raises(DataError, match="no Java-SED recordings below"):
        java_sed(tmp_path)


def test_examples_and_held_out_set_have_different_people(data: Path, tmp_path: Path) -> None:
    preparation = Preparation(data, tmp_path)
    voices = AudioTask().prepare(preparation, tmp_path)
    assert set(voices.train.people.tolist()) == {"ravdess-03"}
    assert set(voices.held_out.people.tolist()) == {"ravdess-01"}
    assert np.bincount(voices.train.labels).tolist() == [1_600] * 3
    faces = VisualTask().prepare(preparation, tmp_path)
    assert set(faces.train.sources.tolist()) == {"made", "java-sed"}
    both = FusedTask().prepare(preparation, tmp_path)
    for splits in (voices, faces, both):
        learned = {name for entry in splits.train.people.tolist() for name in entry.split("+")}
        assert not learned & HELD_OUT_PEOPLE
    pairs = both.train
    assert list(pairs.inputs) == ["face", "spectrogram"]
    real = pairs.sources == "java-sed"
    assert real.sum() == 3 * 400
    # clips of surprise teach the mouth network only
    assert set(faces.train.labels[faces.train.sources == "java-sed"]) == {0, 1, 2}


def test_only_changed_data_is_prepared_again(data: Path, tmp_path: Path) -> None:
    copy, out = tmp_path / "data", tmp_path / "prepared"
    shutil.copytree(data / "ravdess_speech", copy / "ravdess_speech")
    worked: list[str] = []
    preparation = Preparation(copy, out, worked.append)
    first = paper_voice_windows(preparation)
    assert len(worked) == 6  # two splits of three recordings with one of the sentiments
    assert paper_voice_windows(Preparation(copy, out, worked.append)).train.labels.tolist() == (
        first.train.labels.tolist()
    )
    assert len(worked) == 6
    added = copy / "ravdess_speech" / "Actor_03" / "03-01-05-01-01-01-03.wav"
    write_wave(added, voice(1, 333))
    again = paper_voice_windows(Preparation(copy, out, worked.append))
    assert len(again.train) == len(first.train) + 20
    assert len(worked) == 6 + 4  # only the changed split
    assert sorted(path.name.rsplit("-", 1)[0] for path in out.iterdir()) == [
        "voices-held-out",
        "voices-train",
    ]


def test_command_prepares_available_data_in_processes(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data / "ravdess_speech", copy / "ravdess_speech")
    shutil.copy(data / "mouths.parquet", copy)
    arguments = ["data", "prepare", str(copy), "--out", str(tmp_path), "--jobs", "2"]
    run = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert run.exit_code == 0, run.output
    assert "mouths: 32 of 2 people to learn from, 32 of 2 people held out" in run.output
    assert "voices: 60 of 1 people to learn from, 60 of 1 people held out" in run.output
    assert "faces: left out, there is no" in run.output
    alone = paper_voice_windows(Preparation(copy, tmp_path / "alone"))
    worked: list[str] = []
    together = paper_voice_windows(Preparation(copy, tmp_path / "prepared", worked.append))
    assert worked == []
    same = alone.train.inputs["spectrogram"] == together.train.inputs["spectrogram"]
    assert same.all()
    (tmp_path / "nothing").mkdir()
    refused = CliRunner().invoke(main, ["data", "prepare", str(tmp_path / "nothing")])
    assert refused.exit_code == 2
    assert "holds none of the data" in refused.stderr


def test_bad_file_does_not_end_the_preparation(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data / "ravdess_speech", copy / "ravdess_speech")
    shutil.copytree(data / "javased", copy / "javased")
    bad_voice = copy / "ravdess_speech" / "Actor_01" / "03-01-05-01-01-01-01.wav"
    bad_voice.write_bytes(b"RIFF, but no more")
    bad_clip = copy / "javased" / "01-01-02_02.mp4"
    bad_clip.write_bytes((copy / "javased" / "01-01-02_01.mp4").read_bytes()[:100])
    table = pyarrow.parquet.read_table(data / "mouths.parquet").to_pylist()
    table[3] = {**table[3], "image": table[3]["image"][:200], "name": "cut short.png"}
    table[5] = {**table[5], "image": None, "name": "nothing.png"}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), copy / "mouths.parquet")
    arguments = ["data", "prepare", str(copy), "--out", str(tmp_path), "--jobs", "1"]
    for _ in range(2):  # the cache states what it lacks
        run = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert run.exit_code == 2
        assert "mouths: 30 of 2 people to learn from, 32 of 2 people held out" in run.output
        assert "voices: 60 of 1 people to learn from, 60 of 1 people held out" in run.output
        assert re.search(r"clips: [1-9][0-9]* moments to learn from, [1-9]", run.output)
        messages = [line for line in run.stderr.splitlines() if line.startswith("left out: ")]
        named = ("cut short.png", "nothing.png", bad_voice.name, bad_clip.name)
        assert [sum(name in line for line in messages) for name in named] == [1, 1, 1, 1]
        assert "4 could not be read and are left out." in run.stderr


def test_training_images_similar_to_held_out_ones_are_excluded(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    rows = []
    for number in range(8):
        coarse = generator.integers(0, 256, (5, 5, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((40, 40), Image.Resampling.BICUBIC)
        for split in ("train", "validation") if number in (2, 5) else ("train",):
            shrunk = picture if split == "train" else picture.resize((30, 30))
            image = as_png(np.asarray(shrunk))
            rows.append({"image": image, "label": "open", "split": split, "source": "made"})
    rows = [{**row, "person": "", "name": str(at)} for at, row in enumerate(rows)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "mouths.parquet")
    preparation = Preparation(tmp_path, tmp_path / "prepared")
    splits = paper_mouth_images(preparation)
    assert (len(splits.train), len(splits.held_out)) == (6, 2)
    found = preparation.near_duplicates("mouths")
    assert (found.groups, found.across, found.dropped.tolist()) == (2, 2, [2, 6])


def test_hand_labelled_mouths_join_the_set(tmp_path: Path) -> None:
    pictures = np.random.default_rng(7).integers(0, 256, (4, 28, 28, 3)).astype(np.uint8)
    people = ("anna", "java-sed-03", "java-sed-01", "")
    (tmp_path / "mouths").mkdir()
    lines = ["path,label,person"]
    for number, (pixels, person) in enumerate(zip(pictures, people, strict=True)):
        (tmp_path / "mouths" / f"{number}.png").write_bytes(as_png(pixels))
        lines.append(f"mouths/{number}.png,{'open' if number % 2 else 'closed'},{person}")
    (tmp_path / "mouths.csv").write_text("\n".join(lines))
    splits = paper_mouth_images(Preparation(tmp_path, tmp_path / "prepared"))
    assert splits.train.people.tolist() == ["mouths-anna", "java-sed-01", ""]
    assert splits.train.labels.tolist() == [0, 0, 1]
    # people held out everywhere are held out here
    assert splits.held_out.people.tolist() == ["java-sed-03"]
    (tmp_path / "mouths" / "0.png").write_bytes(as_png(255 - pictures[0]))
    again = paper_mouth_images(Preparation(tmp_path, tmp_path / "prepared"))
    assert (again.train.inputs["mouth"][0] == 255 - splits.train.inputs["mouth"][0]).all()


def test_raw_data_becomes_a_working_network(
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


@pytest.mark.timeout(900)  # eleven networks are exported, ten seconds each on an idle core
def test_lite_profile_from_raw_data_to_readings(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(detector_examples, "centerface_faces", as_the_teacher)
    monkeypatch.setattr(detector_examples, "_COMPOSED", 20)
    monkeypatch.setattr(landmark_examples, "fit_mesh", as_the_mesh)
    arguments = ["train", "all", "--profile", "lite", "--data", str(data)]
    arguments += ["--out", str(tmp_path), "--epochs", "1"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (tmp_path / "models").rename(tmp_path / "lite")
    found = json.loads((tmp_path / "lite" / "detector.json").read_text())
    assert found["inputs"] == {"picture": [-1, -1, 1]}
    written = json.loads((tmp_path / "lite" / "landmarks.json").read_text())
    assert written["outputs"][:3] == ["face", "x1", "y1"]
    # one epoch is not enough to track a face
    for name in ("detector", "landmarks"):
        for file in (models_folder() / "lite").glob(f"{name}.*"):
            shutil.copy(file, tmp_path / "lite")
    monkeypatch.setenv("SENTISTREAM_MODELS", str(tmp_path))
    assert sum(load_card(name).parameters for name in set(LITE.models)) <= 900_000
    clip = data / "javased" / "03-01-03_01.mp4"
    with analyze(clip, profile=LITE) as analysis:
        readings = list(analysis)
    assert any(reading.momentary is not None for reading in readings)
    card = load_card("lite/voice")
    assert card.inputs == {"functionals": [79], "mean": [79], "spread": [79], "heard": [1]}
    assert load_card("lite/voice-spectrum").inputs == {"frames": [440, 112]}
    assert {row["source"] for row in card.figures} == {"ravdess", "java-sed"}
    assert load_card("lite/fusion").input_types == dict.fromkeys(
        ("face", "voice", "trust"), "float32"
    )


def test_voices_are_evaluated_by_networks_not_trained_on_their_corpus(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in (VoiceTask, VoiceSpectrumTask):
        monkeypatch.setattr(task, "recipe", replace(task.recipe, epochs=1))
    arguments = ["evaluate", "--task", "voices", "--protocol", "leave-one-corpus-out"]
    arguments += ["--retrain", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--data", str(data)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "results.json").read_text())
    assert {row["corpus"] for row in found["rows"]} == {"ravdess", "java-sed"}
    assert set(found["means"]) == {"first heard", "with history"}
    assert all(0 <= row["uar"] <= 1 for row in found["rows"])
    assert len((tmp_path / "table.csv").read_text().splitlines()) == len(found["rows"]) + 1
    for name in ("voice", "voice-spectrum"):
        assert (tmp_path / "runs" / f"{name}-without" / "ravdess").is_dir()
    unfit = CliRunner().invoke(main, arguments)
    assert unfit.exit_code == 2
    assert "--data FOLDER" in unfit.output
