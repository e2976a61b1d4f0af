"""A training run's state on disk: tensors in safetensors, the rest as JSON in the same file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from sentistream.errors import DataError, TrainingError
from sentistream.training.files import replace_file
from sentistream.training.randomness import random_states, restore_random_states
from sentistream.training.state import Progress, State, Weights

_NAME = "checkpoint.safetensors"
_EARLIER = "checkpoint-earlier.safetensors"
_START_ANEW = "Bring back a copy of it, or delete it to begin the run anew."


def save_checkpoint(folder: Path, state: State, settings: dict[str, Any]) -> None:
    """Replaces the folder's checkpoint; a kill in the middle leaves the one before.

    Args:
        folder: Of the run; made if need be.
        state: What is kept.
        settings: Say what run this is, for JSON; ``load_checkpoint`` goes on from no other's.

    Raises:
        TrainingError: Weights are no finite numbers, so that going on from them is no use.
        OutputError: The file cannot be written; the one before is untouched.
    """
    _refuse_non_finite(folder, state)
    tensors = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    for number, values in state.optimizer.state_dict()["state"].items():
        # momentum that was never used is None
        kept = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        tensors |= {f"optimizer.{number}.{name}": value for name, value in kept.items()}
    if state.average is not None:
        tensors |= {f"average.{name}": value for name, value in state.average.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    random = random_states(state.generator)
    tensors |= {f"random.{name}": value for name, value in random.items()}
    # copies, because safetensors refuses tensors that share memory
    tensors = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    notes = json.dumps({"settings": settings, "progress": asdict(state.progress)})
    content = save(tensors, {"notes": notes, "sha256": _checksum(tensors, notes)})
    replace_file(folder / _NAME, content)


def has_checkpoint(folder: Path) -> bool:
    """Whether a run was begun in ``folder``."""
    return (folder / _NAME).exists()


def load_checkpoint(folder: Path, state: State, settings: dict[str, Any]) -> list[str]:
    """Puts the folder's checkpoint into ``state``, if it is of a run with the same settings.

    One of another run is set aside as ``checkpoint-earlier.safetensors``, and ``state`` stays
    as it is.

    Returns:
        The names of the settings that differ; empty where it goes on or begins.

    Raises:
        DataError: The checkpoint is damaged.
    """
    if not has_checkpoint(folder):
        return []
    tensors, notes = _read(folder / _NAME)
    before = notes["settings"]
    # before there were names for them, settings were one text
    before = before if isinstance(before, dict) else {"format": "earlier"}
    if before != json.loads(json.dumps(settings)):
        (folder / _NAME).replace(folder / _EARLIER)
        names = sorted(before.keys() | settings.keys())
        return [name for name in names if before.get(name) != settings.get(name)]
    state.network.load_state_dict(_below(tensors, "network."))
    if state.average is not None:
        state.average.load_state_dict(_below(tensors, "average."))
    moments: dict[int, Weights] = {}
    for name, value in _below(tensors, "optimizer.").items():
        number, _, key = name.partition(".")
        moments.setdefault(int(number), {})[key] = value
    groups = state.optimizer.state_dict()["param_groups"]
    state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    device = next(state.network.parameters()).device
    state.best = {name: value.to(device) for name, value in _below(tensors, "best.").items()}
    state.progress = Progress(**notes["progress"])
    restore_random_states(_below(tensors, "random."), state.generator)
    return []


def load_network_weights(folder: Path, network: nn.Module) -> None:
    """Puts a run's trained weights into ``network``: the best, else the averaged, else the last.

    Raises:
        DataError: There is no run in ``folder``, or its checkpoint is damaged.
    """
    if not has_checkpoint(folder):
        raise DataError(f"There is no trained network in {folder}.", f"Train {folder.name} before.")
    tensors, _ = _read(folder / _NAME)
    for prefix in ("best.", "average.module.", "network."):
        if weights := _below(tensors, prefix):
            network.load_state_dict(weights)
            return


def last_good(folder: Path) -> str:
    """A sentence on the checkpoint that a broken run can be gone back to."""
    if not has_checkpoint(folder):
        return "No checkpoint was written before."
    progress = _read(folder / _NAME)[1]["progress"]
    return (
        f"The last good checkpoint is {folder / _NAME} "
        f"({progress['epoch']} epochs and {progress.get('batch', 0)} steps)."
    )


def _refuse_non_finite(folder: Path, state: State) -> None:
    for name, value in state.network.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise TrainingError(
                f"The weights {name} are no finite numbers any more after step "
                f"{state.progress.step}. {last_good(folder)}",
                "Lower the learning rate or limit the gradient (clip) in the recipe.",
            )


def _checksum(tensors: Weights, notes: str) -> str:
    digest = hashlib.sha256(notes.encode())
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> tuple[Weights, dict[str, Any]]:
    """Tensors and notes.

    Raises:
        DataError: The file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            kept: dict[str, str] = file.metadata() or {}
        tensors: Weights = load_file(path)
        notes: dict[str, Any] = json.loads(kept["notes"])
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise DataError(f"The checkpoint {path} cannot be read ({error}).", _START_ANEW) from None
    # the first checkpoints had no checksum
    if "sha256" in kept and kept["sha256"] != _checksum(tensors, kept["notes"]):
        raise DataError(f"The checkpoint {path} is damaged: its checksum differs.", _START_ANEW)
    return tensors, notes


def _below(tensors: Weights, prefix: str) -> Weights:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
