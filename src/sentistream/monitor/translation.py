"""Translation of user-visible text: gettext catalogues, plurals, dates, numbers.

English sentences in the source are the message ids. Each other language is one file,
``locales/<language>.po``; it is read when it is first needed, so nothing has to be compiled.
``scripts/update_translations.py`` collects the messages of the source into the catalogues.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent, get_decimal_symbol
from starlette.requests import HTTPConnection

from sentistream.monitor.locales import FOLDER, LANGUAGES, SOURCE
from sentistream.percentages import whole_percentages
from sentistream.translatable import Translatable

COOKIE = "sentistream-language"
"""The cookie with the user's choice."""

_LOCALES = {SOURCE: "en_GB"}
"""Locales for languages with several date formats: day before month, 24 hours."""


def N_(text: str) -> str:  # noqa: N802
    """Marks a text to be collected for the catalogues; it is translated where it is shown."""
    return text


@cache
def languages() -> dict[str, str]:
    """Each language's own name, by its code."""
    return {code: str(Locale(code).get_display_name(code)).title() for code in LANGUAGES}


class Translator:
    """Translates messages into one language, and formats its numbers, dates and times.

    Args:
        language: One of ``LANGUAGES``.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale: Locale = Locale.parse(_LOCALES.get(language, language))
        self._catalogue = _catalogue(language)

    def gettext(self, message: str, /, **values: object) -> str:
        """A message with its values filled in; in English where the catalogue lacks it."""
        text = self._catalogue.gettext(message) if message else ""
        return text.format(**values) if values else text

    def ngettext(self, one: str, other: str, count: float, /, **values: object) -> str:
        """The form of a message for a count, which also fills ``{n}``."""
        text = self._catalogue.ngettext(one, other, self._whole(count))
        return text.format(n=self._count(count), **values)

    def translate(self, text: str) -> str:
        """A sentence of the program, ``Translatable`` or a constant; others stay as they are."""
        if not isinstance(text, Translatable):
            return self.gettext(text)
        if not text.values:
            found = self.gettext(text)
            # the operating system capitalises its reasons, FFmpeg does not
            lowered = self.gettext(text.lower())
            return found if found != text or lowered == text.lower() else lowered
        return self.gettext(
            text.template,
            **{
                name: self.translate(value) if isinstance(value, Translatable) else value
                for name, value in text.values.items()
            },
        )

    @property
    def decimal_mark(self) -> str:
        """The decimal mark."""
        return get_decimal_symbol(self.locale)

    def _count(self, count: float) -> str:
        return self.number(count) if count == int(count) else self.compact(count)

    def _whole(self, count: float) -> int:
        """A whole number that takes the plural form of a count; catalogues know no fractions."""
        if count == int(count):
            return int(count)
        form = self.locale.plural_form(count)
        return next((n for n in range(101) if self.locale.plural_form(n) == form), int(count))

    def number(self, value: float, digits: int = 0) -> str:
        """With the language's marks for thousands and decimals."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, pattern, locale=self.locale)

    def compact(self, value: float) -> str:
        """A number with two decimals at most, and none where they are zero."""
        return format_decimal(value, "0.##", locale=self.locale)

    def percent(self, share: float) -> str:
        """A share, 0 to 1, in whole per cent."""
        return format_percent(share, locale=self.locale)

    def percents(self, shares: Sequence[float]) -> tuple[str, ...]:
        """All shares of a whole, in whole per cent that add up to 100."""
        return tuple(self.percent(whole / 100) for whole in whole_percentages(shares))

    def points(self, difference: float) -> str:
        """A difference of shares with its sign, in percentage points."""
        rounded = round(difference * 100)
        sign = "+" if rounded > 0 else "\u2212" if rounded < 0 else "\u00b1"
        return f"{sign}{self.number(abs(rounded))}"

    def listed(self, parts: Iterable[str]) -> str:
        """Several things in a sentence: "a, b and c"."""
        return format_list(list(parts), locale=self.locale)

    def date(self, time: float) -> str:
        """Day, month and year."""
        return format_date(datetime.fromtimestamp(time), "long", locale=self.locale)

    def clock(self, time: float) -> str:
        """Hour and minute of the machine's own time zone."""
        return format_time(datetime.fromtimestamp(time), "short", locale=self.locale)

    def day(self, time: float) -> str:
        """Weekday, day and month."""
        return format_skeleton("MMMEd", datetime.fromtimestamp(time), locale=self.locale)

    def month(self, time: float) -> str:
        """Month and year."""
        return format_skeleton("yMMMM", datetime.fromtimestamp(time), locale=self.locale)

    def short_month(self, time: float) -> str:
        """The month's short name."""
        return format_skeleton("MMM", datetime.fromtimestamp(time), locale=self.locale)

    def short_day(self, time: float) -> str:
        """Day and month in numbers."""
        return format_skeleton("Md", datetime.fromtimestamp(time), locale=self.locale)

    def weekday(self, time: float) -> str:
        """The weekday's short name."""
        return format_date(datetime.fromtimestamp(time), "ccc", locale=self.locale)

    def moment(self, time: float) -> str:
        """Day and time of day."""
        return self.gettext("{day}, {clock}", day=self.day(time), clock=self.clock(time))

    def minutes(self, count: float) -> str:
        """A number of minutes, written out."""
        return self.ngettext("1 minute", "{n} minutes", count)

    def length(self, seconds: float) -> str:
        """A length of time in its two largest units."""
        if round(seconds) < 60:
            return self.gettext("{n} s", n=self.number(seconds))
        minutes = round(seconds / 60)
        if minutes < 60:
            return self.gettext("{n} min", n=self.number(minutes))
        return self.gettext(
            "{n} h {minutes} min", n=self.number(minutes // 60), minutes=minutes % 60
        )


@cache
def translator(language: str) -> Translator:
    """The translator of a language; of English where it has no catalogue."""
    return Translator(language if language in LANGUAGES else SOURCE)


def language_of(connection: HTTPConnection, otherwise: str) -> str:
    """The user's choice, else the browser's preferred language, else ``otherwise``."""
    chosen = connection.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    wanted = []
    for part in connection.headers.get("accept-language", "")[:400].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    offered = [
        (weight, language) for weight, language in wanted if language in LANGUAGES and weight > 0
    ]
    return max(offered, key=lambda one: one[0])[1] if offered else otherwise


def _catalogue(language: str) -> gettext.NullTranslations:
    if language == SOURCE:
        return gettext.NullTranslations()
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
