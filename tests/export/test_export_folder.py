"""``sentistream export`` writes all that another device needs, without sentistream itself."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner

from base_environment import run_base
from sentistream.cli import main
from sentistream.profiles import LITE, PROFILES
from sentistream.runtime import load_card
from sentistream.types import UInt8Array

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from sentistream.cli import main; main(sys.argv[1:])"
MAX_LINES = 150
"""Maximum number of lines of a file of the reference."""


@pytest.fixture(scope="module", params=sorted(PROFILES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("export") / "for device"
    result = CliRunner().invoke(main, ["export", str(folder), "--profile", request.param])
    assert result.exit_code == 0, result.output
    assert "README.md" in result.output
    return folder


def description(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "pipeline.json").read_text("utf-8"))
    return found


def test_every_network_has_its_card_and_terms(folder: Path) -> None:
    found = description(folder)
    assert set(found["networks"]) == {
        name.rpartition("/")[2] for name in PROFILES[found["profile"]].models
    }
    readme = (folder / "README.md").read_text("utf-8")
    for name, network in found["networks"].items():
        content = (folder / network["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == network["sha256"]
        card = load_card(f"{found['profile']}/{name}")
        assert json.loads((folder / network["card"]).read_text("utf-8"))["name"] == card.name
        assert network["licence"] == card.licence
        for text in (network["file"], network["sha256"], network["card"], card.task, card.licence):
            assert text in readme
    assert load_card("lite/face").forbidden_use in readme


def test_vectors_reproduce_their_answers(folder: Path) -> None:
    vectors = np.load(folder / "test_vectors.npz")
    for name, network in description(folder)["networks"].items():
        session = onnxruntime.InferenceSession(folder / network["file"])
        assert {one.name for one in session.get_inputs()} == set(network["inputs"])
        inputs = {key: vectors[f"{name}.{key}"] for key in network["inputs"]}
        for key, described in network["inputs"].items():
            assert inputs[key].dtype == described["type"]
        (answer,) = session.run([network["output"]["name"]], inputs)
        assert answer.shape[-1] == len(network["output"]["columns"])
        np.testing.assert_allclose(answer, vectors[name], rtol=1e-3, atol=1e-3)


def test_description_lists_the_detectors_strides(tmp_path: Path) -> None:
    detector = pytest.importorskip("sentistream.networks.detector")
    from sentistream.export.pipeline_description import describe_pipeline

    assert describe_pipeline(LITE, {})["detector"]["strides"] == list(detector.STRIDES)


def test_export_does_not_import_sentistream(folder: Path) -> None:
    modules = list(folder.rglob("*.py"))
    assert modules
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith("sentistream") for name in names), path
    for path in folder.glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES, path.name


def test_license_is_the_repositorys(folder: Path) -> None:
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_reference_runs_standalone(tmp_path: Path, portrait_luma: UInt8Array) -> None:
    folder = tmp_path / "lite"
    assert CliRunner().invoke(main, ["export", str(folder)]).exit_code == 0
    np.save(tmp_path / "face.npy", portrait_luma)
    np.save(tmp_path / "nobody.npy", np.zeros((240, 320), np.uint8))
    program = (
        "import runpy, sys; sys.modules['sentistream'] = None; del sys.argv[0]; "
        "sys.path.insert(0, sys.argv[0]); "
        "runpy.run_path(sys.argv[0] + '/reference.py', run_name='__main__')"
    )
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, folder, "face.npy", "nobody.npy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    first, second = run.stdout.splitlines()
    assert (run.stderr, run.returncode) == ("", 0)
    assert first.startswith("0.00 s: positive")
    assert "mouth open" in first
    assert second == "0.04 s: no face"


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", "utf-8")
    result = CliRunner().invoke(main, ["export", str(tmp_path)])
    assert result.exit_code == 2
    assert "--force" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert CliRunner().invoke(main, ["export", str(tmp_path), "--force"]).exit_code == 0
    assert (tmp_path / "mine.txt").exists()


def test_file_as_output_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", "utf-8")
    result = CliRunner().invoke(main, ["export", str(tmp_path / "mine.txt")])
    assert result.exit_code == 2
    assert "is a file" in result.output
    result = CliRunner().invoke(main, ["export", str(tmp_path / "mine.txt" / "in")])
    assert result.exit_code == 2
    assert "cannot be written" in result.output


def test_floats_are_exported_on_request(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["export", str(tmp_path / "out"), "--profile", "paper", "--variant", "float"]
    )
    assert result.exit_code == 0, result.output
    fused = description(tmp_path / "out")["networks"]["fused"]
    assert (fused["file"], fused["sha256"]) == ("fused.onnx", load_card("paper/fused").sha256)
    assert not list((tmp_path / "out").glob("*.int8.onnx"))


def test_export_needs_no_extra(tmp_path: Path) -> None:
    run = run_base(COMMAND, "export", str(tmp_path / "out"))
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "out" / "reference.py").exists()


def test_int8_export_names_the_required_extra(tmp_path: Path) -> None:
    options = ("--variant", "int8", "--calibrate", "clip.mp4")
    run = run_base(COMMAND, "export", str(tmp_path / "out"), *options)
    assert run.returncode == 2
    assert "pip install 'sentistream[train]'" in run.stderr
