"""Ctrl-C that never tears a record in two."""

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
    """Says when to stop by raising KeyboardInterrupt, but not where it is held."""

    def hold(self) -> None: ...

    def held(self) -> AbstractContextManager[None]: ...


class StopRequest:
    """Asked for by another thread; KeyboardInterrupt is raised at the end of what is ``held``."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Stop at the next occasion."""
        self._asked.set()

    def hold(self) -> None:
        """From here on nothing is raised anyway."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raise at the end of the block, if it was asked for."""
        yield
        if self._asked.is_set():
            raise KeyboardInterrupt


class Interruption:
    """While entered, SIGINT and SIGTERM raise KeyboardInterrupt, but not inside ``held``.

    After the first signal the files are being closed; a second one ends the program at once,
    also where it hangs in a library.

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
                # a shell's background job ignores Ctrl-C, and so do we then
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
        """A thread learns of signals also while the main one cannot see to them."""
        ear, mouth = self._ears = socket.socketpair()
        mouth.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        watcher = threading.Thread(
            target=_end_at_the_second, args=(ear, tuple(self._before)), daemon=True
        )
        watcher.start()

    def hold(self) -> None:
        """From here on a signal is kept back."""
        self._holding = True

    def release(self) -> None:
        """End ``hold``; raise what was kept back."""
        self._holding = False
        if self.signal is not None and not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep signals back for the length of a block."""
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
