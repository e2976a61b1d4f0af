"""People in the acted corpora: who is held out of training, and their sex."""

from __future__ import annotations

"""People held out of training; never changed, so that figures stay comparable."""

HELD_OUT_PEOPLE = frozenset(
    {
        "ravdess-01",
        "ravdess-02",
        "ravdess-11",
        "ravdess-12",
        "java-sed-03",
        "java-sed-08",
    }
)
"""Two men and two women of RAVDESS, a woman and a man of Java-SED.

Image sets come with their own split; those that name people are split by person.
"""


_JAVA_SED_WOMEN = frozenset({"01", "02", "03"})
_JAVA_SED_MEN = frozenset({"06", "07", "08"})


def sex_of(person: str) -> str:
    """``woman`` or ``man`` according to the data set; empty if it does not say.

    Args:
        person: In this project's notation: ``ravdess-01`` (odd numbers are men) or
            ``java-sed-01``.
    """
    corpus, _, number = person.rpartition("-")
    if corpus == "ravdess" and number.isdecimal() and 1 <= int(number) <= 24:
        return "man" if int(number) % 2 else "woman"
    if corpus == "java-sed":
        if number in _JAVA_SED_WOMEN:
            return "woman"
        return "man" if number in _JAVA_SED_MEN else ""
    return ""
