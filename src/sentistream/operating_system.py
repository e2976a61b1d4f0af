"""What differs between Linux, macOS and Windows; no other module checks the operating system.

Each function here works on all three. Modules that one of them lacks (``fcntl``, ``resource``,
``msvcrt``) are imported where they are used, so that the package imports everywhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1
_POLL_INTERVAL = 0.5  # seconds between checks of the parent, where nothing signals its end
_SYNCHRONIZE, _INFINITE = 0x0010_0000, 0xFFFF_FFFF  # Windows' wait for a process

SOCKET_PATH_SIZE = {"linux": 108, "darwin": 104}
"""Bytes of a Unix socket's path, including the terminating zero (``sun_path`` in unix(7))."""

_SOCKET_NAME = 40
"""Bytes below a folder for sockets: ``/pymp-xxxxxxxx/listener-xxxxxxxx`` and a margin."""

BINARY = getattr(os, "O_BINARY", 0)
"""Flag for ``os.open``: without it Windows would rewrite line endings."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""The signal reported after ``Process.kill``."""


class System(StrEnum):
    """The operating systems; another Unix counts as Linux, without the calls it lacks."""

    LINUX = "linux"
    MACOS = "darwin"
    WINDOWS = "win32"


def system() -> System:
    """The current operating system."""
    name = sys.platform
    return System(name) if name in (System.MACOS, System.WINDOWS) else System.LINUX


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask a program to stop: SIGINT and SIGTERM, on Windows also Ctrl-Break."""
    asks = (signal.SIGTERM, signal.SIGINT)
    if system() is System.WINDOWS:
        return (*asks, signal.Signals(_windows_signal("SIGBREAK")))
    return asks


def ignore_stop_signals() -> None:
    """Ignores Ctrl-C, for processes that their parent stops."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def stop_signals_held_back() -> Iterator[None]:
    """A process started inside gets no Ctrl-C before it can ignore it; no effect on Windows."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # would let the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set(stop_signals()))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_this_process() -> None:
    """Makes this process's main thread handle a stop signal, as if it came from outside."""
    if system() is System.WINDOWS:
        signal.raise_signal(_windows_signal("SIGBREAK"))  # os.kill would end it on the spot
    else:
        os.kill(os.getpid(), signal.SIGTERM)


def start_stoppable(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Starts a program that ``stop_process`` can shut down cleanly."""
    flags = 0
    if system() is System.WINDOWS:  # Ctrl-Break only reaches process groups
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200)
    return subprocess.Popen(command, env=environment, creationflags=flags)  # noqa: S603 - our own


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Asks a process of ``start_stoppable`` to stop: SIGTERM, on Windows Ctrl-Break."""
    windows = system() is System.WINDOWS
    process.send_signal(_windows_signal("CTRL_BREAK_EVENT") if windows else signal.SIGTERM)


def _windows_signal(name: str) -> int:
    values = {"SIGBREAK": 21, "CTRL_BREAK_EVENT": 1}
    return int(getattr(signal, name, values[name]))


def end_with_parent(parent: int, *, at_once: bool) -> None:
    """Ends this process when its parent ends, for whatever reason.

    On Linux the kernel does this, even while a library hangs and holds the interpreter lock;
    elsewhere a thread does.

    Args:
        parent: The parent's process id, read before it could have ended.
        at_once: Kill this process; else shut it down cleanly.
    """
    if system() is System.LINUX:
        prctl = getattr(_libc(), "prctl", None)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, KILL if at_once else signal.SIGTERM)
            # already gone; in a container the parent itself may be process 1
            if os.getppid() != parent:
                _end(at_once)
            return

    def wait() -> None:
        _wait_for_end(parent)
        _end(at_once)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _end(at_once: bool) -> None:
    if at_once:
        os._exit(0)
    stop_this_process()


def _wait_for_end(parent: int) -> None:
    if system() is System.WINDOWS:  # getppid still names a dead parent there
        windows = import_module("_winapi")
        with contextlib.suppress(OSError):
            handle = windows.OpenProcess(_SYNCHRONIZE, False, parent)
            windows.WaitForSingleObject(handle, _INFINITE)
        return
    while os.getppid() == parent:
        time.sleep(_POLL_INTERVAL)


def process_exists(pid: int) -> bool:
    """Whether a process of this machine runs."""
    if system() is System.WINDOWS:  # os.kill(pid, 0) would send it a Ctrl-C
        windows = import_module("_winapi")
        try:
            handle = windows.OpenProcess(_SYNCHRONIZE, False, pid)
        except PermissionError:
            return True
        except OSError:
            return False
        try:
            return bool(windows.WaitForSingleObject(handle, 0) != windows.WAIT_OBJECT_0)
        finally:
            windows.CloseHandle(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def worker_context(preload: Sequence[str]) -> ForkServerContext | SpawnContext:
    """How camera processes are started.

    Linux forks them from a server that has loaded ``preload``, so that they share its memory.
    macOS's frameworks do not survive a fork and Windows has none: there each is spawned.
    """
    import multiprocessing

    if system() is not System.LINUX:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    keep_socket_paths_short()
    return context


def keep_socket_paths_short() -> None:
    """Makes ``multiprocessing`` create its sockets where their paths fit, whatever ``TMPDIR`` is.

    Python itself does so from 3.14 on. It looks up the folder once per process.
    """
    from multiprocessing import util

    folder = socket_folder()
    if folder == tempfile.gettempdir():
        return
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        util.get_temp_dir()
    finally:
        tempfile.tempdir = before


def socket_folder() -> str:
    """A folder for Unix sockets' temporary folders; socket paths have about a hundred bytes."""
    folder = tempfile.gettempdir()
    limit = SOCKET_PATH_SIZE.get(sys.platform, min(SOCKET_PATH_SIZE.values()))
    if len(os.fsencode(folder)) + _SOCKET_NAME < limit:
        return folder
    for other in (os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp"):  # noqa: S108
        fits = len(os.fsencode(other)) + _SOCKET_NAME < limit
        if other and fits and os.access(other, os.W_OK | os.X_OK):
            return other
    return folder


def receive_notifications(folder: Path) -> tuple[socket.socket, str]:
    """A socket for messages of ``send_notification``, and its address.

    A Unix datagram socket in ``folder``; on Windows, which has none, one on the loopback address.
    """
    if system() is System.WINDOWS:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("127.0.0.1", 0))
        return receiver, f"127.0.0.1:{receiver.getsockname()[1]}"
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = str(folder / "notify")
    receiver.bind(address)
    return receiver, address


def send_notification(address: str, message: str) -> bool:
    """Sends a message to systemd's socket or to ``receive_notifications``; False if it fails."""
    target: Any
    if address.startswith("@"):  # stands for Linux's abstract namespace
        family, target = getattr(socket, "AF_UNIX", None), "\0" + address[1:]
    elif address.startswith("/"):
        family, target = getattr(socket, "AF_UNIX", None), address
    else:
        host, _, port = address.rpartition(":")
        family = socket.AF_INET
        if host != "127.0.0.1" or not port.isdecimal():
            return False
        target = (host, int(port))
    if family is None:
        return False
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1.0)
            sender.connect(target)
            sender.sendall(message.encode())
    except OSError:
        return False
    return True


def lock_file(file: IO[Any], *, wait: bool) -> None:
    """Locks an open file against other processes until it is closed or this process ends.

    Do not read or write the file meanwhile: Windows forbids it.

    Raises:
        OSError: Another process holds the lock, and this one does not ``wait``.
    """
    if system() is not System.WINDOWS:
        fcntl = import_module("fcntl")
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return
    msvcrt = import_module("msvcrt")
    while True:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            if not wait:
                raise
            time.sleep(_POLL_INTERVAL)
        else:
            return


def disable_core_dumps() -> None:
    """Disables core dumps, so that a crash writes no memory, and no picture, to disk."""
    with contextlib.suppress(ImportError):
        resource = import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        (_PROC / "self" / "coredump_filter").write_text("0", encoding="ascii")


def keep_allocator_lean() -> None:
    """Makes glibc's allocator use one arena and return freed pictures to the system.

    See mallopt(3); other allocators are left unchanged.
    """
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(arena_max, 1)
        mallopt(mmap_threshold, 512 * 1024)
        mallopt(trim_threshold, 1024 * 1024)


def return_freed_memory() -> None:
    """Returns freed blocks to the system, if the allocator supports that (glibc)."""
    malloc_trim = getattr(_libc(), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    """The C library; None on Windows, where the one in use has no name."""
    return None if system() is System.WINDOWS else ctypes.CDLL(None, use_errno=True)


def resident_memory() -> int | None:
    """Resident memory of this process, bytes; None if the system does not report it."""
    return _memory("self/status", "VmRSS")


def proportional_memory(pid: int) -> int | None:
    """Memory of a process, bytes, with shared pages divided among their users (PSS), or None."""
    return _memory(f"{pid}/smaps_rollup", "Pss")


def peak_memory() -> int | None:
    """Peak memory of this process, bytes; None if the system does not report it."""
    try:
        resource = import_module("resource")
    except ImportError:
        return None
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if system() is System.MACOS else peak * 1024


def _memory(file: str, field: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in (_PROC / file).read_text("ascii").splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
    return None


def processor_name() -> str:
    """The CPU's model name; the machine type if that is unknown."""
    name = ""
    if system() is System.MACOS:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            name = subprocess.check_output(command, text=True).strip()  # noqa: S603
    elif system() is System.WINDOWS:
        name = platform.processor()
    else:
        with contextlib.suppress(OSError):
            for line in (_PROC / "cpuinfo").read_text("utf-8").splitlines():
                if line.startswith("model name"):
                    name = line.partition(":")[2].strip()
                    break
    return name or platform.machine()


def decoder_chips() -> list[str]:
    """Names of video decoder chips that are separate devices (only on Linux)."""
    if system() is not System.LINUX:
        return []
    names = (
        path.read_text("utf-8", "replace").strip()
        for path in sorted(Path("/sys/class/video4linux").glob("*/name"))
    )
    return [name for name in names if "dec" in name.lower()]


def load_average() -> float | None:
    """The load average over one minute; None on Windows."""
    getloadavg = getattr(os, "getloadavg", None)
    return None if getloadavg is None else float(getloadavg()[0])
