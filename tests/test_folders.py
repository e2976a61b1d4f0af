"""Links are followed once, and unreachable folders reported."""

from __future__ import annotations

from pathlib import Path

from sentistream.cli.inputs import find_clips
from sentistream.datasets.dataset import media_files
from sentistream.folders import files_below


def make_files(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_links_are_followed_and_cycles_end(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    make_files(root, "a.mp4", "day/b.mp4")
    make_files(other, "c.mp4", "deep/d.mp4")
    (root / "more").symlink_to(other)
    (root / "file.mp4").symlink_to(other / "c.mp4")
    (root / "day" / "up").symlink_to(root)
    (other / "deep" / "back").symlink_to(root / "day")
    (root / "again").symlink_to(root / "day")
    names = ["a.mp4", "day/b.mp4", "file.mp4", "more/c.mp4", "more/deep/d.mp4"]
    left_out: list[str] = []
    found = files_below(root, left_out.append)
    assert [str(path.relative_to(root)) for path in found] == names
    assert left_out == []
    assert media_files(root) == found
    clips, several = find_clips([str(root)])
    assert ([clip.path for clip in clips], several) == (found, True)


def test_link_to_a_folder_is_a_folder(tmp_path: Path) -> None:
    make_files(tmp_path, "real/a.mp4")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert files_below(tmp_path / "link") == [tmp_path / "link" / "a.mp4"]


def test_broken_links_are_reported(tmp_path: Path) -> None:
    make_files(tmp_path, "a.mp4")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "missing.mp4")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    left_out: list[str] = []
    clips, _ = find_clips([str(tmp_path)], left_out.append)
    assert len(clips) == 1
    assert len(left_out) == 2
    assert "gone.mp4 is a link that leads nowhere" in left_out[0]
