"""What differs between Linux, macOS and Windows. No other module asks which of them it runs on.

Each function here has an answer for all three. Modules that one of them lacks (``fcntl``,
``resource``, ``msvcrt``) are imported where they are used, so that the package imports everywhere.
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
_POLL_INTERVAL = 0.5  # seconds between two looks at the parent, where nothing tells of its end
_SYNCHRONIZE, _INFINITE = 0x0010_0000, 0xFFFF_FFFF  # Windows' wait for a process

SOCKET_PATH_SIZE = {"linux": 108, "darwin": 104}
"""Bytes of a Unix socket's path, the zero at its end included (``sun_path`` in unix(7))."""

_SOCKET_NAME = 40
"""Bytes below a folder for sockets: ``/pymp-xxxxxxxx/listener-xxxxxxxx`` and a margin."""

BINARY = getattr(os, "O_BINARY", 0)
"""Flag for ``os.open``: Windows would otherwise rewrite the line ends in whatever is written."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""The signal that ``Process.kill`` is reported to have sent."""


class System(StrEnum):
    """Which one it is; another Unix counts as Linux, with whatever that lacks left out."""

    LINUX = "linux"
    MACOS = "darwin"
    WINDOWS = "win32"


def system() -> System:
    """The operating system that this runs on."""
    name = sys.platform
    return System(name) if name in (System.MACOS, System.WINDOWS) else System.LINUX


def stop_signals() -> tuple[signal.Signals, ...]:
    """Those that ask a program to stop: SIGINT and SIGTERM, on Windows Ctrl-Break too."""
    asks = (signal.SIGTERM, signal.SIGINT)
    if system() is System.WINDOWS:
        return (*asks, signal.Signals(_windows_signal("SIGBREAK")))
    return asks


def ignore_stop_signals() -> None:
    """For processes that are stopped by the one that started them."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def stop_signals_held_back() -> Iterator[None]:
    """A process started inside it gets no Ctrl-C before it can refuse it; not so on Windows."""
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
    """Has this process's main thread handle a stop signal, as if it had come from outside."""
    if system() is System.WINDOWS:
        signal.raise_signal(_windows_signal("SIGBREAK"))  # os.kill would end it on the spot
    else:
        os.kill(os.getpid(), signal.SIGTERM)


def start_stoppable(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Starts a program that ``stop_process`` can stop in good order."""
    flags = 0
    if system() is System.WINDOWS:  # Ctrl-Break reaches groups of processes only
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
    """This process ends when the one that started it does, however that ends.

    On Linux the kernel sees to it, also while a library hangs with the interpreter's lock held;
    elsewhere a thread does.

    Args:
        parent: The parent's process id, asked for before it could end.
        at_once: Kill this process; else have it stop in good order.
    """
    if system() is System.LINUX:
        prctl = getattr(_libc(), "prctl", None)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, KILL if at_once else signal.SIGTERM)
            # gone before that; in a container the parent itself may be process 1
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
    if system() is System.WINDOWS:  # getppid there names a parent that is gone, too
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
    """How processes that watch cameras are started.

    Linux forks them from a server that has loaded ``preload``, so that they share its memory.
    macOS's frameworks do not outlive a fork and Windows has none: there each starts from nothing.
    """
    import multiprocessing

    if system() is not System.LINUX:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    keep_socket_paths_short()
    return context


def keep_socket_paths_short() -> None:
    """Has ``multiprocessing`` put its sockets where their paths fit, whatever ``TMPDIR`` is.

    Python does so itself from 3.14 on. It asks for the folder once in the life of a process.
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
    """A folder for temporary folders of Unix sockets, which may have about a hundred bytes."""
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

    A Unix socket in ``folder``; on Windows, which has none for single messages, one that listens
    on the loopback address.
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
    """Sends one to systemd's socket or that of ``receive_notifications``; False if it fails."""
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

    What it holds is not to be read or written meanwhile: Windows forbids it.

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
    """No memory, and so no picture, is written to disk if the process crashes."""
    with contextlib.suppress(ImportError):
        resource = import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        (_PROC / "self" / "coredump_filter").write_text("0", encoding="ascii")


def keep_allocator_lean() -> None:
    """glibc's allocator: one arena for few threads, and freed pictures back to the system.

    See mallopt(3); other allocators are left as they are.
    """
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(arena_max, 1)
        mallopt(mmap_threshold, 512 * 1024)
        mallopt(trim_threshold, 1024 * 1024)


def return_freed_memory() -> None:
    """Gives freed blocks back to the system, where its allocator can be asked to (glibc)."""
    malloc_trim = getattr(_libc(), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    """The C library; None on Windows, where there is no name for the one in use."""
    return None if system() is System.WINDOWS else ctypes.CDLL(None, use_errno=True)


def resident_memory() -> int | None:
    """Bytes of memory that this process holds now; None where the system does not say."""
    return _memory("self/status", "VmRSS")


def proportional_memory(pid: int) -> int | None:
    """Bytes of memory of a process, pages shared with others counted in parts, or None."""
    return _memory(f"{pid}/smaps_rollup", "Pss")


def peak_memory() -> int | None:
    """Bytes of memory that this process held at most; None where the system does not say."""
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
    """What the processor's maker calls it; the kind of machine where nothing tells."""
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
    """Names of chips that decode video and are reached as devices of their own (Linux alone)."""
    if system() is not System.LINUX:
        return []
    names = (
        path.read_text("utf-8", "replace").strip()
        for path in sorted(Path("/sys/class/video4linux").glob("*/name"))
    )
    return [name for name in names if "dec" in name.lower()]


def load_average() -> float | None:
    """Processes that want a core, a mean over one minute; None on Windows."""
    getloadavg = getattr(os, "getloadavg", None)
    return None if getloadavg is None else float(getloadavg()[0])
