from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import sentistream
from sentistream.cli import COMMANDS, INTERRUPTED, main
from sentistream.errors import InputError

HEAVY = ("av", "dlib", "numpy", "onnxruntime", "openvino", "pyarrow", "tqdm", "jinja2", "PIL")


@pytest.mark.parametrize(
    "statement",
    [
        "import sentistream",
        "import sentistream.cli",
        "from sentistream.cli import main; main(['--help'], standalone_mode=False)",
        "from sentistream.cli import main; main(['analyze', '--help'], standalone_mode=False)",
        "from sentistream.cli import main; main(['train', '--help'], standalone_mode=False)",
    ],
)
def test_heavy_packages_are_loaded_lazily(statement: str) -> None:
    program = f"{statement}\nimport sys; print([n for n in {HEAVY} if n in sys.modules])"
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_every_exported_name_exists() -> None:
    assert all(getattr(sentistream, name) is not None for name in sentistream.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sentistream.nonsense


def test_version_and_help_are_printed() -> None:
    version = CliRunner().invoke(main, ["--version"])
    assert sentistream.__version__ in version.output
    help_ = CliRunner().invoke(main, ["-h"]).output
    assert "analyze" in help_
    assert "doctor" in help_
    assert "Examples:" in CliRunner().invoke(main, ["analyze", "--help"]).output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage:")


def test_unknown_command_or_option_is_a_user_error() -> None:
    assert CliRunner().invoke(main, ["analyse"]).exit_code == 2
    assert CliRunner().invoke(main, ["analyze", "x.mp4", "--profile", "no"]).exit_code == 2
    assert CliRunner().invoke(main, ["analyze"]).exit_code == 2


@pytest.fixture
def failing_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that raises the given error."""

    @click.command()
    @click.argument("kind")
    def breaks(kind: str) -> None:
        if kind == "user":
            raise InputError("The clip is odd.", "Bring another.")
        if kind == "interrupt":
            raise KeyboardInterrupt
        raise RuntimeError("a fault of ours\nwith a second line")

    module = sys.modules[__name__]
    monkeypatch.setattr(module, "breaks", breaks, raising=False)
    monkeypatch.setitem(COMMANDS, "breaks", (f"{__name__}:breaks", "Breaks."))


@pytest.mark.usefixtures("failing_command")
def test_errors_are_one_sentence_with_their_exit_code() -> None:
    user = CliRunner().invoke(main, ["breaks", "user"])
    assert (user.exit_code, user.stderr) == (2, "Error: The clip is odd. Bring another.\n")
    stopped = CliRunner().invoke(main, ["breaks", "interrupt"])
    assert stopped.exit_code == INTERRUPTED == 130


@pytest.mark.usefixtures("failing_command")
def test_internal_error_writes_its_details_to_a_file() -> None:
    broken = CliRunner().invoke(main, ["breaks", "other"])
    assert broken.exit_code == 1
    assert broken.stderr.count("\n") == 1
    log = Path(broken.stderr.rsplit("the file ", 1)[1].strip().rstrip("."))
    assert "Traceback" in log.read_text()
    log.unlink()
    debugged = CliRunner().invoke(main, ["--debug", "breaks", "other"])
    assert isinstance(debugged.exception, RuntimeError)


def test_doctor_finds_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_MODELS", str(tmp_path))
    monkeypatch.setenv("SENTISTREAM_RUNTIME", "abacus")
    result = CliRunner().invoke(main, ["doctor", "--json"])
    report = json.loads(result.output)
    states = {finding["topic"]: finding["state"] for finding in report["findings"]}
    assert result.exit_code == 1
    assert report["ok"] is False
    assert states["network paper/mouth"] == "fail"
    assert states["runtime"] == "fail"
    assert states["landmark file"] == "ok"
    assert all(f["advice"] for f in report["findings"] if f["state"] != "ok")
    assert "fail  network paper/mouth" in CliRunner().invoke(main, ["doctor"]).output


@pytest.mark.parametrize("module", ["av", "dlib", "onnxruntime", "pyarrow", "numpy"])
def test_doctor_works_without_a_package(module: str) -> None:
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from sentistream.cli import main; main(['doctor', '--json'])"
    )
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in result.stderr
    findings = json.loads(result.stdout)["findings"]
    broken = [finding for finding in findings if finding["state"] != "ok"]
    assert result.returncode == (0 if module in ("dlib", "pyarrow") else 1)
    assert any(finding["topic"] == "Python" for finding in findings)
    assert all(finding["advice"] for finding in broken)


def test_doctor_finds_no_problem_here() -> None:
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "Ready" in result.output
