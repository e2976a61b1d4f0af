"""How scripts/install.py passes pip's configuration to uv, and when pip installs instead."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from install import pip_settings, uv_environment

SCRIPT = Path(__file__).parents[1] / "scripts" / "install.py"


def test_environment_overrides_files_and_install_overrides_global() -> None:
    listed = """\
:env:.index-url='https://environment.example/simple'
global.index-url='https://global.example/simple'
global.find-links='/a\\n/b'
install.find-links='/c'
install.timeout='60'
download.index-url='https://other.example/simple'
"""
    assert pip_settings(listed) == {
        "index-url": "https://environment.example/simple",
        "find-links": "/c",
        "timeout": "60",
    }


def test_index_settings_are_passed_to_uv() -> None:
    settings = {
        "find-links": "/wheels\n/more",
        "extra-index-url": "file:///one file:///two",
        "constraint": "",
        "timeout": "60",
    }
    assert uv_environment(settings) == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_EXTRA_INDEX_URL": "file:///one file:///two",
    }


@pytest.mark.parametrize("option", ["no-index", "only-binary", "require-hashes"])
def test_uv_is_not_used_if_a_setting_has_no_equivalent(option: str) -> None:
    assert uv_environment({option: "true"}) is None


def wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    """A package with one empty module."""
    about = f"{name}-{version}.dist-info"
    needed = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(
            f"{about}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        )
        file.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{about}/RECORD", "")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_packages_come_from_pips_configured_index(installer: str, tmp_path: Path) -> None:
    if installer == "uv" and not (shutil.which("uv") or importlib.util.find_spec("uv")):
        pytest.skip("needs uv")
    wheels, target = tmp_path / "wheels", tmp_path / "target"
    wheels.mkdir()
    wheel(wheels, "made_up_first", "1.0", requires="made-up-second<3")
    for version in ("2.0", "3.0"):
        wheel(wheels, "made_up_second", version)
    # uv is not used without an index
    index = {"PIP_NO_INDEX": "1"} if installer == "pip" else {"PIP_INDEX_URL": tmp_path.as_uri()}
    subprocess.run(  # noqa: S603
        [sys.executable, str(SCRIPT), "--target", str(target), "made-up-first"],
        env={**os.environ, "PIP_FIND_LINKS": str(wheels), "PIP_EXTRA_INDEX_URL": "", **index},
        check=True,
    )
    found = {about.name: (about / "INSTALLER").read_text() for about in target.glob("*.dist-info")}
    assert {name: by.strip() for name, by in found.items()} == {
        "made_up_first-1.0.dist-info": installer,
        "made_up_second-2.0.dist-info": installer,
    }
