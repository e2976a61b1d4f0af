"""Everything is said in every language, and nothing is left over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sentistream.monitor.page.fields import Kind, kind_of, row_model
from sentistream.monitor.page.settings import SECTIONS
from sentistream.monitor.page.words import LANGUAGES, words
from sentistream.monitor.settings import AlertRule, CameraSettings

FOLDER = Path(str(resources.files("sentistream.monitor.page")))
SOURCES = [
    *FOLDER.glob("*.py"),
    *(path for path in (FOLDER / "templates").iterdir() if path.suffix == ".j2"),
]


def test_every_language_has_the_same_messages() -> None:
    english = words("en").messages
    for language in LANGUAGES:
        other = words(language).messages
        assert other.keys() == english.keys()
        for key, message in english.items():
            assert type(other[key]) is type(message), key
            assert _places(other[key]) == _places(message), key


def test_no_message_is_unused_and_none_is_missing() -> None:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    whole = set(re.findall(r"""["']([a-z_]+\.[a-z0-9_.]+)["']""", text))
    beginnings = set(re.findall(r"""["']([a-z_]+\.[a-z0-9_.]*)["'] ~""", text))
    beginnings |= set(re.findall(r"""f"([a-z_]+\.[a-z0-9_.]*)\{""", text))
    messages = words("en").messages
    unused = [
        key
        for key in messages
        if key not in whole and not any(key.startswith(start) for start in beginnings)
    ]
    assert unused == []
    families = {key.partition(".")[0] for key in messages}
    said = set(re.findall(r"""\b(?:t|say)\(\s*["']([a-z_]+\.[a-z0-9_.]+)["'](?! ~)""", text))
    assert {key for key in said if key.partition(".")[0] in families} <= messages.keys()
    assert said <= messages.keys()


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_setting_is_told_in_every_language(language: str) -> None:
    told = words(language).settings
    wanted = set()
    for section in SECTIONS.values():
        wanted |= _settings(section.group or "settings", section.fields)
    wanted |= _settings("camerasettings", CameraSettings.model_fields)
    wanted |= _settings("alertrule", AlertRule.model_fields)
    assert told.keys() == wanted
    assert all(title and about for title, about in told.values())


def test_numbers_and_times_are_written_as_the_language_does() -> None:
    english, german = words("en"), words("de")
    assert english.number(12345.6, 1) == "12,345.6"
    assert german.number(12345.6, 1) == "12.345,6"
    assert german.percent(0.416) == "42\u00a0%"
    assert english.points(-0.034) == "\u22123"
    assert english.points(0.001) == "\u00b10"
    assert english.length(59) == "59 s"
    assert english.length(3600 * 3 + 12 * 60) == "3 h 12 min"
    assert english("history.appearances", n=1) == "1 appearance"
    assert english("history.appearances", n=0) == "0 appearances"
    assert words("fr").language == "en"


def _settings(group: str, fields: Mapping[str, FieldInfo]) -> set[str]:
    names = set()
    for name, info in fields.items():
        names.add(f"{group}.{name}")
        if kind_of(info) is Kind.ROWS:
            model: type[BaseModel] = row_model(info)
            names |= _settings(model.__name__.lower(), model.model_fields)
    return names


def _places(message: object) -> set[str]:
    return set(re.findall(r"\{([a-z_]+)\}", str(message)))
