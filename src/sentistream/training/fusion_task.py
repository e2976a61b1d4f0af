"""The fusion networks of both profiles: a face and a voice joined.

The paper's ``fused`` continues from its trained branches. The fusion of ``lite`` is fitted on the
answers of face and voice networks about people they were not trained on: about known people,
networks are more certain than they will be again, and the fusion would trust them too much. So
for each group of speakers, the face network is trained again without the group, and the voice
network without the group's whole corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentistream.analyzer import Analyzer
from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.labels import class_number
from sentistream.datasets.recordings import Recording, java_sed
from sentistream.decision.lite import LiteDecision
from sentistream.errors import skip_failures
from sentistream.media import open_source
from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.lite import Fusion
from sentistream.networks.paper import FusedNetwork, VisualNetwork
from sentistream.profiles import LITE
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.clip_examples import ClipMoments, clip_splits, person_and_source
from sentistream.training.examples import Examples, balanced, join, pair_by_label
from sentistream.training.face_examples import paper_face_images
from sentistream.training.face_task import PAPER_FACE_DATA, PAPER_FACE_WEAKNESSES, FaceTask
from sentistream.training.inference import (
    TorchRunnable,
    as_tensors,
    device_of,
    update_batch_norm,
)
from sentistream.training.model_cards import BATCH_NORM_NOTE, CardText, data_sets
from sentistream.training.mouth_task import LiteMouthTask
from sentistream.training.preparation import Preparation
from sentistream.training.recipes import Recipe
from sentistream.training.splits import Splits
from sentistream.training.task import ClassificationTask, PaperTask, Task, cross_entropy
from sentistream.training.trainer import train_network
from sentistream.training.voice_examples import paper_voice_windows
from sentistream.training.voice_task import (
    PAPER_VOICE_WEAKNESSES,
    VOICES_PER_CLASS,
    LiteVoiceTask,
    VoiceSpectrumTask,
    VoiceTask,
)
from sentistream.types import FloatArray

REAL_PAIRS_PER_CLASS = 400
"""Examples of the paper's fused network whose face and voice are one person's."""

SPEAKER_GROUPS = (("java-sed-01", "java-sed-06"), ("java-sed-02", "java-sed-07"))
"""A woman and a man each, of the speakers that are not held out."""

_MOMENT_STEP = 3  # every third moment is an example
_WEIGHT_DECAY = 1e-3
_BATCH = 64


class FusedTask(PaperTask):
    """The paper's fused network (Table 4), which needs ``visual`` and ``audio``."""

    name = "fused"
    recipe: Recipe = Recipe(optimizer="sgd", learning_rate=0.01, decay=0.0)
    int8_input: str = "spectrogram"  # three quarters of the profile's work
    card_text: CardText = CardText(
        task="Sentiment of a face and the 30 ms of voice heard with it (Table 4)",
        data=(*PAPER_FACE_DATA, *data_sets("ravdess", "java-sed")),
        weaknesses=(*PAPER_FACE_WEAKNESSES, *PAPER_VOICE_WEAKNESSES),
        recipe_note=(
            "The paper's recipe from the trained branches, with fewer epochs than its 50, after "
            "its own 21 parameters were fitted with the branches fixed. Three quarters of the "
            "pairs combine a face and a voice of different people with the same class; one quarter"
            " are real pairs from Java-SED." + BATCH_NORM_NOTE
        ),
    )

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        return paper_pairs(preparation)

    def build(self, runs: Path) -> nn.Module:
        """The trained branches joined (section 3.2)."""
        visual, audio = VisualNetwork(), FoldedAudioNetwork()
        load_network_weights(runs / "visual", visual)
        load_network_weights(runs / "audio", audio)
        return FusedNetwork(visual, audio)

    def initialize(self, network: nn.Module, examples: Examples) -> None:
        fit_last_layer(network, examples)


def paper_pairs(preparation: Preparation) -> Splits:
    """Faces with voices: of one class from image sets and RAVDESS, and real pairs of clips."""
    voices, images = paper_voice_windows(preparation), paper_face_images(preparation)
    clips = clip_splits(preparation, ClipMoments.pairs)
    made_pairs = VOICES_PER_CLASS - REAL_PAIRS_PER_CLASS
    train = pair_by_label(images.train, voices.train, made_pairs, 3)
    held_out = pair_by_label(images.held_out, voices.held_out, VOICES_PER_CLASS // 4, 4)
    return Splits(
        join([train, balanced(clips.train, REAL_PAIRS_PER_CLASS, seed=5)]),
        join([held_out, clips.held_out]),
    )


def fit_last_layer(network: nn.Module, examples: Examples) -> None:
    """Fits the 21 parameters of the last layer by logistic regression, with fixed branches.

    From random ones, the first steps would bend the trained branches.

    Args:
        network: A ``FusedNetwork`` with trained branches; changed in place.
        examples: Pairs of face and spectrogram.
    """
    if not isinstance(network, FusedNetwork):
        raise TypeError(f"A fused network is needed, not {type(network).__name__}.")
    update_batch_norm(network, examples)
    answers, device = [], device_of(network)
    with torch.no_grad():
        for start in range(0, len(examples), _BATCH):
            batch = examples.take(slice(start, start + _BATCH))
            inputs, _ = as_tensors(batch, device=device)
            answers.append(network.branches(*inputs))
    branches, labels = torch.cat(answers), torch.from_numpy(examples.labels).to(device)
    optimizer = torch.optim.LBFGS(
        network.fusion.parameters(), max_iter=200, line_search_fn="strong_wolfe"
    )

    def loss() -> float:
        optimizer.zero_grad()
        value = cross_entropy(network.fusion(branches), labels)
        value = value + _WEIGHT_DECAY * network.fusion.weight.square().sum()
        torch.autograd.backward(value)
        return float(value.detach())

    optimizer.step(loss)  # type: ignore[no-untyped-call]


class FusionTask(ClassificationTask):
    """The fusion of ``lite``, which needs ``mouth``, ``face`` and both networks of the voice."""

    profile = "lite"
    name = "fusion"
    # no label smoothing: the fusion is to be calibrated
    recipe: Recipe = Recipe(
        optimizer="adamw", learning_rate=0.02, schedule="cosine", batch=256, epochs=30
    )
    card_text: CardText = CardText(
        task="Fuses face and voice, each weighted by how far it can be trusted at this moment",
        data=(),
        weaknesses=(
            "Its three numbers were fitted on four acting speakers.",
            "The voice is trusted when lips move during speech: a voice from elsewhere while "
            "somebody chews counts as theirs.",
        ),
        recipe_note=(
            "Fitted on answers of face and voice networks trained without the speakers they "
            "answered for, so that their confidence was that on unknown people."
        ),
    )

    def __init__(
        self,
        face: Task | None = None,
        voice: Task | None = None,
        spectrum: Task | None = None,
    ) -> None:
        self._mouth = LiteMouthTask()
        self._branches = {
            "face": face or FaceTask(),
            "voice": voice or VoiceTask(),
            "spectrum": spectrum or VoiceSpectrumTask(),
        }

    def prepare(self, preparation: Preparation, runs: Path) -> Splits:
        """Moments of Java-SED clips, answered by networks that know none of the speakers.

        Args:
            preparation: Reads data.
            runs: Has ``mouth``, ``face``, ``voice`` and ``voice-spectrum``; the networks without
                a group of speakers are trained in ``fusion``.
        """
        clips = [one for one in java_sed(preparation.data / "javased") if one.sentiment is not None]
        mouth = _trained(self._mouth, runs)
        splits = {name: task.prepare(preparation, runs) for name, task in self._branches.items()}
        train = []
        for group in SPEAKER_GROUPS:
            chosen = [clip for clip in clips if clip.person in group]
            if not chosen:
                continue
            networks = {}
            for name, task in self._branches.items():
                preparation.on_progress(f"{name} without {' and '.join(group)}")
                networks[name] = _trained_without(group, task, splits[name], runs)
            train.append(_fusion_moments(chosen, {"mouth": mouth, **networks}, preparation))
        networks = {name: _trained(task, runs) for name, task in self._branches.items()}
        held_out = [clip for clip in clips if clip.person in HELD_OUT_PEOPLE]
        return Splits(
            join(train), _fusion_moments(held_out, {"mouth": mouth, **networks}, preparation)
        )

    def build(self, runs: Path) -> nn.Module:
        return Fusion()

    def convert(self, stored: Mapping[str, Tensor]) -> list[Tensor]:
        return list(stored.values())


class FusionInputRecorder:
    """Takes the place of the fusion network and keeps its inputs."""

    def __init__(self) -> None:
        self.inputs: list[dict[str, NDArray[Any]]] = []

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        """The face's answer, unchanged."""
        # the second half are the faces' answers up to now
        first = len(inputs["face"]) // 2
        self.inputs.append(
            {name: values[first : first + 1].copy() for name, values in inputs.items()}
        )
        answer: FloatArray = inputs["face"]
        return answer


def _trained(task: Task, runs: Path) -> TorchRunnable:
    network = task.build(runs)
    load_network_weights(runs / task.name, network)
    return TorchRunnable(network, task)


def _trained_without(
    people: Sequence[str], task: Task, splits: Splits, runs: Path
) -> TorchRunnable:
    left_out = np.isin(splits.train.people, list(people))
    if isinstance(task, LiteVoiceTask):
        left_out = np.isin(splits.train.sources, splits.train.sources[left_out])
    others = Splits(splits.train.take(~left_out), splits.held_out)
    folder = runs / "fusion" / f"{task.name}-without-{'-'.join(people)}"
    return TorchRunnable(train_network(task, others, folder, runs), task)


def _fusion_moments(
    clips: Iterable[Recording], networks: Mapping[str, TorchRunnable], preparation: Preparation
) -> Examples:
    """The inputs that the live decision would give the fusion."""
    found = []
    for clip in clips:
        preparation.on_progress("moments of clips")
        recorder = FusionInputRecorder()
        decision = LiteDecision(LITE, **networks, fusion=recorder)
        analyzer = Analyzer(LITE, decision=decision)
        problems: list[str] = []
        with (
            skip_failures(clip.path, problems.append),
            open_source(clip.path, tick=LITE.tick, sound_window=LITE.sound_window) as source,
        ):
            for moment in source:
                analyzer.process(moment)
        for problem in problems:
            preparation.on_problem(problem)
        kept = recorder.inputs[::_MOMENT_STEP]
        if kept and not problems:
            inputs = {name: np.concatenate([one[name] for one in kept]) for name in kept[0]}
            found.append(_labelled(clip, inputs, len(kept)))
    return join(found)


def _labelled(clip: Recording, inputs: dict[str, Any], count: int) -> Examples:
    person, source = person_and_source(clip)
    return Examples(
        inputs=inputs,
        labels=np.full(count, class_number(clip.sentiment or ""), dtype=np.int64),
        people=np.full(count, person),
        sources=np.full(count, source),
        clips=np.full(count, clip.path.stem),
    )
