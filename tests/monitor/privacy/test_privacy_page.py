"""docs/privacy.md: every measure has its promise, and every promise existing tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sentistream.monitor.privacy import MEASURES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "privacy.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
TESTS = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


def test_every_measure_has_a_promise_with_tests() -> None:
    for measure in MEASURES:
        assert re.findall(r"^- `tests/", SECTIONS[measure.key], re.MULTILINE), measure.key


def test_every_promise_is_a_measure() -> None:
    keys = {title for title in SECTIONS if re.fullmatch(r"[a-z-]+", title)}
    assert keys == {measure.key for measure in MEASURES}


@pytest.mark.parametrize("named", TESTS)
def test_named_tests_exist(named: str) -> None:
    path, _, function = named.partition("::")
    file = ROOT / path
    if not file.parent.is_dir():
        pytest.skip(f"needs {file.parent.relative_to(ROOT)}")
    functions = {
        node.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert function in functions


def test_legal_page_names_its_sources() -> None:
    law = (ROOT / "docs" / "law.md").read_text("utf-8")
    for source in ("eli/reg/2024/1689", "32026R1744", "eli/reg/2016/679", "guidelines-32019"):
        assert source in law
    for place in ("Art. 5(1)(f)", "Art. 50(3)", "Annex III point 1(c)", "Art. 35", "Art. 12, 13"):
        assert place in law
    assert "Not legal advice" in law
