"""A profile names a complete set: preprocessing, networks, smoothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sentistream.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that decides what a reading says.

    Attributes:
        name: What the user calls it.
        mouth_model, face_model, fused_model: Names of the shipped networks.
        voice_model: The network that hears a voice alone; to be measured, not for readings.
        tick: Seconds between moments.
        sound_window: Seconds of sound each moment carries, ending at it.
        mouth_threshold: Probability from which the mouth counts as open (Equation 2).
        time_constant: Seconds in which Equation 1 forgets all but 1/e of what it knew.
    """

    name: str
    mouth_model: str
    face_model: str
    fused_model: str
    voice_model: str
    tick: float
    sound_window: float
    mouth_threshold: float
    time_constant: float


PAPER = Profile(
    name="paper",
    mouth_model="paper/mouth",
    face_model="paper/visual",
    fused_model="paper/fused",
    voice_model="paper/audio",
    tick=0.030,
    sound_window=0.030,
    mouth_threshold=0.5,
    # alpha = 0.1 every 30 ms, section 3.2 of the paper
    time_constant=-0.030 / math.log(1 - 0.1),
)

PROFILES = {PAPER.name: PAPER}
DEFAULT_PROFILE = PAPER.name


def get_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        InputError: There is none.
    """
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(sorted(PROFILES))
        raise InputError(f"There is no profile {name!r}.", f"Choose one of: {known}.") from None
