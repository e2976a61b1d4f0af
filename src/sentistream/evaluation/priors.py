"""What the same answers come to under each named prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sentistream.evaluation.metrics import calibration_error, figures
from sentistream.evaluation.outcomes import Outcome, class_numbers, share_right
from sentistream.prior import PRIORS, Shares, correct, get_prior
from sentistream.profiles import Profile
from sentistream.types import SENTIMENTS


def under_priors(
    outcomes: Sequence[Outcome], profile: Profile, learned: Shares
) -> list[dict[str, Any]]:
    """A row a named prior, for JSON; empty where it cannot be told from the answers alone.

    ``lite`` adds logarithms up, so a whole clip's answer is corrected exactly as each moment's
    is. ``paper`` takes a mean of moments: it has to be run again with each prior.

    Args:
        outcomes: Of sentiments, as they are under the profile's own prior.
        profile: That they were made with.
        learned: Shares of the classes in what the networks that were asked learned from.
    """
    if profile.decision != "lite":
        return []
    own = profile.prior.factors(learned)
    rows = []
    for name in PRIORS:
        factors = get_prior(name).factors(learned)
        again = []
        for outcome in outcomes:
            values = outcome.probabilities
            if values is not None:
                as_learned = correct(values, None if own is None else np.float32(1) / own)
                values = np.asarray(correct(as_learned, factors), np.float64)
            again.append(replace(outcome, probabilities=values))
        truth, answers = class_numbers(again, len(SENTIMENTS))
        answered = [one for one in again if one.probabilities is not None]
        recall = {
            sentiment: round(float((answers[truth == number] == number).mean()), 4)
            for number, sentiment in enumerate(SENTIMENTS)
            if (truth == number).any()
        }
        error = None
        if answered:
            labels = np.array([one.item.label for one in answered])
            said = np.array([one.probabilities for one in answered])
            error = round(calibration_error(labels, said), 4)
        rows.append(
            {
                "prior": name,
                **share_right(again),
                "uar": round(figures(truth, answers, len(SENTIMENTS) + 1).uar, 4),
                "recall": recall,
                "ece": error,
            }
        )
    return rows
