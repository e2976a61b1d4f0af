"""Upper layers import lower ones, and the architecture diagram matches the code."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "draw_architecture", ROOT / "docs" / "draw_architecture.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_package_has_one_layer(drawing: ModuleType) -> None:
    names = [name for _, some in drawing.LAYERS for name in some]
    assert sorted(names) == sorted(drawing.packages()), "LAYERS in docs/draw_architecture.py"


def test_packages_import_from_lower_layers_only(drawing: ModuleType) -> None:
    *upper, (_, lowest) = drawing.LAYERS
    level = {name: row for row, (_, names) in enumerate(upper) for name in names}
    level |= dict.fromkeys(lowest, len(upper))
    back = [
        f"{name} imports {target}"
        for name, targets in drawing.imports().items()
        for target in targets
        if level[target] <= level[name] and not {name, target} <= set(lowest)
    ]
    assert back == []


def test_import_within_a_function_counts(drawing: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        "def late():\n    from sentistream import cli\n    import sentistream.media.file_source\n"
    )
    assert list(drawing.imported(file)) == ["cli", "media"]


def test_no_modules_import_each_other() -> None:
    source = ROOT / "src"
    files = {
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): path
        for path in source.rglob("*.py")
    }
    graph = {name: at_import(path, files.keys()) - {name} for name, path in files.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def at_import(path: Path, modules: Set[str]) -> set[str]:
    """The modules loaded with a file: not those imported in functions or for types only."""
    found = set[str]()
    nodes: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules else str(node.module))
        else:
            nodes += ast.iter_child_nodes(node)
    return {name for name in found if name in modules}


def test_diagram_matches_the_code(drawing: ModuleType) -> None:
    assert drawing.PICTURE.read_text("utf-8") == drawing.svg(), f"run: {drawing.COMMAND}"


def test_script_reports_an_outdated_diagram(
    drawing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old.svg").write_text("<svg/>")
    monkeypatch.setattr(drawing, "PICTURE", tmp_path / "old.svg")
    monkeypatch.setattr(drawing, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["draw_architecture", "--check"])
    with pytest.raises(SystemExit, match="out of date"):
        drawing.main()
