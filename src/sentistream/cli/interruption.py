"""Ctrl-C handling that never splits a record."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, Protocol, Self

from sentistream.operating_system import stop_signals


class Interruptible(Protocol):
    """Raises KeyboardInterrupt when it is time to stop, except while held."""

    def hold(self) -> None: ...

    def held(self) -> AbstractContextManager[None]: ...


class StopRequest:
    """Requested by another thread; KeyboardInterrupt is raised at the end of ``held``."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Stop at the next occasion."""
        self._asked.set()

    def hold(self) -> None:
        """From here on nothing is raised anyway."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raise at the end of the block, if requested."""
        yield
        if self._asked.is_set():
            raise KeyboardInterrupt


class Interruption:
    """While entered, SIGINT and SIGTERM raise KeyboardInterrupt, but not inside ``held``.

    After the first signal the files are closed; a second one ends the program at once,
    even if it hangs in a library.

    Attributes:
        signal: The signal that came, or None.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._holding = False
        self._raised = False
        self._before: dict[int, Any] = {}
        self._wakeup = -1
        self._ears: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in stop_signals():
                # a shell's background job ignores Ctrl-C, and so must we
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
            self._watch()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._ears is not None:
            signal.set_wakeup_fd(self._wakeup)
            ear, mouth = self._ears
            self._ears = None
            mouth.close()
            ear.close()

    def _watch(self) -> None:
        """A thread receives signals even while the main thread cannot."""
        ear, mouth = self._ears = socket.socketpair()
        mouth.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        watcher = threading.Thread(
            target=_end_at_the_second, args=(ear, tuple(self._before)), daemon=True
        )
        watcher.start()

    def hold(self) -> None:
        """Defers signals from here on."""
        self._holding = True

    def release(self) -> None:
        """End ``hold``; raise a deferred signal."""
        self._holding = False
        if self.signal is not None and not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Defer signals for the duration of a block."""
        self.hold()
        try:
            yield
        finally:
            self._holding = False
        self.release()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
            if not self._holding:
                self._raised = True
                raise KeyboardInterrupt


def _end_at_the_second(ear: socket.socket, numbers: tuple[int, ...]) -> None:
    came = 0
    with contextlib.suppress(OSError):
        while heard := ear.recv(64):
            for number in heard:
                came += number in numbers
                if came == 2:
                    os.write(2, b"Stopped at once; files may be unfinished.\n")
                    os._exit(128 + number)
