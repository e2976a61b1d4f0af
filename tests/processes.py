"""Processes of this machine, as /proc lists them."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> set[int]:
    """The process's children."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return {int(child) for child in found.split()}


def is_running(pid: int) -> bool:
    """Whether a process exists and has not exited; a zombie has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
