"""Where training runs, and what it asks of the memory allocator."""

from __future__ import annotations

import platform

import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch

from sentistream.errors import InputError
from sentistream.training import devices


@pytest.mark.parametrize(
    ("there", "name", "chosen"),
    [(True, "auto", "cuda"), (False, "auto", "cpu"), (True, "cpu", "cpu"), (True, "cuda", "cuda")],
)
def test_auto_takes_a_gpu_where_there_is_one(
    there: bool, name: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert devices.choose_device(name).type == chosen


@pytest.mark.parametrize(("built", "said"), [(None, "without CUDA"), ("12.4", "no GPU that")])
def test_a_gpu_that_is_not_there(
    built: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built)
    with pytest.raises(InputError, match=f"{said}.*--device cpu"):
        devices.choose_device("cuda")


def test_memory_is_kept_only_where_the_allocator_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not devices.keep_freed_memory()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_on_a_gpu_resumes_to_the_same_weights(tmp_path: object) -> None:
    """As on the processor, as far as PyTorch has deterministic algorithms."""
    from pathlib import Path

    from test_resuming import RECIPE, SIDES, KilledError, Watcher, assert_same, tiny

    from sentistream.training.loop import fit

    assert isinstance(tmp_path, Path)
    devices.be_deterministic(torch.device("cuda"))
    whole, resumed = tiny().cuda(), tiny().cuda()
    fit(whole, *SIDES, RECIPE, tmp_path / "whole")
    with pytest.raises(KilledError):
        fit(
            tiny().cuda(),
            *SIDES,
            RECIPE,
            tmp_path / "killed",
            observer=Watcher(7),
            checkpoint_seconds=0,
        )
    fit(resumed, *SIDES, RECIPE, tmp_path / "killed")
    assert_same(whole.state_dict(), resumed.state_dict())
