"""Settles, before anything large is loaded, what a worker's process may do and use.

Only ``multiprocessing``'s fork server imports this, first of all.
"""

from __future__ import annotations

import ctypes
import os

# a thread less in each worker; read when NumPy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# glibc's allocator, as told in mallopt(3): one arena for the few threads, and pictures given
# back to the system as soon as they are let go
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_allocator = getattr(ctypes.CDLL(None), "mallopt", None)
if _allocator is not None:
    _allocator(_M_ARENA_MAX, 1)
    _allocator(_M_MMAP_THRESHOLD, 512 * 1024)
    _allocator(_M_TRIM_THRESHOLD, 1024 * 1024)
