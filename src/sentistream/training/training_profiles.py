"""The training tasks of each profile; PyTorch is loaded only with the tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentistream.errors import InputError

if TYPE_CHECKING:
    from sentistream.training.task import Task

TRAINABLE_PROFILES = ("paper", "lite")


@dataclass(frozen=True, slots=True)
class TrainingProfile:
    """The tasks of a profile.

    Attributes:
        name: The profile's.
        tasks: By network, in the order in which they are trained.
    """

    name: str
    tasks: Mapping[str, Task]

    def names(self, network: str) -> tuple[str, ...]:
        """The networks that ``network`` means: itself, or for ``all`` each that is shipped.

        Raises:
            InputError: There is no such network.
        """
        if network == "all":
            return tuple(name for name, task in self.tasks.items() if task.shipped)
        if network not in self.tasks:
            raise InputError(
                f"The profile {self.name} has no network {network!r}.",
                f"Choose one of: {', '.join(self.tasks)}, all.",
            )
        return (network,)


def training_profile(name: str) -> TrainingProfile:
    """The tasks of a profile.

    Raises:
        InputError: It cannot be trained.
    """
    if name not in TRAINABLE_PROFILES:
        known = ", ".join(TRAINABLE_PROFILES)
        raise InputError(f"No profile {name!r} can be trained.", f"Choose one of: {known}.")
    tasks = _paper_tasks() if name == "paper" else _lite_tasks()
    return TrainingProfile(name, {task.name: task for task in tasks})


def _paper_tasks() -> tuple[Task, ...]:
    from sentistream.training.face_task import PlainVisualTask, VisualTask
    from sentistream.training.fusion_task import FusedTask
    from sentistream.training.mouth_task import PaperMouthTask
    from sentistream.training.voice_task import AudioTask

    return PaperMouthTask(), VisualTask(), PlainVisualTask(), AudioTask(), FusedTask()


def _lite_tasks() -> tuple[Task, ...]:
    from sentistream.training.detector_task import (
        DetectorFirstTask,
        DetectorSecondTask,
        DetectorTask,
    )
    from sentistream.training.face_task import FaceRefinedTask, FaceStillsTask, FaceTask
    from sentistream.training.fusion_task import FusionTask
    from sentistream.training.landmark_task import LandmarksFirstTask, LandmarksTask
    from sentistream.training.mouth_task import LiteMouthTask
    from sentistream.training.voice_task import VoiceSpectrumTask, VoiceTask

    return (
        DetectorFirstTask(),
        DetectorSecondTask(),
        DetectorTask(),
        LandmarksFirstTask(),
        LandmarksTask(),
        LiteMouthTask(),
        FaceStillsTask(),
        FaceRefinedTask(),
        FaceTask(),
        VoiceTask(),
        VoiceSpectrumTask(),
        FusionTask(),
    )
