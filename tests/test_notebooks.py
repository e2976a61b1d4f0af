"""The notebooks run completely, each in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import sentistream

FOLDER = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def outputs(notebook: Any) -> str:
    """All text written or shown by the cells."""
    parts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            parts.append(output.get("text", ""))
            parts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def test_there_are_the_four_notebooks() -> None:
    assert NOTEBOOKS == [
        "batch_of_clips.ipynb",
        "compare_two_people.ipynb",
        "first_reading.ipynb",
        "own_data.ipynb",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first_reading.ipynb", ["appearance 1", "Distribution(positive=", "points for"]),
        ("compare_two_people.ipynb", ["mean difference", "track", "Axes"]),
        ("batch_of_clips.ipynb", ["broken_seconds.mp4", "2_seconds.mp4", "mouth_open"]),
        ("own_data.ipynb", ["of 2 right", "95 % interval", "Distribution(positive="]),
    ],
)
def test_notebook_runs(
    name: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the kernel, in another working directory, imports the same sentistream
    monkeypatch.setenv("PYTHONPATH", str(Path(sentistream.__file__).parents[1]))
    notebook = nbformat.read(FOLDER / name, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = outputs(notebook)
    for words in expected:
        assert words in shown


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_stored_without_output(name: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)  # type: ignore[no-untyped-call]
    assert all(
        not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells
    )
