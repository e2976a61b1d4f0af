"""Our own decision: face and the last seconds of voice, each as far as it can be trusted now."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sentistream.accumulation import EvidenceMean
from sentistream.decision.expressions import Expressions
from sentistream.decision.face_baseline import FaceBaseline
from sentistream.decision.interface import Runnable, Verdict
from sentistream.media.picture import resample
from sentistream.prior import correct
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.asking import Ask, Asking
from sentistream.smoothing import weight
from sentistream.types import Branch, Distribution, Face, Flag, FloatArray, Moment, Picture
from sentistream.vision.alignment import align, view
from sentistream.vision.crops import mouth_window
from sentistream.vision.shape import lip_gap
from sentistream.vision.tracker import MEMORY
from sentistream.voice.baseline import Baselines, network_inputs
from sentistream.voice.functionals import functionals
from sentistream.voice.listener import SPAN, Listener
from sentistream.voice.speakers import Speakers
from sentistream.voice.utterance import LEAST_SPEECH, utterance

MOUTH_SIZE = 32
"""Width and height of the ``lite`` mouth network's input, pixels."""

HEAR_EVERY = 0.24
"""Seconds from one answer of the voice network to the next."""

MOUTH_TIME_CONSTANT = 0.06
"""Seconds in which the state of a mouth forgets all but 1/e of what it was."""

LIP_GAP_WEIGHT = 2.0
"""What the lips' distance, in distances of the eyes, counts beside the mouth network's answer.

The network tells lips that touch from lips that do not, the landmarks how far they are apart:
people who talk with their teeth showing move the second alone.
"""

SURE_SPEAKER = 0.6
"""Share of the voice from which it counts towards how that face's voice usually sounds."""

UNKNOWING: FloatArray = np.full(3, 1 / 3, np.float32)
"""What a branch that has nothing to go by says."""


class LiteDecision:
    """Face, mouth and voice networks, joined by how far each is to be trusted.

    Over time the face's answers add up, while the voice's latest takes the place of earlier
    ones: it has heard what they had, and more. Of somebody who stays in view, part of what is
    usual for that face is taken off.

    The voice of the last three seconds is judged four times a second, against how the voice of
    each face, or of the place, usually sounds; the answer counts for a face as surely as the
    voice is that face's own, and the more the longer somebody has spoken.

    Args:
        profile: Names the networks.
        mouth, face, voice, fusion: Networks to use in place of the profile's.

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
        fusion: Runnable | None = None,
    ) -> None:
        self._threshold = profile.mouth_threshold
        self._time_constant, self._stretch = profile.time_constant, profile.stretch
        self._factors = profile.prior.factors(profile.learned_shares)
        self._mouth = mouth or load_network(profile.mouth_model)
        self._expressions = Expressions(face or load_network(profile.face_model))
        self._voice = voice or load_network(profile.voice_model)
        self._fusion = fusion or load_network(profile.fused_model)
        self._listener = Listener()
        self.reset()

    def reset(self) -> None:
        """Forgets what was seen and heard."""
        self._tracks: list[int] = []
        self._lip_gaps: list[float] = []
        self._by_face = np.zeros((0, 3), np.float32)
        self._seen_open = np.zeros(0, np.float32)
        self._mouths: dict[int, tuple[float, float]] = {}
        self._expressions.reset()
        self._listener.reset()
        self._speakers = Speakers()
        self._means: dict[int, EvidenceMean] = {}
        self._face_baselines: dict[int, FaceBaseline] = {}
        self._baselines = Baselines(SPAN)
        self._by_voice: dict[int | None, FloatArray] = {}
        self._answered = -math.inf

    def look(self, picture: Picture, faces: Sequence[Face], time: float) -> Asking[None]:
        """Sees faces and mouths; in brightness alone, so nothing is converted to colour.

        An expression is looked at again after ``LOOK_EVERY``, a mouth in every picture.
        """
        luma = picture.luma
        mouths = np.empty((len(faces), MOUTH_SIZE, MOUTH_SIZE, 1), np.uint8)
        for index, face in enumerate(faces):
            lips = mouth_window(face.landmarks)
            mouths[index, ..., 0] = resample(luma, lips, MOUTH_SIZE, MOUTH_SIZE)
        self._lip_gaps = [lip_gap(face.landmarks) for face in faces]
        self._tracks = [face.track for face in faces]
        asks = [Ask(self._mouth, {"mouth": mouths})]
        due = [face for face in faces if self._expressions.is_due(face.track, time)]
        if due:
            views = np.stack([view(luma, align(face.landmarks)) for face in due])
            tracks = [face.track for face in due]
            asks.append(self._expressions.ask(tracks, views[..., np.newaxis], time))
        opened, *by_face = yield tuple(asks)
        if due:
            self._expressions.take(by_face[0])
        self._by_face = self._expressions.of(self._tracks)
        self._seen_open = np.clip(opened[:, 0], 0, 1)

    def listen(self, moment: Moment) -> Asking[None]:
        """Goes on hearing while there is nobody to be seen."""
        self._tracks, self._lip_gaps = [], []
        self._forget(moment.time)
        yield from self._hear(moment)

    def decide(self, moment: Moment) -> Asking[list[Verdict]]:
        """Face and voice joined for each face."""
        heard = yield from self._hear(moment)
        mouths = self._follow_mouths(moment.time)
        openings = {
            track: mouths[track] + LIP_GAP_WEIGHT * gap
            for track, gap in zip(self._tracks, self._lip_gaps, strict=True)
        }
        self._speakers.update(moment.time, openings, speaking=heard and self._listener.speaking)
        anybody = self._by_voice.get(None, UNKNOWING)
        voice = np.array([self._by_voice.get(track, anybody) for track in self._tracks])
        evidence = self._evidence()
        trust = np.array(
            [[self._speakers.share(track) * evidence] for track in self._tracks], np.float32
        )
        count = len(self._tracks)
        now, remembered = self._remember(moment.time)
        # what the faces say now, and in the second half what they said up to now; either with
        # the voice and without
        asked = {
            "face": np.concatenate([now, now, remembered, remembered]),
            "voice": np.tile(voice.reshape(count, 3), (4, 1)),
            "trust": np.tile(np.concatenate([trust, np.zeros_like(trust)]), (2, 1)),
        }
        (answers,) = yield (Ask(self._fusion, asked),)
        joined = correct(answers, self._factors)
        verdicts = []
        for index, track in enumerate(self._tracks):
            fused = bool(trust[index, 0] > 0)
            momentary, _, accumulated, by_face = map(Distribution.from_array, joined[index::count])
            verdicts.append(
                Verdict(
                    mouth_open=mouths[track],
                    branch=Branch.FUSED if fused else Branch.FACE,
                    momentary=momentary,
                    accumulated=accumulated,
                    flags=(Flag.NO_SOUND,)
                    if mouths[track] >= self._threshold and not heard
                    else (),
                    voice_share=accumulated.distance(by_face) if fused else 0.0,
                )
            )
        return verdicts

    def _hear(self, moment: Moment) -> Asking[bool]:
        heard = self._listener.hear(moment)
        if moment.time - self._answered >= HEAR_EVERY - 1e-6:
            self._answered = moment.time
            frames = utterance(self._listener.frames, self._listener.speech)
            self._by_voice = {}
            if frames is not None:
                values = functionals(frames)
                whose = [None, *self._tracks]
                self._baselines.take(moment.time, values, self._speaker())
                against = [self._baselines.of(track) for track in whose]
                (answers,) = yield (Ask(self._voice, network_inputs(values, against)),)
                self._by_voice = dict(zip(whose, answers, strict=True))
        return heard

    def _speaker(self) -> int | None:
        """The track whose voice it surely is."""
        shares = {track: self._speakers.share(track) for track in self._tracks}
        return next((track for track, share in shares.items() if share > SURE_SPEAKER), None)

    def _evidence(self) -> float:
        """How much voice there is to go by, 0 to 1."""
        # where no mouth ever counts as open, nobody speaks
        if not self._by_voice or math.isinf(self._threshold):
            return 0.0
        return min(1.0, self._listener.speech_seconds / (4 * LEAST_SPEECH))

    def _remember(self, time: float) -> tuple[FloatArray, FloatArray]:
        """What each face says now, and up to now, beside what is usual for it, (N, 3) each."""
        now, remembered = np.empty((2, *self._by_face.shape), np.float32)
        for index, track in enumerate(self._tracks):
            seen = self._by_face[index]
            mean = self._means.setdefault(track, EvidenceMean(self._time_constant))
            usual = self._face_baselines.setdefault(track, FaceBaseline(self._stretch))
            usual.take(seen, time)
            now[index], remembered[index] = usual.relative(
                np.stack([seen, mean.update(seen, time)])
            )
        self._forget(time)
        return now, remembered

    def _forget(self, time: float) -> None:
        """What was known of tracks that ended."""
        self._means = {
            track: mean
            for track, mean in self._means.items()
            if track in self._tracks or time - mean.time <= 2 * MEMORY
        }
        self._face_baselines = {track: self._face_baselines[track] for track in self._means}
        self._baselines.forget(set(self._means))

    def _follow_mouths(self, time: float) -> dict[int, float]:
        """Each mouth's state, smoothed over what the network sees from picture to picture."""
        followed = {}
        for track, seen in zip(self._tracks, self._seen_open.tolist(), strict=True):
            before, state = self._mouths.get(track, (time, seen))
            state += weight(time - before, MOUTH_TIME_CONSTANT) * (seen - state)
            followed[track] = (time, state)
        self._mouths = followed
        return {track: state for track, (_, state) in followed.items()}
