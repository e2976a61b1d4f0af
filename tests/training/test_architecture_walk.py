"""The path of a training example in docs/architecture.md matches the code."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")

import sentistream.training

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_every_name_on_the_path_exists() -> None:
    section = PAGE.read_text("utf-8").split("## A training example")[1].split("\n## ")[0]
    modules = {
        found.name: importlib.import_module(f"sentistream.training.{found.name}")
        for found in pkgutil.iter_modules(sentistream.training.__path__)
    }
    names = set(modules).union(*(vars(module) for module in modules.values()))
    members = {f"{name}.{one}" for name, module in modules.items() for one in vars(module)}
    members |= {
        f"{owner}.{one}"
        for module in modules.values()
        for owner, value in vars(module).items()
        if isinstance(value, type)
        for one in dir(value)
    }
    quoted = set(re.findall(r"`([A-Za-z_]+(?:\.[a-z_]+)?)`", section)) - {"lite"}
    quoted = {name for name in quoted if not name.startswith("sentistream")}
    prefixes = {"mouth_", "voice_", "fusion_", "detector_", "landmark_", "face_"}
    unknown = {
        name for name in quoted - prefixes if name not in (members if "." in name else names)
    }
    assert len(quoted) > 25
    assert unknown == set()
