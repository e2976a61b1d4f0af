"""The one small protocol behind which every output stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from sentistream.types import Moment, Reading


class Output(ABC):
    """Takes moments with their readings, in order of time, and keeps them somewhere.

    Use it as a context manager: entering opens, leaving closes; leaving through an exception
    (Ctrl-C, full disk) closes with ``complete=False`` and still leaves a valid result.
    """

    @abstractmethod
    def open(self) -> None:
        """Start.

        Raises:
            OutputError: The place cannot be written.
        """

    @abstractmethod
    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        """Keep one moment's readings.

        Raises:
            OutputError: They cannot be written.
        """

    @abstractmethod
    def close(self, *, complete: bool) -> None:
        """Finish; ``complete`` is False where the run was cut short."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(complete=kind is None)
