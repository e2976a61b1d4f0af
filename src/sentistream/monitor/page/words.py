"""Everything the page says, in each of its languages."""

from __future__ import annotations

import functools
from datetime import datetime
from importlib import resources
from typing import Any, Literal

from ruamel.yaml import YAML

from sentistream.monitor.page.reasons import Reasons

Language = Literal["en", "de"]
LANGUAGES: dict[Language, str] = {"en": "English", "de": "Deutsch"}

NO_BREAK = "\u00a0"


class Words:
    """The messages of one language, and how it writes numbers and times.

    Args:
        language: Which.
        messages: Text by key; a text with a plural is a mapping of ``one`` and ``other``.
        settings: Title and description of settings by ``group.field``, where they are not in
            the language of the settings themselves.
        reasons: Says again what the program says in English.
    """

    def __init__(
        self,
        language: Language,
        messages: dict[str, Any],
        settings: dict[str, tuple[str, str]],
        reasons: Reasons,
    ) -> None:
        self.language = language
        self.messages = messages
        self.settings = settings
        self.reasons = reasons

    def __call__(self, key: str, **values: object) -> str:
        """The message, its places filled.

        Raises:
            KeyError: There is no such message.
        """
        message = self.messages[key]
        if isinstance(message, dict):
            message = message["one" if values.get("n") in (1, "1") else "other"]
        return str(message).format(**values)

    def has(self, key: str) -> bool:
        """Whether there is such a message."""
        return key in self.messages

    def number(self, value: float, digits: int = 0) -> str:
        """With the language's marks for thousands and decimals."""
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.language == "de" else text

    def percent(self, share: float) -> str:
        """A share, 0 to 1, in whole per cent."""
        text = self.number(share * 100)
        return f"{text}{NO_BREAK}%" if self.language == "de" else f"{text}%"

    def points(self, difference: float) -> str:
        """A difference of shares with its sign, in percentage points."""
        rounded = round(difference * 100)
        sign = "+" if rounded > 0 else "\u2212" if rounded < 0 else "\u00b1"
        return f"{sign}{self.number(abs(rounded))}"

    def clock(self, time: float) -> str:
        """Hour and minute of the machine's own time zone."""
        return datetime.fromtimestamp(time).strftime("%H:%M")

    def day(self, time: float) -> str:
        """Weekday, day and month."""
        when = datetime.fromtimestamp(time)
        return self(
            "time.day",
            weekday=self.messages["time.weekdays"][when.weekday()],
            day=when.day,
            month=self.messages["time.months"][when.month - 1],
        )

    def moment(self, time: float) -> str:
        """Day and time of day."""
        return self("time.moment", day=self.day(time), clock=self.clock(time))

    def length(self, seconds: float) -> str:
        """A stretch of time in its two largest units."""
        if seconds < 60:
            return self("time.seconds", n=self.number(seconds))
        minutes = round(seconds / 60)
        if minutes < 60:
            return self("time.minutes", n=self.number(minutes))
        return self("time.hours", n=self.number(minutes // 60), minutes=minutes % 60)

    def limit(self, value: float) -> str:
        """A number as people write it, without needless digits."""
        text = f"{value:.2f}".rstrip("0").rstrip(".")
        return text.replace(".", ",") if self.language == "de" else text


@functools.cache
def words(language: str) -> Words:
    """The words of a language; English where it is not known."""
    known: Language = language if language in LANGUAGES else "en"
    told = _read(f"settings.{known}.yaml")
    return Words(
        known,
        _read(f"{known}.yaml"),
        {key: (text[0], text[1]) for key, text in told.items()},
        Reasons({} if known == "en" else _read(f"reasons.{known}.yaml")),
    )


def _read(name: str) -> dict[str, Any]:
    folder = resources.files("sentistream.monitor.page") / "messages"
    values: dict[str, Any] = YAML(typ="safe", pure=True).load((folder / name).read_text("utf-8"))
    return values
