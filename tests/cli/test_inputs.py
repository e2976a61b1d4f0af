from __future__ import annotations

import os
from pathlib import Path

import pytest

from sentistream.cli.inputs import find_clips
from sentistream.errors import InputError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def names(*inputs: str | Path) -> list[str]:
    return [clip.name.as_posix() for clip in find_clips([str(item) for item in inputs])[0]]


def test_folder_includes_videos_of_its_subfolders(tmp_path: Path) -> None:
    touch(
        tmp_path / "b.MP4",
        tmp_path / "a.mkv",
        tmp_path / "sub" / "a.mp4",
        tmp_path / "notes.txt",
        tmp_path / "._b.mp4",
        tmp_path / "done" / "annotated.mp4",
        tmp_path / "done" / "summary.json",
    )
    assert names(tmp_path) == ["a", "b", "sub/a"]
    assert find_clips([str(tmp_path)])[1] is True


def test_glob_is_expanded_unless_a_file_has_that_name(tmp_path: Path) -> None:
    touch(tmp_path / "a1.mp4", tmp_path / "a2.avi", tmp_path / "a[12].mp4")
    assert names(tmp_path / "a?.*") == ["a1", "a2"]
    assert names(tmp_path / "a[12].mp4") == ["a[12]"]


def test_every_clip_gets_a_unique_name(tmp_path: Path) -> None:
    files = [
        tmp_path / "x" / "a.mp4",
        tmp_path / "x" / "a.mkv",
        tmp_path / "y" / "a.mp4",
        tmp_path / "y" / "summary.csv.mp4",
    ]
    touch(*files)
    assert names(*files) == ["a.mp4", "a.mkv", "a.mp4-2", "summary.csv.mp4"]


def test_same_file_twice_is_one_clip(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    assert names(tmp_path / "a.mp4", tmp_path / "*.mp4") == ["a"]


def test_cameras_and_addresses_are_recognized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    clips, several = find_clips(["0"])
    assert (clips[0].source, str(clips[0]), several) == (0, "camera 0", False)
    clips, _ = find_clips(["rtsp://me:secret@10.0.0.7:554/door"])
    assert clips[0].source == "rtsp://me:secret@10.0.0.7:554/door"
    assert "secret" not in str(clips[0])
    assert clips[0].name == Path("10.0.0.7-554-door")
    touch(tmp_path / "0")
    assert find_clips(["0"])[0][0].source == Path("0")


@pytest.mark.parametrize("text", ["missing.mp4", "none/*.mp4", ""])
def test_input_that_matches_nothing_is_an_error(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        find_clips([text])


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\n.mp4"
    touch(path, tmp_path / os.fsdecode(b"\xff.mp4"))
    for clip in find_clips([str(tmp_path)])[0]:
        assert str(clip).isprintable()
        str(clip).encode()
