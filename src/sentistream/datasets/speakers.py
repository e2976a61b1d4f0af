"""What the authors of data sets say of the people in them."""

from __future__ import annotations

_JAVA_SED_WOMEN = frozenset({"01", "02", "03"})
_JAVA_SED_MEN = frozenset({"06", "07", "08"})


def sex_of(person: str) -> str:
    """``woman`` or ``man`` by the data set's own account; empty where there is none.

    Args:
        person: As data sets here name people: ``ravdess-01`` (odd numbers are men) or
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
