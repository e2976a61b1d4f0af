"""Prior class shares, and the correction of answers for them.

A network's answer reflects how common each class was in its training data. Where people are
watched, that differs: acted recordings are mostly emotional, everyday talk is mostly neutral. An
answer trained with the shares q becomes one for the shares p by multiplying each class by p/q and
normalising (Saerens, Latinne & Decaestecker 2002, equation 2.4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sentistream.errors import InputError

if TYPE_CHECKING:  # numpy must not be loaded just to show help
    import numpy as np
    from numpy.typing import NDArray

MIN_SHARE: Final = 0.01
"""Lowest share of a class in a prior: none is ruled out in advance."""

AS_LEARNED: Final = "learned"
"""Name of the prior that corrects nothing."""

Shares = tuple[float, float, float]
"""Class shares, in the order of ``SENTIMENTS``."""

_NAMED: Final[dict[str, Shares]] = {
    "uniform": (1 / 3, 1 / 3, 1 / 3),
    # RAVDESS and Java-SED, three classes
    "acted": (0.25, 0.25, 0.5),
    # utterances of conversations: MELD (Poria et al. 2019), joy, neutral, and anger, sadness,
    # disgust and fear, rounded
    "everyday": (0.2, 0.55, 0.25),
}

PRIORS: Final = (AS_LEARNED, *_NAMED)
"""Names of priors."""

HELP: Final = (
    f"How common positive, neutral and negative are where you watch: {', '.join(PRIORS)}, or three "
    f"numbers such as 0.2,0.6,0.2. '{AS_LEARNED}' leaves answers as the networks learned them."
)


@dataclass(frozen=True, slots=True)
class Prior:
    """How common each class is assumed to be.

    Attributes:
        name: As the user named it: one of ``PRIORS``, or the three numbers.
        shares: Of positive, neutral, negative, adding up to 1; None for those of the training data.
    """

    name: str = AS_LEARNED
    shares: Shares | None = None

    def factors(self, learned: Shares) -> NDArray[np.float32] | None:
        """Factors for the classes' probabilities, shape (3,); None to change nothing.

        Args:
            learned: Class shares in the networks' training data.
        """
        if self.shares is None:
            return None
        import numpy as np

        return np.asarray(np.array(self.shares) / np.array(learned), dtype=np.float32)


LEARNED: Final = Prior()
"""Corrects nothing."""


def correct(
    probabilities: NDArray[np.floating], factors: NDArray[np.float32] | None
) -> NDArray[np.floating]:
    """Distributions for another prior.

    Args:
        probabilities: Distributions, shape (..., 3).
        factors: Of ``Prior.factors``; None leaves them as they are.
    """
    if factors is None:
        return probabilities
    weighed = probabilities * factors
    corrected: NDArray[np.floating] = weighed / weighed.sum(axis=-1, keepdims=True)
    return corrected


def get_prior(text: str) -> Prior:
    """The prior with that name, or from three numbers separated by commas.

    The numbers are shares of positive, neutral and negative; they are normalised, so that counts
    and percentages work, too.

    Raises:
        InputError: It is neither, or a class has less than ``MIN_SHARE``.
    """
    name = text.strip().lower()
    if name == AS_LEARNED:
        return LEARNED
    if name in _NAMED:
        return Prior(name, _NAMED[name])
    way_out = (
        f"Name one of {', '.join(PRIORS)}, or give three numbers for positive, neutral, negative, "
        "such as 0.2,0.6,0.2."
    )
    try:
        values = [float(part) for part in name.split(",")]
    except ValueError:
        raise InputError(f"There is no prior {text!r}.", way_out) from None
    if len(values) != 3 or not all(math.isfinite(value) and value >= 0 for value in values):
        raise InputError(f"The prior {text!r} is not three numbers from 0 on.", way_out)
    total = sum(values)
    if not (math.isfinite(total) and total > 0 and min(values) / total >= MIN_SHARE):
        raise InputError(
            f"The prior {text!r} gives a class less than {MIN_SHARE:.0%}, which would rule it "
            "out before anything is seen.",
            way_out,
        )
    positive, neutral, negative = (value / total for value in values)
    return Prior(name, (positive, neutral, negative))
