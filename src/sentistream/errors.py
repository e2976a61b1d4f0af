"""The errors a user can meet: one sentence on what is wrong, one on the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sentistream.translatable import Translatable, sentences


class SentistreamError(Exception):
    """Base of every error that sentistream raises on purpose.

    Args:
        problem: One sentence that says what is wrong, with the value that is wrong.
        way_out: One sentence that says what to do about it.
    """

    def __init__(self, problem: str, way_out: str = "") -> None:
        super().__init__(f"{problem} {way_out}".strip())
        self.problem = problem
        self.way_out = way_out

    @property
    def message(self) -> str:
        """Both sentences, translatable."""
        return sentences(self.problem, self.way_out)

    def __reduce__(self) -> tuple[Any, ...]:
        # errors are pickled between processes; subclasses take other arguments
        return _revived, (type(self), self.problem, self.way_out)


def _revived(kind: type[SentistreamError], problem: str, way_out: str) -> SentistreamError:
    error = kind.__new__(kind)
    SentistreamError.__init__(error, problem, way_out)
    return error


class InputError(SentistreamError):
    """The file, folder or camera cannot be analyzed."""


@contextmanager
def skip_failures(name: object, on_problem: Callable[[str], None] | None) -> Iterator[None]:
    """Context manager for one item of many: reports its failure, so that the next can follow.

    Errors that would also affect the next item, such as a missing network, are raised.

    Args:
        name: The item's name.
        on_problem: Called with what is wrong; None to raise it anyway.
    """
    try:
        yield
    except InputError as error:
        if on_problem is None:
            raise
        on_problem(error.problem)
    except SentistreamError:
        raise
    except Exception as error:
        if on_problem is None:
            raise
        on_problem(f"{name} could not be worked on ({type(error).__name__}: {error}).")


class OutputError(SentistreamError):
    """A result cannot be written."""


class ModelError(SentistreamError):
    """A network's file is missing, altered or unsuitable."""


class DataError(SentistreamError):
    """A data set is missing, incomplete or would leak between training and testing."""


class TrainingError(SentistreamError):
    """A training run cannot continue."""


class StorageError(SentistreamError):
    """The database cannot be reached, is locked, full or damaged."""


class MissingExtraError(SentistreamError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            Translatable(
                "{feature} needs packages that are not installed.", feature=Translatable(feature)
            ),
            Translatable("Install them with: pip install 'sentistream[{extra}]'.", extra=extra),
        )
