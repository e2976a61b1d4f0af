"""What a network is trained on: the processor or a GPU, and how its memory is handled."""

from __future__ import annotations

import ctypes
import os
import platform

import torch

from sentistream.errors import InputError

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def choose_device(name: str) -> torch.device:
    """The device for ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        InputError: There is no GPU that PyTorch can use.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        built = torch.version.cuda is not None
        raise InputError(
            "There is no GPU that PyTorch can use."
            if built
            else "The installed PyTorch was built without CUDA.",
            "Train on the processor (--device cpu)."
            if built
            else "Install a build with CUDA (pytorch.org), or train with --device cpu.",
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and there) else "cpu")


def be_deterministic(device: torch.device) -> None:
    """On a GPU, lets PyTorch choose algorithms that give the same every time, where it has them."""
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def keep_freed_memory() -> bool:
    """Lets glibc keep memory that a step has freed for the next one; says whether it does.

    By default it hands large blocks back to the system and gets them again, zeroed, at every
    step, which takes up to a fifth of the time.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _NEVER))
