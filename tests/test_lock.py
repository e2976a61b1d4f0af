"""uv.lock: what CI installs; every target platform has wheels for the base installation."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from base_environment import PROJECT, ROOT

TEXT = (ROOT / "uv.lock").read_text("utf-8")
LOCK = tomllib.loads(TEXT)
PACKAGES: dict[str, list[dict[str, Any]]] = {}
for _package in LOCK["package"]:
    PACKAGES.setdefault(_package["name"], []).append(_package)

PYTHONS = (11, 12, 13, 14)
SYSTEMS = {
    "Linux x86-64": (r"manylinux\w*_x86_64", "linux", "Linux", "x86_64"),
    "Linux Arm64": (r"manylinux\w*_aarch64", "linux", "Linux", "aarch64"),
    "macOS Arm64": (r"macosx_\d+_\d+_(arm64|universal2)", "darwin", "Darwin", "arm64"),
    "macOS x86-64": (r"macosx_\d+_\d+_(x86_64|universal2)", "darwin", "Darwin", "x86_64"),
    "Windows x86-64": (r"win_amd64", "win32", "Windows", "AMD64"),
}
"""A matching wheel's platform, ``sys.platform``, and ``platform``'s system and machine."""

WITHOUT_WHEEL: set[tuple[str, str, int]] = {
    ("onnxruntime", "macOS x86-64", minor) for minor in PYTHONS
}
"""Documented in docs/platforms.md: its makers ship no wheel for Macs with Intel processors."""


def environment(system: str, minor: int) -> dict[str, str]:
    _, name, platform, machine = SYSTEMS[system]
    return {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": name,
        "platform_system": platform,
        "platform_machine": machine,
        "os_name": "nt" if name == "win32" else "posix",
        "platform_release": "",
        "platform_version": "",
        "implementation_version": f"3.{minor}.0",
        "extra": "",
    }


def base(system: str, minor: int) -> Iterator[dict[str, Any]]:
    """The locked packages of a base installation."""
    here = environment(system, minor)
    waiting, seen = ["sentistream"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        (package,) = [
            one
            for one in PACKAGES[name]
            if not one.get("resolution-markers")
            or any(Marker(marker).evaluate(here) for marker in one["resolution-markers"])
        ]
        if name != "sentistream":
            yield package
        waiting += [
            needed["name"]
            for needed in package.get("dependencies", ())
            if "marker" not in needed or Marker(needed["marker"]).evaluate(here)
        ]


def fits(tag: Tag, system: str, minor: int) -> bool:
    """Whether CPython 3.minor on that system can install a wheel with the tag."""
    if tag.platform != "any" and not re.fullmatch(SYSTEMS[system][0], tag.platform):
        return False
    if tag.interpreter == "py3":
        return tag.abi == "none"
    found = re.fullmatch(r"cp3(\d+)", tag.interpreter)
    if found is None:
        return False
    made_for = int(found[1])
    if tag.abi == "abi3":
        return made_for <= minor
    return made_for == minor and tag.abi in (f"cp3{minor}", "none")


def fitting_wheels(package: dict[str, Any], system: str, minor: int) -> list[dict[str, Any]]:
    return [
        wheel
        for wheel in package.get("wheels", ())
        if any(
            fits(tag, system, minor)
            for tag in parse_wheel_filename(wheel["url"].rpartition("/")[2])[3]
        )
    ]


def has_wheel(package: dict[str, Any], system: str, minor: int) -> bool:
    return bool(fitting_wheels(package, system, minor))


def wheel_bytes(package: dict[str, Any], system: str, minor: int) -> int:
    """The largest matching wheel, compressed; 0 if there is none."""
    return max((wheel["size"] for wheel in fitting_wheels(package, system, minor)), default=0)


@pytest.mark.parametrize(("system", "minor"), list(product(SYSTEMS, PYTHONS)))
def test_base_has_wheels(system: str, minor: int) -> None:
    packages = list(base(system, minor))
    assert {"av", "numpy", "onnxruntime", "pillow"} <= {one["name"] for one in packages}
    missing = {
        (one["name"], system, minor) for one in packages if not has_wheel(one, system, minor)
    }
    assert missing == {gap for gap in WITHOUT_WHEEL if gap[1:] == (system, minor)}


def test_packages_without_wheels_are_documented() -> None:
    page = (ROOT / "docs" / "platforms.md").read_text("utf-8")
    for name in {name for name, _, _ in WITHOUT_WHEEL}:
        assert re.search(rf"`{name}`.*Intel", page), name


@pytest.mark.parametrize(("system", "minor"), list(product(SYSTEMS, PYTHONS)))
def test_base_stays_small(system: str, minor: int) -> None:
    """Installed size is about 3.3 times as much, which CI measures."""
    assert sum(wheel_bytes(package, system, minor) for package in base(system, minor)) < 86e6


@pytest.mark.parametrize(
    ("tag", "system", "minor", "expected"),
    [
        ("py3-none-any", "Windows x86-64", 14, True),
        ("cp311-abi3-win_amd64", "Windows x86-64", 14, True),
        ("cp312-abi3-win_amd64", "Windows x86-64", 11, False),
        ("cp313-cp313t-win_amd64", "Windows x86-64", 13, False),  # excluding the Python interpreter
        ("cp313-cp313-musllinux_1_2_x86_64", "Linux x86-64", 13, False),
        ("cp313-cp313-manylinux_2_27_x86_64", "Linux x86-64", 13, True),
        ("cp313-cp313-manylinux_2_27_x86_64", "Linux Arm64", 13, False),
        ("cp313-cp313-macosx_11_0_universal2", "macOS x86-64", 13, True),
    ],
)
def test_wheel_tags_are_matched(tag: str, system: str, minor: int, expected: bool) -> None:
    assert fits(Tag(*tag.split("-", 2)), system, minor) is expected


def test_lock_is_up_to_date() -> None:
    """As ``uv lock --check`` would find."""
    (ours,) = PACKAGES["sentistream"]
    assert LOCK["requires-python"] == PROJECT["requires-python"]
    assert ours["version"] == PROJECT["version"]
    wanted = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    found: dict[str, list[dict[str, Any]]] = {"": [], **{extra: [] for extra in wanted if extra}}
    for needed in ours["metadata"]["requires-dist"]:
        extra = re.search(r"extra == '([\w-]+)'", needed.get("marker", ""))
        found["" if extra is None else extra[1]].append(needed)
    for extra, requirements in wanted.items():
        expected = {}
        for text in requirements:
            requirement = Requirement(text)
            expected[canonicalize_name(requirement.name)] = requirement.specifier
        locked = {one["name"]: SpecifierSet(one.get("specifier", "")) for one in found[extra]}
        assert locked == expected, f"{extra or 'base'}: run uv lock"


def test_lock_names_only_the_public_index() -> None:
    hosts = set(re.findall(r"[a-z]+://([^/\"]+)", TEXT))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
    assert "file:" not in TEXT
    for package in LOCK["package"]:
        if package["name"] != "sentistream":
            assert package["source"] == {"registry": "https://pypi.org/simple"}
