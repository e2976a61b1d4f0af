"""The paper's decision: the face alone with a closed mouth, face and voice with an open one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentistream.decision.verdict import Verdict
from sentistream.prior import correct
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import (
    SOUND_RATE,
    Branch,
    Distribution,
    Face,
    Flag,
    FloatArray,
    Moment,
    Picture,
    UInt8Array,
)
from sentistream.vision.crops import FACE_SIZE, MOUTH_SIZE, face_window, mouth_window
from sentistream.voice import spectrogram


class PaperDecision:
    """Equation 2 and the two branches of Figure 1.

    Args:
        profile: Names the networks and the threshold.
        mouth, face, fused: Networks to use instead of the profile's.

    Raises:
        ModelError: A network is missing or altered.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        mouth: Runnable | None = None,
        face: Runnable | None = None,
        fused: Runnable | None = None,
    ) -> None:
        self._threshold = profile.mouth_threshold
        self._mouth = mouth or load_network(profile.mouth_model)
        self._face = face or load_network(profile.face_model)
        self._fused = fused or load_network(profile.fused_model)
        self._factors = profile.prior.factors(profile.learned_shares)
        self._samples = round(profile.sound_window * SOUND_RATE)
        self.reset()

    def reset(self) -> None:
        """Clears all state, as for a new source."""
        self._face_crops = np.empty((0, FACE_SIZE, FACE_SIZE, 3), np.uint8)
        self._mouth_open = np.zeros(0, np.float32)
        self._by_face: dict[int, Distribution] = {}

    def update_faces(self, picture: Picture, faces: Sequence[Face], time: float) -> None:
        """Crops faces and mouths, and runs the mouth network."""
        mouths = np.empty((len(faces), MOUTH_SIZE, MOUTH_SIZE, 3), np.uint8)
        self._face_crops = np.empty((len(faces), FACE_SIZE, FACE_SIZE, 3), np.uint8)
        for index, face in enumerate(faces):
            window, lips = face_window(face.landmarks), mouth_window(face.landmarks)
            self._face_crops[index] = picture.crop(window, FACE_SIZE, FACE_SIZE)
            mouths[index] = picture.crop(lips, MOUTH_SIZE, MOUTH_SIZE)
        opened = self._mouth.run(mouth=mouths)
        self._mouth_open = np.clip(opened[:, 0], 0, 1)
        self._by_face = {}

    def update_sound(self, moment: Moment) -> None:
        """Nothing to do: each moment's sound is judged separately."""

    def decide(self, moment: Moment) -> list[Verdict]:
        """The face's answer, or the fused one if the mouth is open and there is sound."""
        speaking = self._mouth_open >= self._threshold
        columns = self._spectrogram(moment.sound) if speaking.any() else None
        fused = speaking if columns is not None else np.zeros_like(speaking)
        answers = self._answers(fused, columns)
        return [
            Verdict(
                mouth_open=float(self._mouth_open[index]),
                branch=Branch.FUSED if fused[index] else Branch.FACE,
                momentary=answers[index],
                flags=(Flag.NO_SOUND,) if speaking[index] and not fused[index] else (),
                # the fused network has no answer for the face alone
                voice_share=None if fused[index] else 0.0,
            )
            for index in range(len(speaking))
        ]

    def _spectrogram(self, sound: FloatArray | None) -> UInt8Array | None:
        """The spectrogram of the sound that ends now; None if there is not enough of it."""
        if sound is None or len(sound) < self._samples:
            return None
        return spectrogram.columns(sound[-self._samples :])

    def _answers(
        self, fused: NDArray[np.bool_], columns: UInt8Array | None
    ) -> dict[int, Distribution]:
        """Each face's answer by its index: of face and voice if ``fused``."""
        alone = [index for index in np.flatnonzero(~fused) if index not in self._by_face]
        if alone:
            answers = self._face.run(face=self._face_crops[alone])
            for index, answer in zip(alone, answers, strict=True):
                self._by_face[int(index)] = Distribution.from_array(correct(answer, self._factors))
        decided = {int(i): self._by_face[int(i)] for i in np.flatnonzero(~fused)}
        together = np.flatnonzero(fused)
        if columns is not None and together.size:
            spectrograms = np.repeat(columns[np.newaxis], together.size, axis=0)
            faces = self._face_crops[together]
            answers = self._fused.run(face=faces, spectrogram=spectrograms)
            for index, answer in zip(together, answers, strict=True):
                decided[int(index)] = Distribution.from_array(correct(answer, self._factors))
        return decided
