"""What each of the paper's four networks learns from, and how it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from sentistream.datasets.images import LabelledImage, read_images
from sentistream.datasets.recordings import Recording, java_sed, ravdess
from sentistream.datasets.splits import HELD_OUT_PEOPLE
from sentistream.networks.folded import FoldedAudioNetwork
from sentistream.networks.paper import FusedNetwork, MouthNetwork, VisualNetwork
from sentistream.training.cache import cached
from sentistream.training.card_texts import PAPER_CARD_TEXTS
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.clips import ClipMoments, load_moments, read_moments
from sentistream.training.examples import (
    Examples,
    balanced,
    join,
    pair_by_label,
)
from sentistream.training.faces import prepare_faces
from sentistream.training.fusion import fit_fusion
from sentistream.training.mouths import prepare_mouths
from sentistream.training.parts import OnPrepare, Part, Sides
from sentistream.training.recipes import PAPER_RECIPES
from sentistream.training.voices import prepare_voices

WINDOWS_PER_TAKE = 20
"""How many windows of 30 ms each recording of voice gives."""

VOICES_PER_CLASS = 1_600
"""A third of the paper's 4,800 spectrograms (Table 6)."""

REAL_PAIRS_PER_CLASS = 400
"""Of the fused network's examples, those whose face and voice are one person's."""


class Preparation:
    """Makes examples from raw data, each kind once, and keeps them.

    Args:
        data: The folder with the data sets.
        folder: Where prepared examples are kept.
        on_progress: Called with a word on what is being prepared, often.
    """

    def __init__(
        self, data: Path, folder: Path, on_progress: Callable[[str], None] = lambda _: None
    ) -> None:
        self._data = data
        self._folder = folder
        self._on_progress = on_progress

    def faces(self) -> Sides:
        """Windows of face images, and of the faces in real clips."""
        clips = self._clips(ClipMoments.faces)
        return Sides(
            join([self._face_images("train"), clips.train]),
            join([self._face_images("validation"), clips.held_out]),
        )

    def mouths(self) -> Sides:
        """Mouth crops, and the mouths in real clips."""
        clips = self._clips(ClipMoments.mouths)
        return Sides(
            join([self._mouth_images("train"), clips.train]),
            join([self._mouth_images("validation"), clips.held_out]),
        )

    def voices(self) -> Sides:
        """Voiced windows of RAVDESS speech, classes balanced."""
        sides = self._voice_windows()
        return Sides(
            balanced(sides.train, VOICES_PER_CLASS, seed=1),
            balanced(sides.held_out, VOICES_PER_CLASS // 4, seed=2),
        )

    def pairs(self) -> Sides:
        """Faces with voices: of the same class from image sets and RAVDESS, and real pairs."""
        voices = self._voice_windows()
        clips = self._clips(ClipMoments.pairs)
        train = pair_by_label(
            self._face_images("train"), voices.train, VOICES_PER_CLASS - REAL_PAIRS_PER_CLASS, 3
        )
        held_out = pair_by_label(
            self._face_images("validation"), voices.held_out, VOICES_PER_CLASS // 4, 4
        )
        return Sides(
            join([train, balanced(clips.train, REAL_PAIRS_PER_CLASS, seed=5)]),
            join([held_out, clips.held_out]),
        )

    def _voice_windows(self) -> Sides:
        def side(name: str, seed: int, *, held_out: bool) -> Examples:
            def make() -> Examples:
                recordings = _of_side(ravdess(self._data / "ravdess_speech"), held_out=held_out)
                return prepare_voices(
                    recordings, WINDOWS_PER_TAKE, seed, lambda: self._on_progress("voices")
                )

            return cached(self._folder / f"voices-{name}.npz", make)

        return Sides(side("train", 1, held_out=False), side("held-out", 2, held_out=True))

    def _clips(self, select: Callable[[ClipMoments], Examples]) -> Sides:
        return Sides(
            select(self._clip_moments(held_out=False)), select(self._clip_moments(held_out=True))
        )

    def _clip_moments(self, *, held_out: bool) -> ClipMoments:
        path = self._folder / f"clips-{'held-out' if held_out else 'train'}.npz"
        if not path.exists():
            recordings = _of_side(java_sed(self._data / "javased"), held_out=held_out)
            read_moments(recordings, lambda: self._on_progress("clips")).save(path)
        return load_moments(path)

    def _face_images(self, split: str) -> Examples:
        return cached(
            self._folder / f"faces-{split}.npz",
            lambda: prepare_faces(
                self._images("faces", split),
                backgrounds=split == "train",
                seed=1,
                on_progress=lambda: self._on_progress("faces"),
            ),
        )

    def _mouth_images(self, split: str) -> Examples:
        return cached(
            self._folder / f"mouths-{split}.npz",
            lambda: prepare_mouths(self._images("mouths", split)),
        )

    def _images(self, name: str, split: str) -> Iterator[LabelledImage]:
        images = read_images(self._data / f"{name}.parquet")
        return (image for image in images if image.split == split)


def _of_side(recordings: list[Recording], *, held_out: bool) -> list[Recording]:
    return [entry for entry in recordings if (entry.person in HELD_OUT_PEOPLE) == held_out]


def _fused_from_branches(runs: Path) -> FusedNetwork:
    """The trained branches joined (section 3.2)."""
    visual, audio = VisualNetwork(), FoldedAudioNetwork()
    load_network_weights(runs / "visual", visual)
    load_network_weights(runs / "audio", audio)
    return FusedNetwork(visual, audio)


def _prepared(kind: Callable[[Preparation], Sides]) -> Callable[[Path, Path, OnPrepare], Sides]:
    return lambda data, folder, on_progress: kind(Preparation(data, folder, on_progress))


PARTS = {
    "mouth": Part(_prepared(Preparation.mouths), lambda _: MouthNetwork(), outputs=("open",)),
    "visual": Part(_prepared(Preparation.faces), lambda _: VisualNetwork()),
    "visual-plain": Part(_prepared(Preparation.faces), lambda _: VisualNetwork(), shipped=False),
    "audio": Part(_prepared(Preparation.voices), lambda _: FoldedAudioNetwork()),
    "fused": Part(_prepared(Preparation.pairs), _fused_from_branches, fit_fusion),
}
"""In the order in which they are trained; the fused network needs visual and audio."""

RECIPES = PAPER_RECIPES

CARD_TEXTS = PAPER_CARD_TEXTS
