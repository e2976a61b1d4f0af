"""Archives are read like folders, and cannot write outside their own."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from synthetic_datasets import scene, tone, write_image, write_sound

from sentistream.datasets.archives import unpack
from sentistream.datasets.formats import open_dataset
from sentistream.errors import DataError, OutputError

NAMES = ("Actor_01/03-01-03-01-01-01-01.wav", "Actor_01/03-01-04-01-01-01-01.wav")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    for number, name in enumerate(NAMES):
        write_sound(folder / name, tone(0.2, 200 + number))
    (folder / "readme.txt").write_text("not media")
    return folder


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_archive_is_read_like_its_folder(sounds: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"all{suffix}"
    if suffix == ".zip":
        zipped(sounds, path)
    else:
        with tarfile.open(path, "w:gz" if suffix.endswith("gz") else "w") as archive:
            archive.add(sounds, "x")
    dataset = open_dataset(path, cache=tmp_path / "cache")
    assert dataset.kind == "ravdess"
    assert [Path(sample.name).name for sample in dataset.samples] == [
        Path(name).name for name in NAMES
    ]
    assert not list((tmp_path / "cache").rglob("readme.txt"))
    written = dataset.samples[0].path.stat().st_mtime_ns
    assert open_dataset(path, cache=tmp_path / "cache").samples == dataset.samples
    assert dataset.samples[0].path.stat().st_mtime_ns == written


def test_changed_archive_is_unpacked_again(sounds: Path, tmp_path: Path) -> None:
    path = zipped(sounds, tmp_path / "all.zip")
    assert len(open_dataset(path).samples) == 2
    write_sound(sounds / "Actor_02" / "03-01-03-01-01-01-02.wav", tone(0.2, 300))
    zipped(sounds, path)
    assert len(open_dataset(path).samples) == 3
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "all.zip",
        "all.zip.unpacked",
        "sounds",
    ]


def test_folder_of_archives_is_one_data_set(sounds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "downloaded"
    folder.mkdir()
    for name in NAMES:
        with zipfile.ZipFile(folder / f"{Path(name).stem}.zip", "w") as archive:
            archive.write(sounds / name, name)
    assert len(open_dataset(folder).samples) == 2
    assert len(open_dataset(folder).samples) == 2


def test_members_outside_the_folder_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "evil.tar"
    good = write_image(tmp_path / "good.png", scene(1)).read_bytes()
    with tarfile.open(path, "w") as archive:
        for name in ("happy/1.png", "../happy/out.png", "/happy/root.png", "happy/../../x.png"):
            member = tarfile.TarInfo(name)
            member.size = len(good)
            archive.addfile(member, io.BytesIO(good))
        link = tarfile.TarInfo("happy/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    dataset = open_dataset(path)
    assert [sample.name for sample in dataset.samples] == ["happy/1.png"]
    assert {(fault.kind, fault.name) for fault in dataset.faults} == {
        ("unsafe", name)
        for name in ("../happy/out.png", "/happy/root.png", "happy/../../x.png", "happy/link.png")
    }
    assert not (tmp_path / "happy").exists()
    assert not (tmp_path / "x.png").exists()


def test_damaged_member_does_not_affect_others(sounds: Path, tmp_path: Path) -> None:
    path = zipped(sounds, tmp_path / "all.zip")
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF  # inside the first member's sound
    path.write_bytes(content)
    dataset = open_dataset(path)
    assert [sample.name for sample in dataset.samples] == [NAMES[1]]
    assert [fault.name for fault in dataset.faults] == [NAMES[0]]
    assert "Bad CRC-32" in dataset.faults[0].note


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more"])
def test_invalid_archive_is_a_one_sentence_error(tmp_path: Path, content: bytes) -> None:
    for name in ("x.zip", "x.tar.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            open_dataset(tmp_path / name)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["x.tar.gz", "x.zip"]


def test_insufficient_disk_space_is_reported_before_writing(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(sounds, tmp_path / "all.zip")
    monkeypatch.setattr(
        "sentistream.datasets.archives.shutil.disk_usage",
        lambda _: type("Usage", (), {"free": 1_000})(),
    )
    with pytest.raises(OutputError, match=r"GB are free .*--cache"):
        unpack(path)
    assert not list(tmp_path.glob("*unpacked*"))
