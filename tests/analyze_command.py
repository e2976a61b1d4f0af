"""Run ``sentistream analyze`` on several clips in a separate process, as a shell would."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from synthetic_clips import clicks, flat, write_clip


def clip(path: Path, seconds: float = 0.4, level: int = 60) -> Path:
    """A grey video without a face, with clicks."""
    pictures = [(index / 25, flat(level, 160, 120)) for index in range(round(seconds * 25))]
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_clip(path, pictures, clicks(seconds, 48_000))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def statuses(path: Path) -> list[tuple[str, str]]:
    """File name and status of each row."""
    return [(Path(row["clip"]).name, row["status"]) for row in rows_of(path)]


def start(*arguments: str | Path, script: Path | None = None) -> subprocess.Popen[str]:
    """Start the command, or a script in its place, in its own process group."""
    program = ["-m", "sentistream"] if script is None else [str(script)]
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *program, "analyze", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
        # a shell's background jobs ignore Ctrl-C, and so would their children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run(*arguments: str | Path, script: Path | None = None) -> tuple[int, str, str]:
    """Exit code and output."""
    process = start(*arguments, script=script)
    stdout, stderr = process.communicate(timeout=240)
    return process.returncode, stdout, stderr


def altered(path: Path, patch: str) -> Path:
    """The command with a patch that also applies in its workers, which re-run its main module."""
    path.write_text(
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from sentistream import api\n"
        "real = api.open_source\n"
        f"{patch}\n"
        "api.open_source = opens\n"
        "if __name__ == '__main__':\n"
        "    from sentistream.cli import main\n"
        "    main()\n"
    )
    return path


def wait_for(
    holds: Callable[[], bool],
    process: subprocess.Popen[str] | None = None,
    *,
    patience: float = 180.0,
) -> None:
    """Wait until something holds; fail with the output of ``process`` if it ends before that.

    After ``patience`` seconds the process is killed, and its output so far is shown.
    """
    deadline = time.monotonic() + patience
    while not holds():
        late = time.monotonic() >= deadline
        if process is not None and (late or process.poll() is not None):
            process.kill()
            raise AssertionError(process.communicate())
        assert not late
        time.sleep(0.02)
