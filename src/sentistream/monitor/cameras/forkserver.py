"""Prepares the fork server that camera workers are forked from; imported nowhere else.

Everything that workers have in common is loaded here once: they share the memory as long as none
of them writes to it. The fork server has one thread and no open files.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal

# saves a thread in each worker; read when NumPy is loaded, so before the imports below
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import onnxruntime  # noqa: F401
from PIL import JpegImagePlugin  # noqa: F401

import sentistream.decision.lite  # noqa: F401
from sentistream.errors import ModelError
from sentistream.monitor.cameras.worker import preload_analyzer
from sentistream.operating_system import keep_allocator_lean
from sentistream.runtime.inference import ENGINES, chosen_engine

keep_allocator_lean()

# the server stops its workers itself; a SIGTERM to the whole process group is meant for the server
signal.signal(signal.SIGTERM, signal.SIG_IGN)

# OpenVINO's networks have threads, which a fork does not copy
if chosen_engine(None) == ENGINES[0]:
    with contextlib.suppress(ModelError):  # each worker reports it itself
        preload_analyzer()

gc.collect()
gc.freeze()
