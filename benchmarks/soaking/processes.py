"""Processes of the monitor as listed in /proc: identity, memory and open files."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process.

    Attributes:
        number: Its PID.
        parent: Its parent's.
        memory: What belongs to the process itself, MiB.
        file_memory: Pages of files (programs, libraries, the database) that it maps, MiB.
        handles: Open file handles.
        threads: Its threads.
    """

    number: int
    parent: int
    memory: float
    file_memory: float
    handles: int
    threads: int


def family(root: int) -> list[Process]:
    """A process, first, and all its descendants; empty if it has exited."""
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # the name in brackets may hold spaces
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text("utf-8").rpartition(")")[2].split()[1]
                )
    found = {root} if root in parents else set()
    while True:
        more = {number for number, parent in parents.items() if parent in found} - found
        if not more:
            break
        found |= more
    # numbers wrap around: a descendant's may be below the root's
    order = sorted(found, key=lambda number: (number != root, number))
    return [process for number in order if (process := _read(number, parents[number]))]


def _read(number: int, parent: int) -> Process | None:
    folder = _PROC / str(number)
    try:
        memory, file_memory = memory_of((folder / "smaps_rollup").read_text("utf-8"))
        handles = len(list((folder / "fd").iterdir()))
        threads = len(list((folder / "task").iterdir()))
    except (OSError, KeyError):
        return None
    return Process(number, parent, memory, file_memory, handles, threads)


def memory_of(rollup: str) -> tuple[float, float]:
    """A process's own memory, and that of the files it maps, MiB.

    A page that several processes use counts in parts (PSS). Other programs map the same library
    files, so their part grows when one of those ends; anonymous and shared memory, swapped out or
    not, is used by the monitor's processes alone.

    Args:
        rollup: Content of /proc/PID/smaps_rollup; see proc_pid_smaps(5).

    Raises:
        KeyError: A field is missing, as where the process has just ended.
    """
    lines = (line.split() for line in rollup.splitlines())
    kib = {words[0]: int(words[1]) for words in lines if words[-1] == "kB"}
    own = kib["Pss_Anon:"] + kib["Pss_Shmem:"] + kib["SwapPss:"]
    return own / 1024, kib["Pss_File:"] / 1024


def server(root: int) -> int:
    """The process that serves: the root's child if the root only supervises it."""
    for process in family(root):
        command = (_PROC / str(process.number) / "cmdline").read_bytes().split(b"\0")
        if process.parent == root and b"--no-guard" in command:
            return process.number
    return root


def workers(root: int) -> list[Process]:
    """The processes that decode and analyze: those without children and with several threads."""
    everyone = family(root)
    parents = {process.parent for process in everyone}
    serving = {root, server(root)}
    return [
        process
        for process in everyone
        if process.number not in parents | serving and process.threads > 2
    ]


def holds(process: Process, file: Path) -> bool:
    """Whether the process has that file open."""
    with contextlib.suppress(OSError):
        return any(
            handle.readlink() == file for handle in (_PROC / str(process.number) / "fd").iterdir()
        )
    return False
