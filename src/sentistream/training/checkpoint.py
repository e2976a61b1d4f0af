"""A training run's state on disk: tensors in safetensors, the rest in JSON beside them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from sentistream.errors import DataError


@dataclass(slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        epoch: Finished passes.
        step: Finished optimiser steps.
        history: One entry an epoch: losses and accuracies.
    """

    epoch: int = 0
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(
    folder: Path, network: nn.Module, optimizer: Optimizer, progress: Progress, settings: str
) -> None:
    """Replaces the folder's checkpoint; a kill in the middle leaves the one before.

    Args:
        settings: Says what run this is; ``load_checkpoint`` ignores checkpoints of others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
    tensors["random"] = torch.get_rng_state()
    notes = json.dumps({"settings": settings, "progress": asdict(progress)})
    temporary = folder / "checkpoint.partial"
    # one file for everything: tensors and notes can never disagree
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, temporary, {"notes": notes}
    )
    temporary.replace(folder / "checkpoint.safetensors")


def has_checkpoint(folder: Path) -> bool:
    """Whether a run was begun in ``folder``."""
    return (folder / "checkpoint.safetensors").exists()


def load_checkpoint(
    folder: Path, network: nn.Module, optimizer: Optimizer, settings: str
) -> Progress:
    """Puts the checkpoint's state into network and optimiser; a new run's progress if none."""
    if not has_checkpoint(folder):
        return Progress()
    path = folder / "checkpoint.safetensors"
    notes = _read_notes(path)
    if notes["settings"] != settings:
        return Progress()
    tensors = load_file(path)
    network.load_state_dict(_below(tensors, "network."))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _below(tensors, "optimizer.").items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    torch.set_rng_state(tensors["random"])
    return Progress(**notes["progress"])


def load_network_weights(folder: Path, network: nn.Module) -> None:
    """Puts a run's trained weights into ``network``.

    Raises:
        DataError: There is no run in ``folder``.
    """
    if not has_checkpoint(folder):
        raise DataError(f"There is no trained network in {folder}.", f"Train {folder.name} before.")
    tensors = load_file(folder / "checkpoint.safetensors")
    network.load_state_dict(_below(tensors, "network."))


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _read_notes(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        notes: dict[str, Any] = json.loads(file.metadata()["notes"])
    return notes
