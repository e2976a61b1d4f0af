"""The ``lite`` decision: face and recent voice, weighted by how far each can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sentistream.accumulation import EvidenceMean
from sentistream.decision.expressions import Expressions
from sentistream.decision.face_baseline import FaceBaseline
from sentistream.decision.verdict import Verdict
from sentistream.decision.voice_classifier import VoiceClassifier, describe
from sentistream.media.resample import resample
from sentistream.prior import correct
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.smoothing import weight
from sentistream.types import Branch, Distribution, Face, Flag, FloatArray, Moment, Picture
from sentistream.vision.alignment import align, view
from sentistream.vision.crops import mouth_window
from sentistream.vision.face_geometry import lip_gap
from sentistream.vision.face_tracker import MEMORY
from sentistream.voice.active_speaker import ActiveSpeakerDetector
from sentistream.voice.feature_buffer import SPAN, FeatureBuffer
from sentistream.voice.utterance import MIN_SPEECH, utterance
from sentistream.voice.voice_baseline import VoiceBaselines

MOUTH_SIZE = 32
"""Width and height of the ``lite`` mouth network's input, pixels."""

VOICE_INTERVAL = 0.24
"""Seconds from one run of the voice network to the next."""

MOUTH_TIME_CONSTANT = 0.06
"""Seconds in which the state of a mouth forgets all but 1/e of what it was."""

LIP_GAP_WEIGHT = 2.0
"""What the lips' distance, in distances of the eyes, counts beside the mouth network's answer.

The network tells lips that touch from lips that do not, the landmarks how far they are apart:
people who talk with their teeth showing move the second alone.
"""

CERTAIN_SPEAKER = 0.6
"""Share of the voice above which it is added to that face's voice baseline."""

UNIFORM: FloatArray = np.full(3, 1 / 3, np.float32)
"""The answer of a branch without input."""


class LiteDecision:
    """Face, mouth and voice networks, fused by how far each can be trusted.

    The face's answers accumulate over time. The voice network's latest answer replaces earlier
    ones, because it covers the same seconds and newer ones. For somebody who stays in view, part
    of what is usual for that face is subtracted (``face_baseline``).

    The voice of the last three seconds is judged four times a second, relative to how the voice of
    each face, or of the place, usually sounds; the answer is weighted by the confidence that the
    voice is that face's, and by how long somebody has spoken.

    Args:
        profile: Names the networks.
        mouth, face, voice, fusion: Networks to use instead of the profile's; ``voice`` replaces
            both voice networks.
        spectrum: The voice spectrum network to use with ``voice``.

    Raises:
        ModelError: A network is missing or altered.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        mouth: Runnable | None = None,
        face: Runnable | None = None,
        voice: Runnable | None = None,
        spectrum: Runnable | None = None,
        fusion: Runnable | None = None,
    ) -> None:
        self._threshold = profile.mouth_threshold
        self._time_constant, self._stretch = profile.time_constant, profile.stretch
        self._factors = profile.prior.factors(profile.learned_shares)
        self._mouth = mouth or load_network(profile.mouth_model)
        self._expressions = Expressions(face or load_network(profile.face_model))
        self._voice = VoiceClassifier(voice, spectrum) if voice else VoiceClassifier.load(profile)
        self._fusion = fusion or load_network(profile.fused_model)
        self._features = FeatureBuffer()
        self.reset()

    def reset(self) -> None:
        """Clears all state, as for a new source."""
        self._tracks: list[int] = []
        self._lip_gaps: list[float] = []
        self._by_face = np.zeros((0, 3), np.float32)
        self._mouth_open = np.zeros(0, np.float32)
        self._mouths: dict[int, tuple[float, float]] = {}
        self._expressions.reset()
        self._features.reset()
        self._active_speaker = ActiveSpeakerDetector()
        self._means: dict[int, EvidenceMean] = {}
        self._face_baselines: dict[int, FaceBaseline] = {}
        self._baselines = VoiceBaselines(SPAN)
        self._by_voice: dict[int | None, FloatArray] = {}
        self._voice_updated_at = -math.inf

    def update_faces(self, picture: Picture, faces: Sequence[Face], time: float) -> None:
        """Runs the face and mouth networks, on luma only: nothing is converted to colour.

        The face network runs every ``EXPRESSION_INTERVAL``, the mouth network on each picture.
        """
        luma = picture.luma
        mouths = np.empty((len(faces), MOUTH_SIZE, MOUTH_SIZE, 1), np.uint8)
        for index, face in enumerate(faces):
            lips = mouth_window(face.landmarks)
            mouths[index, ..., 0] = resample(luma, lips, MOUTH_SIZE, MOUTH_SIZE)
        self._lip_gaps = [lip_gap(face.landmarks) for face in faces]
        self._tracks = [face.track for face in faces]
        due = [face for face in faces if self._expressions.is_due(face.track, time)]
        if due:
            views = np.stack([view(luma, align(face.landmarks)) for face in due])
            tracks = [face.track for face in due]
            self._expressions.update(tracks, views[..., np.newaxis], time)
        opened = self._mouth.run(mouth=mouths)
        self._by_face = self._expressions.of(self._tracks)
        self._mouth_open = np.clip(opened[:, 0], 0, 1)

    def update_sound(self, moment: Moment) -> None:
        """Keeps the sound up to date while no face is in view."""
        self._tracks, self._lip_gaps = [], []
        self._forget(moment.time)
        self._update_voice(moment)

    def decide(self, moment: Moment) -> list[Verdict]:
        """Fuses face and voice for each face."""
        has_sound = self._update_voice(moment)
        mouths = self._smooth_mouths(moment.time)
        openings = {
            track: mouths[track] + LIP_GAP_WEIGHT * gap
            for track, gap in zip(self._tracks, self._lip_gaps, strict=True)
        }
        self._active_speaker.update(
            moment.time, openings, speaking=has_sound and self._features.speaking
        )
        anybody = self._by_voice.get(None, UNIFORM)
        voice = np.array([self._by_voice.get(track, anybody) for track in self._tracks])
        evidence = self._evidence()
        shares = [self._active_speaker.share(track) * evidence for track in self._tracks]
        trust = np.array(shares, np.float32)[:, np.newaxis]
        alone = np.zeros_like(trust)
        count = len(self._tracks)
        now, remembered = self._accumulate(moment.time)
        # first half: the faces' answers at this moment; second half: accumulated; each with and
        # without the voice
        inputs = {
            "face": np.concatenate([now, now, remembered, remembered]),
            "voice": np.concatenate([voice.reshape(count, 3)] * 4),
            "trust": np.concatenate([trust, alone, trust, alone]),
        }
        answers = self._fusion.run(**inputs)
        joined = correct(answers, self._factors)
        verdicts = []
        for index, track in enumerate(self._tracks):
            fused = shares[index] > 0
            momentary, _, accumulated, by_face = map(Distribution.from_array, joined[index::count])
            verdicts.append(
                Verdict(
                    mouth_open=mouths[track],
                    branch=Branch.FUSED if fused else Branch.FACE,
                    momentary=momentary,
                    accumulated=accumulated,
                    flags=(Flag.NO_SOUND,)
                    if mouths[track] >= self._threshold and not has_sound
                    else (),
                    voice_share=accumulated.distance(by_face) if fused else 0.0,
                )
            )
        return verdicts

    def _update_voice(self, moment: Moment) -> bool:
        has_sound = self._features.add(moment)
        if moment.time - self._voice_updated_at >= VOICE_INTERVAL - 1e-6:
            self._voice_updated_at = moment.time
            frames = utterance(self._features.frames, self._features.speech)
            self._by_voice = {}
            if frames is not None:
                heard = self._voice.hear(describe(frames))
                whose = [None, *self._tracks]
                self._baselines.take(moment.time, heard, self._speaker())
                answers = self._voice.classify(heard, [self._baselines.of(one) for one in whose])
                self._by_voice = dict(zip(whose, answers, strict=True))
        return has_sound

    def _speaker(self) -> int | None:
        """The track that is clearly speaking; None if no one is."""
        shares = {track: self._active_speaker.share(track) for track in self._tracks}
        return next((track for track, share in shares.items() if share > CERTAIN_SPEAKER), None)

    def _evidence(self) -> float:
        """Weight of the voice by how much speech the window holds, 0 to 1."""
        # where no mouth ever counts as open, nobody speaks
        if not self._by_voice or math.isinf(self._threshold):
            return 0.0
        return min(1.0, self._features.speech_seconds / (4 * MIN_SPEECH))

    def _accumulate(self, time: float) -> tuple[FloatArray, FloatArray]:
        """Each face's answer now and accumulated, relative to its baseline, (N, 3) each."""
        now, remembered = np.empty((2, *self._by_face.shape), np.float32)
        for index, track in enumerate(self._tracks):
            probabilities = self._by_face[index]
            mean = self._means.setdefault(track, EvidenceMean(self._time_constant))
            usual = self._face_baselines.setdefault(track, FaceBaseline(self._stretch))
            usual.take(probabilities, time)
            now[index], remembered[index] = usual.relative(
                np.stack([probabilities, mean.update(probabilities, time)])
            )
        self._forget(time)
        return now, remembered

    def _forget(self, time: float) -> None:
        """Drops the state of tracks that ended."""
        self._means = {
            track: mean
            for track, mean in self._means.items()
            if track in self._tracks or time - mean.time <= 2 * MEMORY
        }
        self._face_baselines = {track: self._face_baselines[track] for track in self._means}
        self._baselines.forget(set(self._means))

    def _smooth_mouths(self, time: float) -> dict[int, float]:
        """Probability that each mouth is open, smoothed from picture to picture."""
        followed = {}
        for track, opening in zip(self._tracks, self._mouth_open.tolist(), strict=True):
            before, state = self._mouths.get(track, (time, opening))
            state += weight(time - before, MOUTH_TIME_CONSTANT) * (opening - state)
            followed[track] = (time, state)
        self._mouths = followed
        return {track: state for track, (_, state) in followed.items()}
