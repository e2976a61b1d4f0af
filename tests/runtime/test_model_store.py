"""Missing, altered or damaged networks are refused in one sentence."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from sentistream.errors import ModelError
from sentistream.runtime import ModelCard, list_models, load_card, load_network
from sentistream.runtime.inference import Network
from sentistream.runtime.model_card import read_card

CARD = ModelCard(
    name="mine/mouth",
    version="1",
    task="Is the mouth open?",
    file="mouth.onnx",
    sha256=hashlib.sha256(b"no network").hexdigest(),
    parameters=1,
    multiply_adds=1,
    inputs={"mouth": [28, 28, 3]},
    outputs=["open"],
    licence="MIT",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine").mkdir()
    CARD.write(tmp_path / "mine" / "mouth.json")
    (tmp_path / "mine" / "mouth.onnx").write_bytes(b"no network")
    monkeypatch.setenv("SENTISTREAM_MODELS", str(tmp_path))
    return tmp_path


def test_card_survives_serialization(folder: Path) -> None:
    assert list_models() == ["mine/mouth"]
    assert load_card("mine/mouth") == CARD


def test_altered_file_is_refused(folder: Path) -> None:
    (folder / "mine" / "mouth.onnx").write_bytes(b"other bytes")
    with pytest.raises(ModelError, match=r"was altered.*Reinstall sentistream"):
        load_network("mine/mouth")


def test_missing_file_is_reported(folder: Path) -> None:
    (folder / "mine" / "mouth.onnx").unlink()
    with pytest.raises(ModelError, match=r"cannot be read \(No such file or directory\)"):
        load_network("mine/mouth")


def test_missing_card_is_reported(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"The model card .*other\.json is missing"):
        load_network("mine/other")


@pytest.mark.parametrize("content", [b"", b"[1]", b"{}", b"\xff\xfe", b'{"name": 3}'])
def test_invalid_card_is_reported(folder: Path, content: bytes) -> None:
    path = folder / "mine" / "mouth.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(path)


def test_file_without_a_network_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded by onnxruntime"):
        load_network("mine/mouth")


def test_unknown_engine_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_RUNTIME", "abacus")
    with pytest.raises(ModelError, match=r"no runtime 'abacus'.*onnxruntime, openvino, cuda"):
        load_network("mine/mouth")


def test_missing_gpu_runtime_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_RUNTIME", "cuda")
    with pytest.raises(ModelError, match=r"cannot use an NVIDIA GPU here.*onnxruntime-gpu"):
        load_network("mine/mouth")


@pytest.mark.parametrize("works", [True, False])
def test_gpu_session_that_falls_back_to_cpu_is_refused(
    monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    class Session:
        def __init__(self, _content: bytes, _options: object, providers: list[str]) -> None:
            self.providers = providers if works else ["CPUExecutionProvider"]

        def get_providers(self) -> list[str]:
            return self.providers

    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    if works:
        assert Network(CARD, b"", "cuda").engine_name == "cuda"
    else:
        with pytest.raises(ModelError, match="cannot use an NVIDIA GPU"):
            Network(CARD, b"", "cuda")


def test_unknown_card_fields_of_later_versions_are_ignored(folder: Path) -> None:
    path = folder / "mine" / "mouth.json"
    path.write_text(path.read_text().replace('"name"', '"later_field": 1, "name"'))
    assert read_card(path) == replace(CARD)


def test_network_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = load_card("lite/face")
    monkeypatch.setenv("SENTISTREAM_MODELS", str(tmp_path))
    (tmp_path / "lite").mkdir()
    replace(packaged, inputs={"face": [48, 48, 1]}).write(tmp_path / "lite" / "face.json")
    with pytest.raises(ModelError, match=r"lite/face in .* was made for another version") as raised:
        load_network("lite/face")
    assert "sentistream train face --profile lite" in raised.value.way_out
