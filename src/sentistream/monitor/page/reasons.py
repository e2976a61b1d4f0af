"""Sentences that the program says in English, said again in another language.

Cameras and errors say what is wrong in whole sentences with values in them; a page that is not
English looks them up by their patterns. What is not known stays as it is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{([a-z]+)\}")
_MOST = 2000
"""Characters beyond which nothing is looked up."""


class Reasons:
    """Sentences of one language.

    Args:
        sentences: By the English ones; ``{name}`` stands for a value in both.
    """

    def __init__(self, sentences: Mapping[str, str]) -> None:
        # the more of a sentence is fixed, the surer it is
        ordered = sorted(sentences, key=lambda each: len(_PLACE.sub("", each)), reverse=True)
        self._sentences = [(_pattern(english), sentences[english]) for english in ordered]
        self._known = functools.lru_cache(maxsize=512)(self._find)

    def __call__(self, text: str) -> str:
        """The sentences of a text, each in this language where it is known."""
        return self.find(text) or text

    def find(self, text: str) -> str | None:
        """The same; None where not all of it is known."""
        return self._known(text) if 0 < len(text) <= _MOST else None

    def _find(self, text: str) -> str | None:
        for pattern, other in self._sentences:
            found = pattern.fullmatch(text)
            if found is None:
                continue
            # two sentences: a problem, and the way out of it
            rest = found["rest"] or ""
            after = self._known(rest) if rest else ""
            if after is not None:
                values = {
                    name: self._value(value)
                    for name, value in found.groupdict().items()
                    if name != "rest" and value is not None
                }
                head = other.format_map(values)
                return f"{head} {after}".strip() if rest else head
        return None

    def _value(self, text: str) -> str:
        """What stands in a place of a sentence; a list of them one by one."""
        if "; " in text:
            return "; ".join(map(self._value, text.split("; ")))
        return self._known(text) or self._known(text.lower()) or text


def _pattern(english: str) -> re.Pattern[str]:
    made, end = "", 0
    for place in _PLACE.finditer(english):
        before = english[: place.start()]
        made += re.escape(english[end : place.start()])
        # what stands right behind a word, such as the line of a file, may be left out
        may_lack = before[-1:].isalnum() or before.endswith(".")
        made += f"(?P<{place[1]}>{'.*?' if may_lack else '.+?'})"
        end = place.end()
    made += re.escape(english[end:])
    # what does not end as a sentence does, such as a word, has none behind it
    is_sentence = english[-1:] in (".", "}")
    return re.compile(made + (r"(?: (?P<rest>.+))?" if is_sentence else "(?P<rest>)"), re.DOTALL)
