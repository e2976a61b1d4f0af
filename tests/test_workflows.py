"""The public workflows, templates and hooks are valid, pinned, and have minimal permissions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in read(workflow)["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_to_a_commit_with_its_version(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text("utf-8"))
    assert len(used) == sum("uses" in step for step in steps(workflow)) > 0
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_action_has_the_same_version_everywhere() -> None:
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    pins = {tuple(pin.split("@")) for pin in re.findall(r"uses: (\S+@\S+)", text)}
    assert len({name for name, _ in pins}) == len(pins)


def test_permissions_are_minimal(workflow: Path) -> None:
    found = read(workflow)
    assert found["permissions"] == {"contents": "read"}
    granted = {
        name: set(job.get("permissions", {}).items()) - {("contents", "read")}
        for name, job in found["jobs"].items()
    }
    assert {name: some for name, some in granted.items() if some} == (
        {
            "pypi": {("id-token", "write")},
            "container": {("packages", "write")},
            "pages": {("pages", "write"), ("id-token", "write")},
        }
        if workflow.stem == "release"
        else {}
    )


def test_no_secret_is_used_and_no_checkout_leaves_a_token(workflow: Path) -> None:
    assert "secrets." not in workflow.read_text("utf-8")
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_command_interpolates_untrusted_input(workflow: Path) -> None:
    for step in steps(workflow):
        assert "${{" not in step.get("run", ""), step


def test_every_job_has_a_timeout(workflow: Path) -> None:
    assert all("timeout-minutes" in job for job in read(workflow)["jobs"].values())


def test_operating_systems_and_python_versions() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    for name in ("test", "portable"):
        versions = jobs[name]["strategy"]["matrix"]["python"]
        assert versions == ["3.11", "3.12", "3.13", "3.14"]
    systems = jobs["portable"]["strategy"]["matrix"]["system"]
    assert [system.partition("-")[0] for system in systems] == ["ubuntu", "macos", "windows"]
    assert systems[0].endswith("-arm")


def test_referenced_files_and_targets_exist(workflow: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for step in steps(workflow):
        command = step.get("run", "")
        for name in re.findall(r"\b(?:tests|deploy|docs)/[\w./-]+", command):
            assert (ROOT / name).exists(), name
        assert set(re.findall(r"\bmake ([a-z]+)", command)) <= set(targets)


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_issue_forms_are_valid(path: Path) -> None:
    form = read(path)
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert form["name"]
    assert form["description"]
    for field in form["body"]:
        assert field["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert field["attributes"]["value" if field["type"] == "markdown" else "label"]


def test_pre_commit_hooks_match_make_test() -> None:
    (local,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    entries = [hook["entry"] for hook in local["hooks"]]
    assert [re.sub(r" --.*", "", entry) for entry in entries] == [
        ".venv/bin/ruff format",
        ".venv/bin/ruff check",
        ".venv/bin/mypy",
    ]


def test_citation_names_this_version_and_the_paper() -> None:
    found = read(ROOT / "CITATION.cff")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'\nversion = "{found["version"]}"\n' in project
    assert found["license"] == "MIT"
    (paper,) = found["references"]
    assert [one["family-names"] for one in paper["authors"]] == ["Yakaew", "Dailey", "Racharak"]
