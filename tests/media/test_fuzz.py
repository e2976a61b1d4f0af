"""Corrupted clips give moments or an InputError, with bounded time and memory."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import fuzzing
import pytest

from sentistream.errors import InputError

SCRIPT = Path(fuzzing.__file__)
CORPUS = SCRIPT.parent / "corpus"
"""Corrupted clips of earlier findings; names begin with the way of reading."""
SECONDS = 5.0
"""Time limit, seconds; a faster machine tests more clips."""


HARM = """
import faulthandler, os, sys, time
sys.path.insert(0, sys.argv[1])
import fuzzing

def opened(*_):
    faulthandler.disable()
    exec(sys.argv[2])

fuzzing.opened = opened
fuzzing.SECONDS = 1 if "sleep" in sys.argv[2] else fuzzing.SECONDS
fuzzing.GRACE = 1
print(fuzzing.finding(b"", "clip.mp4", "file"))
"""
"""The script, with a harmful way of opening."""


def run(*output: object) -> str:
    """Python's output; run in a child, since forking beside this process's threads may hang."""
    result = subprocess.run(  # noqa: S603 - the list is ours
        [sys.executable, *map(str, output)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def fuzz(*output: object) -> str:
    return run(SCRIPT, *output)


def test_corrupted_clips_raise_only_input_errors() -> None:
    assert fuzz("--minutes", 1.5, "--count", 25) == "25 damaged clips, 0 findings\n"
    fuzz("--minutes", SECONDS / 60, "--count", 275, "--begin", 25)


def test_earlier_findings_stay_fixed() -> None:
    stored = sorted(CORPUS.iterdir())
    assert fuzz(*stored) == f"{len(stored)} damaged clips, 0 findings\n"


def test_intact_clips_are_read(tmp_path: Path) -> None:
    """Otherwise the corruptions above would have no effect."""
    read = 0
    for name, data in fuzzing.seeds().items():
        for mode in ("file", "stream"):
            try:
                with fuzzing.opened(data, tmp_path / name, mode) as source:
                    read += len(list(islice(source, 10))) == 10
            except InputError:
                assert mode == "stream" or name == "sound.wav", name
    assert read > 15


@pytest.mark.parametrize(
    ("harm", "output"),
    [
        ("raise KeyError('harm')", "KeyError"),
        ("bytearray(1 << 31)", "MemoryError"),
        ("os.kill(os.getpid(), 11)", "ended with -11"),
        ("time.sleep(30)", "took longer"),
        ("fuzzing.signal.alarm(0); time.sleep(30)", "took longer"),
    ],
)
def test_harmful_behavior_is_detected(harm: str, output: str) -> None:
    assert output in run("-c", HARM, SCRIPT.parent, harm)
