"""Prepares the fork server that camera workers are forked from; imported nowhere else.

What all workers have in common is loaded here once: they share its memory as long as none of
them writes to it. The fork server has one thread and nothing open.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal

# one thread less in each worker; read when NumPy is loaded, so before the imports below
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import onnxruntime  # noqa: F401
from PIL import JpegImagePlugin  # noqa: F401

import sentistream.decision.lite  # noqa: F401
from sentistream.errors import ModelError
from sentistream.monitor.cameras.worker import preload_analyzer
from sentistream.runtime.inference import ENGINES, chosen_engine

# glibc's allocator, see mallopt(3): one arena for the few threads, and pictures returned to the
# system as soon as they are freed
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
if _mallopt is not None:
    _mallopt(_M_ARENA_MAX, 1)
    _mallopt(_M_MMAP_THRESHOLD, 512 * 1024)
    _mallopt(_M_TRIM_THRESHOLD, 1024 * 1024)

# the server stops its workers itself; a SIGTERM to the whole process group is meant for the server
signal.signal(signal.SIGTERM, signal.SIG_IGN)

# OpenVINO's networks have threads, which a fork does not copy
if chosen_engine(None) == ENGINES[0]:
    with contextlib.suppress(ModelError):  # each worker reports it itself
        preload_analyzer()

gc.collect()
gc.freeze()
