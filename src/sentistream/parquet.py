"""Access to Parquet files: pyarrow, which the extra ``parquet`` installs."""

from __future__ import annotations

import importlib.util
from typing import Any

from sentistream.errors import MissingExtraError

EXTRA = "parquet"
COMMAND = f"pip install 'sentistream[{EXTRA}]'"


def is_available() -> bool:
    """Whether Parquet files can be written and read; loads nothing."""
    return importlib.util.find_spec("pyarrow") is not None


def load_pyarrow(feature: str) -> Any:
    """The module ``pyarrow``, with ``pyarrow.parquet``.

    Args:
        feature: What needs it, as the beginning of the error's sentence.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(feature, EXTRA) from error
    return pyarrow
