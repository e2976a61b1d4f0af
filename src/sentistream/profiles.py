"""A profile names a complete set: preprocessing, networks, smoothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from sentistream.errors import InputError
from sentistream.prior import LEARNED, Prior, Shares, get_prior
from sentistream.translatable import Translatable

MAX_FACES = 16
"""Most faces tracked at once, unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that determines what a reading says.

    Attributes:
        name: What the user calls it.
        decision: Which decision combines the networks, ``paper`` or ``lite``.
        mouth_model, face_model, fused_model: Names of the shipped networks.
        voice_model: The network for the voice alone; ``paper`` decides without it.
        voice_spectrum_model: The network for the voice's spectrum, if there is one.
        detector_model: The face detector network; without one, dlib's HOG detector is used.
        landmark_model: The landmark network; without one, dlib's regression trees are used.
        tick: Seconds between moments.
        sound_window: Seconds of sound each moment carries, ending at it.
        mouth_threshold: Probability from which the mouth counts as open (Equation 2).
        time_constant: Seconds after which the past counts for 1/e.
        stretch: Seconds of a face that are combined into one answer about a clip.
        overall_temperature: Divides the logarithms of an answer about a stretch or more (Guo et
            al. 2017), which is more confident than any of its moments.
        accumulation: How moments are accumulated: ``mean`` of their distributions (Equation 1),
            or ``evidence``, of the face's log-probabilities, fused with the latest voice.
        unknown_below: Confidence below which the accumulated answer is ``unknown``, 0 to 1.
        learned_shares: Shares of positive, neutral and negative in the face network's training
            data (the fusion adds none); priors are corrected relative to these.
        voice_learned_shares: The same for the voice network alone, whose classes have equal weight.
        prior: How common the classes are assumed to be where people are watched.
    """

    name: str
    decision: Literal["paper", "lite"]
    mouth_model: str
    face_model: str
    fused_model: str
    voice_model: str
    tick: float
    sound_window: float
    mouth_threshold: float
    time_constant: float
    voice_spectrum_model: str = ""
    detector_model: str = ""
    landmark_model: str = ""
    stretch: float = 3.0
    overall_temperature: float = 1.0
    accumulation: Literal["mean", "evidence"] = "mean"
    unknown_below: float = 0.0
    learned_shares: Shares = (1 / 3, 1 / 3, 1 / 3)
    voice_learned_shares: Shares = (1 / 3, 1 / 3, 1 / 3)
    prior: Prior = LEARNED

    def with_prior(self, prior: Prior | str | None) -> Profile:
        """The profile with another prior, given as such, by name or as numbers; None changes
        nothing.

        Raises:
            InputError: There is no such prior.
        """
        if prior is None:
            return self
        return replace(self, prior=get_prior(prior) if isinstance(prior, str) else prior)

    @property
    def models(self) -> tuple[str, ...]:
        """The networks that it uses."""
        names = [self.mouth_model, self.face_model, self.fused_model]
        if self.decision == "lite":
            names += [self.voice_model, self.voice_spectrum_model]
        return tuple(name for name in (*names, self.detector_model, self.landmark_model) if name)


PAPER = Profile(
    name="paper",
    decision="paper",
    mouth_model="paper/mouth",
    face_model="paper/visual",
    fused_model="paper/fused",
    voice_model="paper/audio",
    tick=0.030,
    sound_window=0.030,
    mouth_threshold=0.5,
    # alpha = 0.1 every 30 ms, section 3.2 of the paper
    time_constant=-0.030 / math.log(1 - 0.1),
    learned_shares=(0.37, 0.25, 0.38),
)

LITE = Profile(
    name="lite",
    decision="lite",
    mouth_model="lite/mouth",
    face_model="lite/face",
    fused_model="lite/fusion",
    voice_model="lite/voice",
    voice_spectrum_model="lite/voice-spectrum",
    detector_model="lite/detector",
    landmark_model="lite/landmarks",
    tick=0.030,
    # more than a tick, so that no sound is lost when a moment is late
    sound_window=0.240,
    # by eye, closed lips that smile get up to that; chosen on people that are not held out
    mouth_threshold=0.6,
    time_constant=1.0,
    # chosen by likelihood on the everyday clips of people who are not held out
    overall_temperature=0.57,
    accumulation="evidence",
    unknown_below=0.45,
    learned_shares=(0.35, 0.36, 0.29),
)

PROFILES = {PAPER.name: PAPER, LITE.name: LITE}
DEFAULT_PROFILE = LITE.name


def get_profile(name: str) -> Profile:
    """The profile with that name.

    Raises:
        InputError: There is none.
    """
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(sorted(PROFILES))
        raise InputError(
            Translatable("There is no profile {name}.", name=repr(name)),
            Translatable("Choose one of: {names}.", names=known),
        ) from None
