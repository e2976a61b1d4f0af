"""A fake wall clock for the monitor, set without touching the machine's."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class FakeClock:
    """A preloaded library that offsets the wall clock; unavailable without a C compiler.

    Args:
        folder: Build folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._file.write_bytes(struct.pack("d", 0.0))
        self._library = folder / "clock.so"
        compiler = shutil.which("cc")
        self.available = compiler is not None
        if compiler is not None:
            subprocess.run(  # noqa: S603 - the list is ours
                [compiler, "-O2", "-shared", "-fPIC", "-o", self._library, SOURCE, "-ldl"],
                check=True,
            )

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables to start the monitor with."""
        if not self.available:
            return {}
        return {"LD_PRELOAD": str(self._library), "SOAK_CLOCK": str(self._file)}

    def set(self, ahead: float) -> None:
        """From now on the monitor's wall clock is ``ahead`` seconds ahead of the machine's."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("d", ahead))
