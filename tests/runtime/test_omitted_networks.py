"""Networks that are not part of the installed package."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from base_environment import ROOT
from sentistream.cli import main
from sentistream.errors import ModelError
from sentistream.runtime import load_card, load_network, model_store
from sentistream.runtime.model_store import LEFT_OUT, check_model


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The networks as installed by a package."""
    folder = tmp_path / "models"
    shutil.copytree(model_store.models_folder(), folder)
    for name in LEFT_OUT:
        (folder / name).unlink(missing_ok=True)  # the tests may run on an installed package
    monkeypatch.delenv("SENTISTREAM_MODELS", raising=False)
    monkeypatch.setattr(model_store, "models_folder", lambda: folder)
    return folder


def test_package_omits_exactly_the_expected_networks() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    excluded = wheel["targets"]["wheel"]["exclude"]
    assert excluded == [f"src/sentistream/models/{name}" for name in LEFT_OUT]


def test_installed_fused_network_gives_the_same_answers(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused = load_network("paper/fused")
    inputs = {key: np.full((1, *shape), 99, np.uint8) for key, shape in fused.card.inputs.items()}
    answer = fused.run(**inputs)
    monkeypatch.undo()
    assert np.array_equal(answer, load_network("paper/fused").run(**inputs))


def test_omitted_network_names_its_source(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="not part of the installed package") as raised:
        load_network("paper/audio")
    assert "SENTISTREAM_MODELS" in raised.value.way_out
    monkeypatch.setenv("SENTISTREAM_PRECISION", "float")
    with pytest.raises(ModelError, match=r"fused\.onnx"):
        load_network("paper/fused")


def test_omission_is_no_fault_but_other_gaps_are(installed: Path) -> None:
    assert check_model(load_card("paper/audio")) == ("audio.onnx",)
    assert check_model(load_card("paper/fused")) == ("fused.onnx",)
    assert check_model(load_card("paper/mouth")) == ()
    result = CliRunner().invoke(main, ["models", "verify"])
    assert result.exit_code == 0, result.output
    assert "ok    paper/audio (audio.onnx is not part of the package)" in result.output
    (installed / "paper" / "fused.int8.onnx").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        check_model(load_card("paper/fused"))


def test_custom_model_folder_must_be_complete(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTISTREAM_MODELS", str(installed))
    with pytest.raises(ModelError, match="cannot be read"):
        check_model(load_card("paper/audio"))
