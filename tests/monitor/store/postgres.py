"""A real PostgreSQL server, in a temporary folder, on an unused port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from processes import is_running
from waiting import wait_until

USER = "keeper"
PASSWORD = "hush-2718"  # noqa: S105 - a server of our own, gone when the tests end


class Server:
    """Started on creation; :meth:`kill` sends SIGKILL to all of it."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not programs:
            pytest.skip("needs PostgreSQL's server (initdb in /usr/lib/postgresql)")
        self._bin = programs[-1].parent
        self._as_other: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        if os.geteuid() == 0:  # it refuses to run as root
            if not shutil.which("setpriv"):
                pytest.skip("needs setpriv to run PostgreSQL as another user")
            self._as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(self.folder, 65534, 65534)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb",
            *("-D", str(self.folder / "data"), "-U", USER, "-A", "scram-sha-256"),
            *("--pwfile", str(secret), "-E", "UTF8", "--locale=C", "--no-sync"),
        )
        self.start()
        self.create("sentistream")

    @property
    def url(self) -> str:
        """The URL of the database ``sentistream``."""
        return self.url_of("sentistream")

    def url_of(self, name: str, password: str = PASSWORD) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> None:
        """Create an empty database."""
        import psycopg

        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
            "-c shared_buffers=32MB -c synchronous_commit=on -c fsync=off"
        )
        self._run(
            "pg_ctl",
            *("-D", str(self.folder / "data"), "-o", options, "-w", "-t", "60"),
            *("-l", str(self.folder / "log"), "start"),
        )

    def kill(self) -> None:
        """SIGKILL: the postmaster's children exit with it or shortly after."""
        lock = self.folder / "data" / "postmaster.pid"
        number = int(lock.read_text().split()[0])
        listed = Path(f"/proc/{number}/task/{number}/children").read_text()
        everyone = [number, *map(int, listed.split())]
        for one in everyone:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, everyone)))
        lock.unlink()  # without an init process to reap it, it would pass for running

    def close(self) -> None:
        """Stop it and remove its files."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [*self._as_other, str(self._bin / program), *arguments]
        result = subprocess.run(  # noqa: S603 - the list is ours
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if program == "initdb" else subprocess.DEVNULL,
            text=True,
            check=False,
        )
        if check and result.returncode:
            log = self.folder / "log"
            pytest.fail(
                f"{program}: {result.stdout or ''} {log.read_text() if log.exists() else ''}"
            )
