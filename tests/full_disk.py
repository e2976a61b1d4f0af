"""Simulates a full disk for atomic file writes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock


@contextmanager
def full_disk() -> Iterator[None]:
    """Within this context, files cannot be flushed to disk."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with mock.patch.object(os, "fsync", side_effect=full):
        yield
