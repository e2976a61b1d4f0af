"""Data set formats are recognized and decoded, and wrong names reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_datasets import encoded, scene, tone, write_image, write_parquet, write_sound

from sentistream.datasets.formats import detect_format, open_dataset
from sentistream.datasets.images import read_images
from sentistream.errors import DataError, MissingExtraError

PICTURE = scene(1, 24)


def test_ravdess_names_are_decoded_and_faults_reported(tmp_path: Path) -> None:
    write_sound(tmp_path / "Actor_02" / "03-01-08-02-01-02-02.wav", tone(0.3, 200))
    write_sound(tmp_path / "Actor_07" / "03-01-03-01-02-01-07.wav", tone(0.3, 210))
    write_sound(tmp_path / "Actor_07" / "03-01-03-01-02-02-07.wav", tone(0.3, 210))
    for wrong in ("03-01-01-02-01-01-01", "03-01-09-01-01-01-01", "03-01-03-01-01-01-25", "notes"):
        write_sound(tmp_path / f"{wrong}.wav", tone(0.1, 220))
    (tmp_path / "Actor_02" / "03-01-04-01-01-01-02.wav").touch()
    (tmp_path / ".hidden.wav").touch()
    dataset = open_dataset(tmp_path)
    assert dataset.kind == "ravdess"
    first, second = dataset.samples
    assert (first.label, first.person, first.medium) == ("surprised", "ravdess-02", "sound")
    assert first.sentiment == ""
    assert first.details["sex"] == "female"
    assert first.details["intensity"] == "strong"
    assert first.name == "Actor_02/03-01-08-02-01-02-02.wav"
    assert (second.sentiment, second.details["repetition"]) == ("positive", "02")
    kinds = sorted((fault.kind, fault.name) for fault in dataset.faults)
    assert [kind for kind, _ in kinds] == ["duplicate", "empty", *["misnamed"] * 4]
    assert kinds[0][1] == "Actor_07/03-01-03-01-02-01-07.wav"


def test_crema_d_actors_and_git_lfs_pointers_are_recognized(tmp_path: Path) -> None:
    (tmp_path / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
    )
    write_sound(tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav", tone(0.2, 200))
    write_sound(tmp_path / "AudioWAV" / "1002_IEO_FEA_HI.wav", tone(0.2, 230))
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    (tmp_path / "VideoFlash").mkdir()
    (tmp_path / "VideoFlash" / "1001_DFA_ANG_XX.flv").write_text(pointer)
    dataset = open_dataset(tmp_path)
    assert dataset.kind == "crema-d"
    angry, fearful = dataset.samples
    assert (angry.person, angry.sentiment, angry.details["age"]) == (
        "crema-d-1001",
        "negative",
        "51",
    )
    assert (fearful.emotion, fearful.details["intensity"]) == ("fearful", "high")
    assert "age" not in fearful.details
    assert [fault.kind for fault in dataset.faults] == ["pointer"]


def test_java_sed_clips_and_extra_takes_are_recognized(tmp_path: Path) -> None:
    write_sound(tmp_path / "voice" / "06-02-06_03.wav", tone(0.2, 200))
    write_sound(tmp_path / "clips" / "01-01-04_01.wav", tone(0.2, 201))
    dataset = open_dataset(tmp_path)
    assert dataset.kind == "java-sed"
    assert [sample.label for sample in dataset.samples] == ["surprised", "angry"]
    assert [sample.person for sample in dataset.samples] == ["java-sed-01", "java-sed-06"]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("happy/1.png", "anger/2.png"), {""}),
        (("train/Happiness/1.png", "validation/sad/2.png"), {"train", "validation"}),
        (("open/train/1.png", "closed/test/2.png"), {"train", "test"}),
    ],
)
def test_image_folders_with_and_without_splits(
    tmp_path: Path, names: tuple[str, ...], splits: set[str]
) -> None:
    for name in names:
        write_image(tmp_path / name, PICTURE)
    write_image(tmp_path / "whatever" / "3.png", PICTURE)
    dataset = open_dataset(tmp_path)
    assert dataset.kind == "image-folder"
    assert {sample.split for sample in dataset.samples} == splits
    assert all(sample.known for sample in dataset.samples)
    assert [fault.kind for fault in dataset.faults] == ["unknown label"]
    assert [content[:4] for _, content in dataset.images()] == [b"\x89PNG"] * 2


def test_parquet_needs_only_images_and_labels(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"image": {"bytes": encoded(PICTURE), "path": None}, "label": "happy"},
        {"image": {"bytes": encoded(scene(2, 24)), "path": None}, "label": "sad"},
    ]
    dataset = open_dataset(write_parquet(tmp_path / "set.parquet", rows))
    assert [sample.name for sample in dataset.samples] == ["set/happy/0", "set/sad/1"]
    assert [content for _, content in dataset.images()] == [
        encoded(PICTURE),
        encoded(scene(2, 24)),
    ]
    write_parquet(tmp_path / "other.parquet", [{"picture": b"", "label": "happy"}])
    with pytest.raises(DataError, match=r"has the columns .*picture"):
        open_dataset(tmp_path / "other.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"broken\.parquet cannot be read"):
        open_dataset(tmp_path / "broken.parquet")


def test_manifest_lists_files_in_any_folder(tmp_path: Path) -> None:
    write_sound(tmp_path / "sounds" / "a.wav", tone(0.2, 200))
    write_image(tmp_path / "b.png", PICTURE)
    manifest = tmp_path / "mine.csv"
    manifest.write_text(
        "path,label,person,split\nsounds/a.wav,joy,anna,train\nb.png,odd,,\n"
        "gone.png,happy,,\nb.png,happy,,\nnotes.txt,happy,,\n"
    )
    dataset = open_dataset(manifest)
    assert dataset.kind == "manifest"
    assert [(s.name, s.emotion, s.person, s.split) for s in dataset.samples] == [
        ("sounds/a.wav", "happy", "anna", "train"),
        ("b.png", "", "", ""),
    ]
    assert [fault.kind for fault in dataset.faults] == [
        "unknown label",
        "unreadable",
        "duplicate",
        "unreadable",
    ]


def test_unrecognized_data_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be told"):
        detect_format(tmp_path)
    (tmp_path / "set.csv").write_text("path,label\nx.png,happy\n")
    with pytest.raises(DataError, match=r"Name one of its files: set\.csv"):
        detect_format(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="neither a Parquet image set nor a manifest"):
        open_dataset(tmp_path / "notes.txt")
    with pytest.raises(DataError, match=r"There is no .*nowhere"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is a folder, which parquet is not"):
        open_dataset(tmp_path, "parquet")
    with pytest.raises(DataError, match="holds nothing usable of the kind ravdess"):
        open_dataset(tmp_path, "ravdess")


def test_real_data_sets_are_recognized(real_data: Path) -> None:
    kinds = {
        "javased": "java-sed",
        "ravdess_speech": "ravdess",
        "faces.parquet": "parquet",
    }
    for name, kind in kinds.items():
        assert detect_format(real_data / name) == kind
    voices = open_dataset(real_data / "ravdess_speech")
    assert len(voices.samples) == 719
    assert len({sample.person for sample in voices.samples}) == 20
    assert [fault.kind for fault in voices.faults] == ["duplicate"]
    java = open_dataset(real_data / "javased")
    assert sorted({sample.medium for sample in java.samples}) == ["sound", "video"]
    assert len(java.samples) == 336


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = write_parquet(tmp_path / "set.parquet", [{"image": encoded(scene(1)), "label": "happy"}])
    dataset = open_dataset(path)
    request.getfixturevalue("without_pyarrow")
    for read in (
        lambda: open_dataset(path),
        lambda: list(dataset.images()),
        lambda: list(read_images(path)),
    ):
        with pytest.raises(MissingExtraError, match=r"pip install 'sentistream\[parquet\]'"):
            read()
