"""Draws docs/images/architecture.svg: the packages in their layers, and who imports whom.

Usage: python docs/draw_architecture.py [--check]

The layers are written down here; the arrows are read from the import statements. An arrow is left
out where a longer path of arrows leads to the same box. Those to the lowest layer, which everything
may import, are not drawn. ``tests/test_architecture.py`` holds the code to the layers and the
picture to the code.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "sentistream"
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
COMMAND = "python docs/draw_architecture.py"

LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("command line", ("cli",)),
    ("making and timing networks", ("training", "benchmarking")),
    ("applications", ("evaluation", "monitor")),
    ("results and networks", ("reports", "networks")),
    (
        "data and tools",
        ("datasets", "explanation", "camera", "demo", "client", "diagnosis", "export"),
    ),
    ("one call", ("api",)),
    ("many streams", ("streams",)),
    ("one stream", ("analyzer",)),
    ("profiles' decisions", ("decision",)),
    ("faces and voices", ("vision", "voice")),
    ("input and inference", ("media", "runtime")),
    (
        "shared values and rules",
        (
            "types",
            "values",
            "errors",
            "profiles",
            "prior",
            "smoothing",
            "accumulation",
            "translatable",
            "redaction",
            "atomic_write",
            "backoff",
            "decoder_names",
            "folders",
            "parquet",
            "tables",
            "async_iteration",
            "percentages",
            "cores",
            "operating_system",
            "intervals",
        ),
    ),
)
"""From top to bottom; each package imports only from layers below its own."""

WIDTH = 960
LEFT = 190
ROW = 84
BOX = 36
MARGIN = 24


@cache
def packages() -> set[str]:
    """Names of the packages and modules directly below ``sentistream``."""
    return {
        path.stem
        for path in SOURCE.iterdir()
        if (path.suffix == ".py" and not path.stem.startswith("__"))
        or (path.is_dir() and (path / "__init__.py").exists())
    }


def imported(file: Path) -> Iterator[str]:
    """The packages of ``packages`` that a file imports anywhere, also within functions."""
    known = packages()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "sentistream" and len(parts) > 1 and parts[1] in known:
                yield parts[1]


def imports() -> dict[str, set[str]]:
    """What each package imports from other packages."""
    found: dict[str, set[str]] = {name: set() for name in sorted(packages())}
    for name, targets in found.items():
        place = SOURCE / name
        files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
        for file in files:
            targets.update(imported(file))
        targets.discard(name)
    return found


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """A graph without circles, less the edges that a longer path replaces."""

    def reach(name: str) -> set[str]:
        below = set(graph[name])
        for target in graph[name]:
            below |= reach(target)
        return below

    return {
        name: {
            target
            for target in targets
            if not any(target in reach(other) for other in targets - {target})
        }
        for name, targets in graph.items()
    }


def svg() -> str:
    """The picture, the same text for the same code."""
    lowest = set(LAYERS[-1][1])
    graph = {name: targets - lowest for name, targets in imports().items() if name not in lowest}
    place: dict[str, tuple[float, float, float]] = {}
    height = ROW * len(LAYERS) + MARGIN
    boxes, bands = [], []
    for row, (title, names) in enumerate(LAYERS):
        top = MARGIN + row * ROW
        bands.append(
            f'<rect class="band" x="8" y="{top - 12}" '
            f'width="{WIDTH - 16}" height="{BOX + 24}" rx="8"/>'
        )
        bands.append(f'<text class="layer" x="22" y="{top + 23}">{escape(title)}</text>')
        if row == len(LAYERS) - 1:
            half = (len(names) + 1) // 2
            for line, some in enumerate((names[:half], names[half:])):
                text = ", ".join(some)
                boxes.append(
                    f'<text class="small" x="{LEFT + 6}" y="{top + 14 + 18 * line}">{text}</text>'
                )
            continue
        step = (WIDTH - LEFT - 16) / len(names)
        for column, name in enumerate(names):
            width = min(118.0, step - 12)
            middle = LEFT + step * (column + 0.5)
            place[name] = (middle, top, top + BOX)
            boxes.append(
                f'<rect class="box" x="{middle - width / 2:.0f}" y="{top}" '
                f'width="{width:.0f}" height="{BOX}" rx="6"/>'
                f'<text class="name" x="{middle:.0f}" y="{top + 23}">{name}</text>'
            )
    arrows = []
    for name, targets in reduced(graph).items():
        x, _, bottom = place[name]
        for target in sorted(targets):
            to, entry, _ = place[target]
            bend = (entry - bottom) / 2
            arrows.append(
                f'<path class="arrow" d="M{x:.0f},{bottom} C{x:.0f},{bottom + bend:.0f} '
                f'{to:.0f},{entry - bend:.0f} {to:.0f},{entry - 4}" marker-end="url(#head)">'
                f"<title>{name} imports {target}</title></path>"
            )
    style = (
        "text{font-family:system-ui,sans-serif;fill:#1f2937}"
        ".layer{font-size:12px;fill:#4b5563}.name{font-size:14px;text-anchor:middle}"
        ".small{font-size:13px}.band{fill:#f3f4f6}.box{fill:#fff;stroke:#4b5563}"
        ".arrow{fill:none;stroke:#2563eb;stroke-opacity:.65;stroke-width:1.4}"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Packages in layers; arrows point from importer to imported</title>",
            f"<style>{style}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#2563eb"/>'
            "</marker></defs>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *bands,
            *arrows,
            *boxes,
            "</svg>",
            "",
        ]
    )


def main() -> None:
    picture = svg()
    if "--check" in sys.argv[1:]:
        if PICTURE.read_text("utf-8") != picture:
            sys.exit(f"{PICTURE.relative_to(ROOT)} is out of date: {COMMAND}")
    else:
        PICTURE.write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
