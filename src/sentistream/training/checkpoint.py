"""A training run's state, its fingerprint, and the checkpoint file that keeps both.

The file is in safetensors format: tensors, and everything else as JSON in its metadata.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from sentistream.atomic_write import atomic_write
from sentistream.errors import DataError, OutputError, TrainingError
from sentistream.training.examples import Examples
from sentistream.training.recipes import Recipe
from sentistream.training.task import Task

Weights = dict[str, Tensor]

_NAME = "checkpoint.safetensors"
_EARLIER = "checkpoint-earlier.safetensors"
_START_OVER = "Restore it from a copy, or delete it to start the run over."

_PICTURES = "sentistream.networks.export.convert_pictures"
_ARRAYS = "sentistream.training.lite_fusion.as_they_are"
_FUNCTIONS: dict[str, tuple[str | None, str | None, str]] = {
    **dict.fromkeys(
        ("lite/detector-first", "lite/detector-second"),
        (
            "sentistream.training.detector.seen_at_random",
            "sentistream.training.detector.detector_loss",
            _PICTURES,
        ),
    ),
    **dict.fromkeys(
        ("lite/landmarks-first", "lite/landmarks"),
        (
            "sentistream.training.landmarks.placed_at_random",
            "sentistream.training.landmarks.landmark_loss",
            _PICTURES,
        ),
    ),
    "lite/mouth": ("sentistream.training.lite_augment.mouths", None, _PICTURES),
    "lite/face-stills": ("sentistream.training.lite_augment.faces", None, _PICTURES),
    "lite/face-refined": ("sentistream.training.lite_augment.faces_gently", None, _PICTURES),
    "lite/face": (
        "sentistream.training.lite_augment.faces_gently",
        "sentistream.training.voted_faces.soft_loss",
        _PICTURES,
    ),
    "lite/voice": (None, "sentistream.training.lite_voices.voice_loss", _ARRAYS),
    "lite/fusion": (None, None, _ARRAYS),
}
"""What fingerprints named before there were tasks: augmentation, loss and conversion of inputs."""


@dataclass(slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        epoch: Epochs done.
        step: Optimizer steps done in all epochs.
        batch: Steps done in the current epoch.
        examples: Examples seen in the current epoch.
        loss_sum: Sum of their losses.
        correct: How many of them were answered correctly.
        seconds: Time spent in the current epoch.
        best_epoch: The epoch with the lowest validation loss; 0 without one.
        history: One entry per epoch: losses, accuracies, learning rate, seconds.
    """

    epoch: int = 0
    step: int = 0
    batch: int = 0
    examples: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def begin_epoch(self) -> None:
        """Resets the sums of the epoch before."""
        self.batch = self.examples = self.correct = 0
        self.loss_sum = self.seconds = 0.0


@dataclass(slots=True)
class TrainingState:
    """Everything that a checkpoint keeps of a run.

    Attributes:
        network: As the optimizer updates it.
        optimizer: With its moments.
        average: The moving average of the weights, if the recipe has one.
        generator: Draws order, augmentation and mixup partners.
        best: The best epoch's weights; empty before there is one.
        progress: How far the run has come.
    """

    network: nn.Module
    optimizer: Optimizer
    average: AveragedModel | None
    generator: torch.Generator
    best: Weights = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    @property
    def evaluated(self) -> nn.Module:
        """The network that is evaluated: the averaged one, if there is one."""
        if self.average is None:
            return self.network
        module: nn.Module = self.average.module
        return module

    def keep_best(self) -> None:
        """Keeps the weights as they are evaluated now as the best."""
        self.best = {name: value.clone() for name, value in self.evaluated.state_dict().items()}
        self.progress.best_epoch = self.progress.epoch

    def final_weights(self) -> Weights:
        """The weights a run ends with: the best epoch's, or the last ones evaluated."""
        weights: Weights = self.best or self.evaluated.state_dict()
        return weights


def fingerprint(
    task: Task, recipe: Recipe, train: Examples, held_out: Examples, network: nn.Module
) -> dict[str, Any]:
    """What must be equal for a run to resume from a checkpoint, for JSON.

    The number of epochs counts only where the learning rate depends on it.
    """
    settings = asdict(recipe)
    if recipe.schedule != "cosine":
        del settings["epochs"]
    return {
        **settings,
        "training examples": len(train),
        "held-out examples": len(held_out),
        "labels": zlib.crc32(train.labels.tobytes()),
        "network": type(network).__name__,
        "parameters": sum(value.numel() for value in network.parameters()),
        "task": f"{task.profile}/{task.name}",
        "task revision": task.revision,
    }


def random_states(generator: torch.Generator) -> Weights:
    """The random states of PyTorch, of its CUDA device if in use, and of ``generator``."""
    states = {"torch": torch.get_rng_state(), "generator": generator.get_state()}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: Weights, generator: torch.Generator) -> None:
    """Continues the random sequences where ``random_states`` was called."""
    torch.set_rng_state(states["torch"])
    generator.set_state(states["generator"])
    if "cuda" in states and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.set_rng_state(states["cuda"])


def save_checkpoint(folder: Path, state: TrainingState, settings: dict[str, Any]) -> None:
    """Replaces the folder's checkpoint atomically.

    Args:
        folder: Of the run; created if missing.
        state: What is kept.
        settings: The run's ``fingerprint``.

    Raises:
        TrainingError: Weights are not finite, so that there is no use in resuming from them.
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
    # copies, because safetensors refuses tensors that share memory or have channels last
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in tensors.items()
    }
    notes = json.dumps({"settings": settings, "progress": asdict(state.progress)})
    write_run_file(
        folder / _NAME, save(tensors, {"notes": notes, "sha256": _sha256(tensors, notes)})
    )


def has_checkpoint(folder: Path) -> bool:
    """Whether a run was begun in ``folder``."""
    return checkpoint_file(folder).exists()


def checkpoint_file(folder: Path) -> Path:
    """The newest checkpoint of the run in ``folder``."""
    return folder / _NAME


def load_checkpoint(folder: Path, state: TrainingState, settings: dict[str, Any]) -> list[str]:
    """Loads the folder's checkpoint into ``state``, if its run has the same fingerprint.

    The checkpoint of another run is moved to ``checkpoint-earlier.safetensors``, and ``state``
    stays as it is.

    Returns:
        The names of the settings that differ; empty if the run resumes or starts.

    Raises:
        DataError: The checkpoint is damaged.
    """
    if not has_checkpoint(folder):
        return []
    tensors, notes = _read(folder / _NAME)
    before = _with_task(notes["settings"], settings)
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
    """Loads a run's trained weights into ``network``: the best, else averaged, else last ones.

    Raises:
        DataError: There is no run in ``folder``, or its checkpoint is damaged.
    """
    if not has_checkpoint(folder):
        raise DataError(f"There is no trained network in {folder}.", f"Train {folder.name} first.")
    tensors, _ = _read(folder / _NAME)
    for prefix in ("best.", "average.module.", "network."):
        if weights := _below(tensors, prefix):
            network.load_state_dict(weights)
            return


def describe_last_checkpoint(folder: Path) -> str:
    """A sentence on the checkpoint that a failed run can resume from."""
    if not has_checkpoint(folder):
        return "There is no earlier checkpoint."
    progress = _read(folder / _NAME)[1]["progress"]
    return (
        f"The last good checkpoint is {folder / _NAME} "
        f"({progress['epoch']} epochs and {progress.get('batch', 0)} steps)."
    )


def write_run_file(path: Path, content: bytes) -> None:
    """Writes a file of a training run atomically; its folder is created.

    Raises:
        OutputError: That is not possible; what was at ``path`` is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).",
            "Fix that and run the same command again: training resumes from the last checkpoint.",
        ) from None


def _with_task(before: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint's fingerprint, brought from earlier forms to today's where it can be."""
    if not isinstance(before, dict):  # once it was one text
        return {"format": "earlier"}
    if "task" in before:
        return before
    task = settings["task"]
    functions = _FUNCTIONS.get(task, (None, None, _PICTURES))
    named = tuple(before.get(name) for name in ("further augmentation", "loss", "inputs"))
    if named != functions:
        return before
    kept = {
        name: value
        for name, value in before.items()
        if name not in ("further augmentation", "loss", "inputs")
    }
    return {**kept, "task": task, "task revision": 1}


def _refuse_non_finite(folder: Path, state: TrainingState) -> None:
    for name, value in state.network.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise TrainingError(
                f"The weights {name} are not finite after step {state.progress.step}. "
                f"{describe_last_checkpoint(folder)}",
                "Lower the learning rate or limit the gradient (clip) in the recipe.",
            )


def _sha256(tensors: Weights, notes: str) -> str:
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
        raise DataError(f"The checkpoint {path} cannot be read ({error}).", _START_OVER) from None
    # the first checkpoints had no checksum
    if "sha256" in kept and kept["sha256"] != _sha256(tensors, kept["notes"]):
        raise DataError(f"The checkpoint {path} is damaged: its checksum differs.", _START_OVER)
    return tensors, notes


def _below(tensors: Weights, prefix: str) -> Weights:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
