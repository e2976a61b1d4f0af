"""Damaged clips: moments or an InputError, never anything else, and in little time and memory."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import fuzzing
import pytest

from sentistream.errors import InputError

CORPUS = Path(__file__).parent / "corpus"
"""Damaged clips that once did harm; the way of reading stands before the name."""
SECONDS = 8.0
"""For as long this goes on at most; a machine that is faster does more."""
MOST = 300


def test_damaged_clips() -> None:
    deadline, done = time.monotonic() + SECONDS, 0
    for name, way, seed, data in islice(fuzzing.cases(MOST), MOST):
        if time.monotonic() > deadline:
            break
        words = fuzzing.finding(data, name, way)
        assert not words, f"{name} read as a {way}, damaged with seed {seed}: {words}"
        done += 1
    assert done > 20


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*-*")), ids=lambda path: path.name)
def test_what_once_did_harm(path: Path) -> None:
    way, _, name = path.name.partition("-")
    assert not fuzzing.finding(path.read_bytes(), name, way)


def test_whole_clips_are_read(tmp_path: Path) -> None:
    """So that the damages above have something to damage."""
    read = 0
    for name, data in fuzzing.seeds().items():
        for way in ("file", "stream"):
            try:
                with fuzzing.opened(data, tmp_path / name, way) as source:
                    read += len(list(islice(source, 10))) == 10
            except InputError:
                assert way == "stream" or name == "sound.wav", name
    assert read > 15


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("raise KeyError('harm')", "KeyError"),
        ("bytearray(1 << 31)", "MemoryError"),
        ("os.abort()", "ended with -6"),
        ("time.sleep(30)", "took longer"),
    ],
)
def test_harm_is_noticed(harm: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        exec(f"import os, time\n{harm}")  # noqa: S102

    monkeypatch.setattr(fuzzing, "opened", opened)
    monkeypatch.setattr(fuzzing, "SECONDS", 1)
    assert words in fuzzing.finding(b"", "clip.mp4", "file")
