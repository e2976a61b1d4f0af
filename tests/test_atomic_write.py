"""A file is either complete or unchanged, whatever happens during the write."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from full_disk import full_disk
from sentistream.atomic_write import atomic_path, atomic_write


def test_text_and_bytes_replace_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic_write(path, "Süß\r\n")
    assert path.read_bytes() == b"S\xc3\xbc\xc3\x9f\r\n"
    atomic_write(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert list(tmp_path.iterdir()) == [path]


def test_new_file_follows_the_umask_and_a_private_one_is_private(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    atomic_write(tmp_path / "public", "")
    atomic_write(tmp_path / "private", "", private=True)
    usual, public, private = (
        stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "public", "private")
    )
    assert public == usual
    assert private == 0o600


@pytest.mark.parametrize("private", [False, True])
def test_permissions_and_links_are_kept(tmp_path: Path, private: bool) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.touch()
    path.chmod(0o640)
    link.symlink_to(path)
    atomic_write(link, "new", private=private)
    assert link.is_symlink()
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o640)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can change owners")
def test_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    os.chown(path, 65534, 65533)
    atomic_write(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65533)


def test_full_disk_leaves_the_old_file_only(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("before")
    with full_disk(), pytest.raises(OSError, match="No space left"):
        atomic_write(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_interruption_leaves_the_old_file_only(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(KeyboardInterrupt), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_write(tmp_path / "gone" / "a", "")


def test_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)
    atomic_write(path, "x")
    assert path.read_text() == "x"


def test_sigkill_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("before")
    script = """
        import os, signal, sys
        from pathlib import Path
        from sentistream.atomic_write import atomic_path
        with atomic_path(Path(sys.argv[1])) as temporary:
            temporary.write_text("after")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], check=False)  # noqa: S603 - our own
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "before"
