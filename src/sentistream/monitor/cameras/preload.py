"""What all workers have in common, loaded once in the process they are forked from.

They share its memory as long as none writes to it. Only ``multiprocessing``'s fork server
imports this; it has one thread and nothing open.
"""

from __future__ import annotations

import contextlib
import gc
import signal

import onnxruntime  # noqa: F401
from PIL import JpegImagePlugin  # noqa: F401

import sentistream.decision.lite
import sentistream.monitor.cameras.worker  # noqa: F401
from sentistream.errors import ModelError
from sentistream.monitor.cameras import ready
from sentistream.runtime.network import ENGINES, chosen_engine

# the server ends its workers; who ends all processes of a group means the server
signal.signal(signal.SIGTERM, signal.SIG_IGN)

# OpenVINO's networks have threads, which a fork does not copy
if chosen_engine(None) == ENGINES[0]:
    with contextlib.suppress(ModelError):  # each worker says so itself
        ready.make()

gc.collect()
gc.freeze()
