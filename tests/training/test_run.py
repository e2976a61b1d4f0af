"""Selection of the training device, the memory allocator, and the mean of two states."""

from __future__ import annotations

import platform

import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.errors import InputError
from sentistream.training import run


@pytest.mark.parametrize(
    ("has_gpu", "name", "chosen"),
    [(True, "auto", "cuda"), (False, "auto", "cpu"), (True, "cpu", "cpu"), (True, "cuda", "cuda")],
)
def test_auto_uses_a_gpu_if_present(
    has_gpu: bool, name: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert run.choose_device(name).type == chosen


@pytest.mark.parametrize(("built", "message"), [(None, "without CUDA"), ("12.4", "no GPU that")])
def test_missing_gpu_is_reported(
    built: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built)
    with pytest.raises(InputError, match=f"{message}.*--device cpu"):
        run.choose_device("cuda")


def test_memory_is_not_kept_with_an_unknown_allocator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not run.keep_freed_memory()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_run_resumes_to_the_same_weights(tmp_path: object) -> None:
    """As on the CPU, as far as PyTorch has deterministic algorithms."""
    from pathlib import Path

    from test_checkpoint import RECIPE, SPLITS, KilledError, Watcher, assert_same, tiny

    from sentistream.training.trainer import fit

    assert isinstance(tmp_path, Path)
    run.make_deterministic(torch.device("cuda"))
    whole, resumed = tiny().cuda(), tiny().cuda()
    fit(whole, *SPLITS, RECIPE, tmp_path / "whole")
    with pytest.raises(KilledError):
        fit(
            tiny().cuda(),
            *SPLITS,
            RECIPE,
            tmp_path / "killed",
            callback=Watcher(7),
            checkpoint_seconds=0,
        )
    fit(resumed, *SPLITS, RECIPE, tmp_path / "killed")
    assert_same(whole.state_dict(), resumed.state_dict())
