"""Definitions of the terms on the pages; docs/glossary.md has the long version."""

from __future__ import annotations

from dataclasses import dataclass

from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.translation import N_, Translator


@dataclass(frozen=True, slots=True)
class Term:
    """A term and its meaning.

    Attributes:
        word: The term on the pages.
        meaning: In a few sentences.
    """

    word: str
    meaning: str


TERMS = {
    "appearance": Term(
        N_("appearance"),
        N_(
            "One stretch of time in which one face is followed: from when it is found until it "
            "leaves the picture, turns away or is covered for more than about a second. Nobody is "
            "recognized, so the same person coming back is another appearance: there are usually "
            "more appearances than people."
        ),
    ),
    "moment": Term(
        N_("moment"),
        N_(
            "A point in time that is looked at: a picture and the sound that ends with it. At full "
            "speed there is one every 30 milliseconds, 33 in a second."
        ),
    ),
    "reading": Term(
        N_("reading"),
        N_(
            "What is said of one face over one second: how likely it comes across as positive, "
            "neutral or negative. It is an estimate and can be wrong."
        ),
    ),
    "share": Term(
        N_("share"),
        N_(
            "The part of the time of all faces in view in which they come across so. The three "
            "shares add up to 100 %; time in which a face is unclear is left out."
        ),
    ),
    "unclear": Term(
        N_("unclear"),
        N_(
            "A face is there, but its expression cannot be read: it is turned away, covered, too "
            "small, or the answer is not certain enough yet. In documents and files it is called "
            "unknown."
        ),
    ),
    "hidden": Term(
        N_("hidden"),
        N_(
            "There were too few appearances to show shares without singling somebody out, or "
            "somebody could be singled out by subtracting one figure from another. Their number "
            "is shown, how they came across is not. The smallest group is set under privacy."
        ),
    ),
    "in-view": Term(
        N_("faces in view"),
        N_("The time of all faces added up: two faces for one minute are two minutes."),
    ),
    "speaking": Term(
        N_("speaking time"),
        N_("The time in which faces in view were speaking, added up."),
    ),
    "voice-share": Term(
        N_("part from the voice"),
        N_(
            "How much of the answer came from the voice, 0 to 100 %; the rest came from the face. "
            "It does not say that the voice was right."
        ),
    ),
    "zone": Term(
        N_("zone"),
        N_(
            "A named part of the picture. It is counted separately, or masked: then it is "
            "blackened before faces are detected."
        ),
    ),
    "not-recorded": Term(
        N_("not recorded"),
        N_(
            "The camera was off, unreachable or outside its schedule. It does not mean nobody came."
        ),
    ),
}
"""By the key that ``explain`` of ``definitions.html.j2`` takes."""


def why_withheld(aggregate: Aggregate, smallest: int, tr: Translator) -> str:
    """Why an aggregate's shares are hidden, in a sentence.

    Args:
        aggregate: One whose ``is_withheld`` is true.
        smallest: The fewest appearances whose shares are shown.
        tr: The words.
    """
    if aggregate.appearances < smallest:
        return tr.gettext(
            "Fewer than {n} appearances: hidden, so that nobody can be singled out.", n=smallest
        )
    return tr.gettext("Hidden, because a smaller group could be worked out from it by subtraction.")
