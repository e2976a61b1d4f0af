"""The whole program, started as users start it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

import waiting
from processes import children

PASSWORD = "long enough for tests"  # noqa: S105
LIMIT = 90.0
"""Timeout of any wait, seconds, sufficient for a busy machine."""


wait_until = partial(waiting.wait_until, limit=LIMIT)


class Program:
    """``sentistream monitor`` in a process of its own.

    Args:
        state: State folder, which also contains the log.
        arguments: In addition to ``--state``.
    """

    def __init__(self, state: Path, arguments: Sequence[str] = ()) -> None:
        self.state = state
        self._arguments = arguments
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        self.state.mkdir(exist_ok=True)
        self._log = (self.state / "said.txt").open("w")
        self.process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "sentistream", "monitor", "--no-browser", "--port", "0"),
                *("--state", str(self.state), *self._arguments),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._log.close()
        if error is not None:
            print(self.output)

    @property
    def output(self) -> str:
        """All terminal output so far."""
        return (self.state / "said.txt").read_text()

    def page(self) -> str:
        """The latest address that it printed."""
        wait_until(lambda: self._pages() or self.process.poll() is not None, "the page's address")
        return self._pages()[-1]

    def starts(self) -> int:
        """How often it has printed its address."""
        return len(self._pages())

    def _pages(self) -> list[str]:
        return re.findall(r"^The page: (\S+)$", self.output, re.MULTILINE)

    def client(self) -> httpx.Client:
        """Logged in as the first manager, who is created if necessary."""
        page = self.page()
        client = httpx.Client(base_url=page, timeout=LIMIT, headers={"origin": page})
        link = re.findall(r"http\S+/setup/\S+", self.output)
        if link:
            form = {"name": "ada", "password": PASSWORD, "again": PASSWORD}
            answer = client.post(link[-1], data=form)
        else:
            answer = client.post("/login", data={"name": "ada", "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        self._client = client
        return client

    def server(self) -> int:
        """The PID of the serving process: the supervisor's child."""
        return min(children(self.process.pid))

    def kill_server(self) -> None:
        """Kill it, as the kernel does when memory runs out."""
        os.kill(self.server(), signal.SIGKILL)
