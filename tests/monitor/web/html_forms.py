"""Forms parsed from a page's HTML, as a browser would send them."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx

from web.fake_monitor import TOKEN, FakeMonitor

Fields = list[tuple[str, str]]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, Fields] = {}
        self._form: Fields | None = None
        self._select = ""
        self._area = ""
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name = attributes.get("name") or ""
        if tag == "template":
            self._templates += 1
        if self._templates:
            return
        if tag == "form":
            self._form = self.forms.setdefault(attributes.get("action") or "", [])
        if self._form is None:
            return
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in attributes:
            self._form.append((self._select, attributes.get("value") or ""))
        elif tag == "textarea":
            self._area = name
            self._form.append((name, ""))
        elif tag == "input" and name:
            if attributes.get("type") == "checkbox" and "checked" not in attributes:
                return
            self._form.append((name, attributes.get("value") or ""))

    def handle_data(self, data: str) -> None:
        if self._area and self._form is not None:
            self._form[-1] = (self._area, data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._templates -= 1
        elif tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = ""


def form_of(monitor: FakeMonitor, path: str, action: str | None = None) -> Fields:
    """The current fields of a page's form."""
    answer = monitor.request("GET", path)
    assert answer.status_code == 200, answer.text
    return fields_of(answer.text, path if action is None else action)


def fields_of(page: str, action: str) -> Fields:
    """The fields of a form in the given HTML."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms[action]


def changed(fields: Fields, **values: str | list[str] | None) -> Fields:
    """The fields with other values; None removes a field. ``__`` stands for a dot."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    kept = [(name, value) for name, value in fields if name not in named]
    for name, value in named.items():
        if value is not None:
            kept += [(name, each) for each in ([value] if isinstance(value, str) else value)]
    return kept


def send(monitor: FakeMonitor, path: str, fields: Fields, language: str = "en") -> httpx.Response:
    """Submit as the page's script does."""
    grouped: dict[str, list[str]] = {}
    for name, value in fields:
        grouped.setdefault(name, []).append(value)
    return monitor.request(
        "POST",
        path,
        data=grouped,
        headers={"X-CSRF-Token": TOKEN, "Cookie": f"sentistream-language={language}"},
    )
