"""The states of all random numbers that training draws."""

from __future__ import annotations

import torch
from torch import Tensor


def random_states(generator: torch.Generator) -> dict[str, Tensor]:
    """Those of PyTorch, of its CUDA device if that is in use, and of ``generator``."""
    states = {"torch": torch.get_rng_state(), "generator": generator.get_state()}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: dict[str, Tensor], generator: torch.Generator) -> None:
    """Goes on drawing where ``random_states`` was called."""
    torch.set_rng_state(states["torch"])
    generator.set_state(states["generator"])
    if "cuda" in states and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.set_rng_state(states["cuda"])
