"""What the ``lite`` fusion learns from: face and voice of real clips, as people unknown to both.

Answers about people whom a network learned from are surer than any it will give again, and a
fusion fitted to them would trust it too much. So for each group of speakers the face network is
trained once more without them, and the voice network without all of their corpus: what a voice
is worth among people of a corpus it never heard is what it is worth to whoever installs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from sentistream.networks.lite import Fusion
from sentistream.profiles import LITE
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.examples import Examples, join
from sentistream.training.loop import fit
from sentistream.training.parts import OnPrepare, OnProblem, Part, Sides
from sentistream.training.recipes import Recipe
from sentistream.types import FloatArray

GROUPS = (("java-sed-01", "java-sed-06"), ("java-sed-02", "java-sed-07"))
"""A woman and a man each, of those that are not held out."""

EVERY = 3
"""One moment in so many is learned from."""


class TorchRunnable:
    """A PyTorch network where an exported one is expected."""

    def __init__(self, network: nn.Module, part: Part) -> None:
        finished = part.finish(network).eval()
        self._network, self._convert = finished, part.convert

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        """Probabilities, shape (N, outputs)."""
        tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
        with torch.inference_mode():
            logits: Tensor = self._network(*self._convert(tensors))
        answers = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)
        return np.asarray(answers.numpy(), dtype=np.float32)


class Recorder:
    """Stands where the fusion would and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, NDArray[Any]]] = []

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        """The face's answer, as it is."""
        # behind what the faces say now stands what they said up to now
        first = len(inputs["face"]) // 2
        self.asked.append(
            {name: values[first : first + 1].copy() for name, values in inputs.items()}
        )
        answer: FloatArray = inputs["face"]
        return answer


def fusion_examples(
    data: Path,
    runs: Path,
    parts: dict[str, Part],
    recipes: dict[str, Recipe],
    notice: OnPrepare,
    on_problem: OnProblem,
) -> Sides:
    """Moments of Java-SED clips by networks that know none of the speakers.

    Args:
        data: The folder with the data sets.
        runs: Where ``mouth``, ``face-stills``, ``face`` and ``voice`` were trained; the networks
            without one group or the other are trained below ``fusion``.
        parts, recipes: Of the profile.
        notice: Called often with a word on what is being done.
        on_problem: Told of files that cannot be read, which are left out.
    """
    clips = [one for one in java_sed(data / "javased") if one.sentiment is not None]
    mouth = _trained("mouth", parts, runs / "mouth", runs)
    sides = {
        name: parts[name].examples(data, runs / "prepared", notice, on_problem)
        for name in _BRANCHES
    }
    train = []
    for group in GROUPS:
        chosen = [clip for clip in clips if clip.person in group]
        if not chosen:
            continue
        networks = {
            name: _trained_without(group, name, sides[name], parts, recipes, runs, notice)
            for name in _BRANCHES
        }
        asked = mouth, networks["face"], networks["voice"]
        train.append(_moments(chosen, *asked, notice, on_problem))
    face, voice = (_trained(name, parts, runs / name, runs) for name in _BRANCHES)
    held_out = [clip for clip in clips if clip.person in HELD_OUT_PEOPLE]
    return Sides(join(train), _moments(held_out, mouth, face, voice, notice, on_problem))


_BRANCHES = ("face", "voice")


def _trained(name: str, parts: dict[str, Part], folder: Path, runs: Path) -> TorchRunnable:
    network = parts[name].build(runs)
    load_network_weights(folder, network)
    return TorchRunnable(network, parts[name])


def _trained_without(
    people: Sequence[str],
    name: str,
    sides: Sides,
    parts: dict[str, Part],
    recipes: dict[str, Recipe],
    runs: Path,
    notice: OnPrepare,
) -> TorchRunnable:
    part, recipe = parts[name], recipes[name]
    notice(f"{name} without {' and '.join(people)}")
    torch.manual_seed(recipe.seed)
    network = part.build(runs)
    whose = np.isin(sides.train.people, list(people))
    if name == "voice":
        whose = np.isin(sides.train.sources, sides.train.sources[whose])
    others = sides.train.take(~whose)
    fit(
        network,
        others,
        sides.held_out,
        recipe,
        runs / "fusion" / f"{name}-without-{'-'.join(people)}",
        start=part.start,
        augmentation=part.augmentation,
        loss=part.loss,
        right=part.right,
        convert=part.convert,
    )
    return TorchRunnable(network, part)


def _moments(
    clips: Iterable[Recording],
    mouth: TorchRunnable,
    face: TorchRunnable,
    voice: TorchRunnable,
    notice: OnPrepare,
    on_problem: OnProblem,
) -> Examples:
    """What the live decision would ask the fusion, of one moment in ``EVERY``."""
    found = []
    for clip in clips:
        notice("moments of clips")
        recorder = Recorder()
        decision = LiteDecision(LITE, mouth=mouth, face=face, voice=voice, fusion=recorder)
        analyzer = Analyzer(LITE, decision=decision)
        problems: list[str] = []
        with (
            skip_failures(clip.path, problems.append),
            open_source(clip.path, tick=LITE.tick, sound_window=LITE.sound_window) as source,
        ):
            for moment in source:
                analyzer.process(moment)
        for problem in problems:
            on_problem(problem)
        asked = recorder.asked[::EVERY]
        if asked and not problems:
            inputs = {key: np.concatenate([one[key] for one in asked]) for key in asked[0]}
            found.append(_examples(clip, inputs, len(asked)))
    return join(found)


def _examples(clip: Recording, inputs: dict[str, Any], count: int) -> Examples:
    return Examples(
        inputs=inputs,
        labels=np.full(count, class_number(clip.sentiment or ""), dtype=np.int64),
        people=np.full(count, clip.person),
        sources=np.full(count, clip.person.rsplit("-", 1)[0]),
        clips=np.full(count, clip.path.stem),
    )


def as_they_are(values: Any) -> list[Tensor]:
    """Inputs that need no conversion."""
    return list(values.values())


def new_fusion(_: Path) -> Fusion:
    """With starting weights."""
    return Fusion()
