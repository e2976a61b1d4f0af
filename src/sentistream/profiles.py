"""A profile names a complete set: preprocessing, networks, smoothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from sentistream.errors import InputError
from sentistream.prior import LEARNED, Prior, Shares, get_prior
from sentistream.translatable import Translatable

MAX_FACES = 16
"""Faces followed at once, unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that decides what a reading says.

    Attributes:
        name: What the user calls it.
        decision: Which of the decisions joins the networks, ``paper`` or ``lite``.
        mouth_model, face_model, fused_model: Names of the shipped networks.
        voice_model: The network that hears a voice alone; ``paper`` decides without it.
        voice_spectrum_model: What hears the voice's spectrum beside it, where there is one.
        detector_model: The network that finds faces; without one dlib's HOG detector does.
        landmark_model: The network that places landmarks; without one dlib's trees do.
        tick: Seconds between moments.
        sound_window: Seconds of sound each moment carries, ending at it.
        mouth_threshold: Probability from which the mouth counts as open (Equation 2).
        time_constant: Seconds in which all but 1/e of the past is forgotten.
        stretch: Seconds of a face that make one answer about a clip.
        overall_temperature: What the logarithms of an answer about a stretch or more are divided
            by (Guo et al. 2017): it is surer than any of its moments.
        accumulation: How moments add up: ``mean`` of their distributions (Equation 1), or
            ``evidence``, of the face's logarithms, to which the latest voice is joined.
        unknown_below: Confidence below which the accumulated answer is ``unknown``, 0 to 1.
        learned_shares: Of positive, neutral and negative in what the face network learned from
            (the fusion adds none of its own); what a prior is corrected from.
        voice_learned_shares: The same for the voice network alone, whose classes count alike.
        prior: How common the classes are taken to be where people are watched.
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
        """The same for another prior, or for the name or numbers of one; None changes nothing.

        Raises:
            InputError: There is no such prior.
        """
        if prior is None:
            return self
        return replace(self, prior=get_prior(prior) if isinstance(prior, str) else prior)

    @property
    def models(self) -> tuple[str, ...]:
        """The networks that make its readings."""
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
    # more than a tick, so that nothing is lost when a moment is late
    sound_window=0.240,
    mouth_threshold=0.5,
    time_constant=1.0,
    # by likelihood on the everyday clips of people who are not held out
    overall_temperature=0.57,
    accumulation="evidence",
    unknown_below=0.45,
    learned_shares=(0.35, 0.28, 0.37),
)

PROFILES = {PAPER.name: PAPER, LITE.name: LITE}
DEFAULT_PROFILE = LITE.name


def get_profile(name: str) -> Profile:
    """The profile of that name.

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
