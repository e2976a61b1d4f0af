"""Bugs in the program: one sentence, with the details in a file."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path

from sentistream.redaction import without_secrets


def told_of_fault(error: Exception) -> str:
    """A one-line message for an unexpected error, without secrets."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    first_line = without_secrets(first)
    message = f"Something went wrong inside sentistream ({type(error).__name__}: {first_line})."
    details = without_secrets("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="sentistream-error-",
            suffix=".log",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as log:
            log.write(details)
    except OSError:
        return f"{message} Please report it with what `sentistream --debug ...` prints."
    return f"{message} Please report it with the file {Path(log.name)}."
