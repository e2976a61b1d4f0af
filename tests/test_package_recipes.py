"""The conda recipe and the Homebrew formula: valid, and consistent with pyproject.toml."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

import sentistream
from base_environment import PROJECT, ROOT


def recipe(text: str) -> dict[str, Any]:
    """Parsed as by conda-build: Jinja first, then YAML."""
    whole = Environment(undefined=StrictUndefined).from_string(text).render(PYTHON="python")  # noqa: S701
    found = yaml.safe_load(whole)
    assert isinstance(found, dict)
    return found


CONDA = (ROOT / "deploy" / "conda" / "meta.yaml").read_text("utf-8")
HOMEBREW = (ROOT / "deploy" / "homebrew" / "sentistream.rb").read_text("utf-8")


def normal(requirement: str) -> tuple[str, frozenset[str]]:
    name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", requirement).groups()  # type: ignore[union-attr]
    return name, frozenset(bounds.replace(" ", "").split(","))


def test_conda_recipe_has_the_packages_requirements() -> None:
    found = recipe(CONDA)
    assert found["package"] == {"name": "sentistream", "version": sentistream.__version__}
    python, *others = found["requirements"]["run"]
    assert normal(python) == ("python", frozenset({PROJECT["requires-python"]}))
    assert sorted(map(normal, others), key=str) == sorted(
        map(normal, PROJECT["dependencies"]), key=str
    )
    (entry,) = found["build"]["entry_points"]
    assert entry == f"sentistream = {PROJECT['scripts']['sentistream']}"
    assert (ROOT / found["about"]["license_file"]).exists()
    assert found["source"] == {"path": "../.."}
    assert found["build"]["noarch"] == "python"


def test_formula_is_valid_ruby() -> None:
    assert f"sentistream-{sentistream.__version__}.tar.gz" in HOMEBREW
    assert re.search(r"class Sentistream < Formula", HOMEBREW)
    version = re.search(r'depends_on "python@3\.(\d+)"', HOMEBREW)
    assert version is not None
    assert HOMEBREW.count(f"3.{version[1]}") == 3
    ruby = shutil.which("ruby")
    if ruby is None:
        pytest.skip("needs ruby")
    result = subprocess.run(  # noqa: S603
        [ruby, "-c"], input=HOMEBREW, text=True, capture_output=True, check=False
    )
    assert result.stdout.strip() == "Syntax OK", result.stderr


def test_release_fills_in_the_recipes(tmp_path: Path) -> None:
    sdist = tmp_path / "sentistream-9.8.7.tar.gz"
    sdist.write_bytes(b"not really one")
    digest = hashlib.sha256(b"not really one").hexdigest()
    script = ROOT / "scripts" / "fill_recipes.py"
    out = tmp_path / "recipes"
    command = [sys.executable, str(script), str(sdist), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    found = recipe((out / "meta.yaml").read_text("utf-8"))
    assert found["package"]["version"] == "9.8.7"
    assert found["source"]["sha256"] == digest
    assert found["source"]["url"].endswith("/sentistream-9.8.7.tar.gz")
    formula = (out / "sentistream.rb").read_text("utf-8")
    assert f'url "{found["source"]["url"]}"' in formula
    assert f'sha256 "{digest}"' in formula
    assert "0" * 64 not in formula


def test_only_an_sdist_is_accepted(tmp_path: Path) -> None:
    other = tmp_path / "sentistream-1.0-py3-none-any.whl"
    other.touch()
    command = [sys.executable, str(ROOT / "scripts" / "fill_recipes.py"), str(other), "--out", "x"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert result.returncode == 1
    assert "no sdist" in result.stderr
