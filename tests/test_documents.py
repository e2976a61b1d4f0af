"""Everything that the README and docs/ refer to exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click import Context, Group, Option
from click.testing import CliRunner

from sentistream.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def test_links_have_existing_targets(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert targets >= set(
        re.findall(r"(?:`|^)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    )


def test_python_examples_compile(page: Path) -> None:
    for code in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        compile(code, page.name, "exec")


def test_commands_and_options_exist(page: Path) -> None:
    assert isinstance(main, Group)
    for command, rest in re.findall(r"sentistream ([a-z]+)([^\n`]*)", page.read_text("utf-8")):
        if command not in main.list_commands(main.make_context("sentistream", ["doctor"])):
            continue
        # in a group of commands, the named one
        named = re.match(r" ([a-z][a-z-]*)", rest)
        is_group = isinstance(main.get_command(Context(main), command), Group)
        path = [command, named[1]] if is_group and named else [command]
        offered = CliRunner().invoke(main, [*path, "--help"]).output
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in offered, f"sentistream {command} {option}"


def test_every_data_option_is_explained() -> None:
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    group = main.get_command(Context(main), "data")
    assert isinstance(group, Group)
    for name in group.list_commands(Context(group)):
        assert f"sentistream data {name}" in text
        command = group.get_command(Context(group), name)
        assert command is not None
        for option in (one for one in command.params if isinstance(one, Option)):
            assert any(word in text for word in (*option.opts, *option.secondary_opts)), option.opts


def test_every_command_is_mentioned() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    for command in ("analyze", "demo", "doctor"):
        assert f"sentistream {command}" in text or f"make {command}" in text


@pytest.mark.parametrize(("command", "name"), [("train", "training.md"), ("models", None)])
def test_every_option_is_documented(command: str, name: str | None) -> None:
    assert isinstance(main, Group)
    found = main.get_command(main.make_context("sentistream", ["doctor"]), command)
    assert found is not None
    pages = PAGES if name is None else [ROOT / "docs" / name]
    text = "".join(page.read_text("utf-8") for page in pages)
    for parameter in found.params:
        for option in parameter.opts:
            assert not option.startswith("--") or option in text, option


def test_every_page_is_on_the_site_once() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    navigation = re.findall(r": ([a-z-]+\.md)$", text, re.MULTILINE)
    from_root = {"index.md", "contributing.md", "changelog.md", "security.md"}
    assert sorted(navigation) == sorted(
        {page.name for page in PAGES if page.parent.name == "docs"} | from_root
    )
