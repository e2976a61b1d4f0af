"""Who is held out of training: frozen, so that figures stay comparable."""

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
