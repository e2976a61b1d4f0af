"""CSV lists from people and spreadsheets are parsed, or refused with line and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentistream.datasets.csv_lists import resolve_listed_path
from sentistream.datasets.formats import open_dataset
from sentistream.datasets.manifest import open_manifest, read_manifest
from sentistream.errors import InputError
from sentistream.types import SENTIMENTS

PLAIN = "path,label,person\nclips/a.mp4,neutral,Zoë\nclips/b.mp4,happy,Björn\n"


@pytest.fixture(autouse=True)
def _clips(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "clips" / name).write_bytes(b"x")


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " | "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("path,label,person", "Path,LABEL,Person"),
        PLAIN.replace("path,label", " path , label "),
        PLAIN.replace("clips/", "clips\\"),
        PLAIN.replace("clips/", ".\\clips\\"),
        PLAIN + "\n\n,,\n",
        PLAIN.replace("\n", "\n,,\n", 1),
        PLAIN.replace("\n", ",,\n"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        PLAIN.replace("clips/a.mp4", '"clips/a.mp4"'),
        PLAIN.replace("\n", "\r"),
    ],
    ids=range(15),
)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_list_is_parsed(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    items, outside = read_manifest(path, SENTIMENTS)
    assert [item.path.resolve() for item in items] == [
        tmp_path / "clips" / "a.mp4",
        tmp_path / "clips" / "b.mp4",
    ]
    assert [item.person for item in items] == ["Zoë", "Björn"]
    assert outside == 0
    assert not open_manifest(path).faults


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("path;person\nx;y\n", "no column label: with a semicolon .* names: path, person"),
        ("file,label\nx,neutral\n", "no column path: with a comma .* names: file, label"),
        ("path,label\nclips/a.mp4,neutral\n\nclips/a, b.mp4,happy\n", "Line 4 .* 3 fields for 2"),
        ("path,label\n\n,neutral\n", "Line 3 .* names no path"),
        ("path,label\n\n\nclips/a.mp4,cheerful\n", "Line 4 .* label 'cheerful'"),
        ("path,label,Label\nx,neutral,neutral\n", "names the column label twice"),
        ("sep=;\npath;label\nx;y;z\n", "Line 3 "),
        ("", "no column label or path"),
    ],
)
def test_list_is_refused_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=problem):
        read_manifest(path, SENTIMENTS)


def test_paths_are_relative_to_the_list_or_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "lists" / "list.csv"
    monkeypatch.chdir(tmp_path)
    assert resolve_listed_path(elsewhere, "clips/a.mp4").resolve() == tmp_path / "clips" / "a.mp4"
    assert resolve_listed_path(elsewhere, "clips\\a.mp4").resolve() == tmp_path / "clips" / "a.mp4"
    # the list's own folder comes first, and is where a missing file is expected
    (tmp_path / "lists" / "clips").mkdir(parents=True)
    (tmp_path / "lists" / "clips" / "a.mp4").write_bytes(b"")
    assert resolve_listed_path(elsewhere, "clips/a.mp4") == tmp_path / "lists" / "clips" / "a.mp4"
    assert resolve_listed_path(elsewhere, "none.mp4") == tmp_path / "lists" / "none.mp4"
    assert resolve_listed_path(elsewhere, "x" * 5000).parent == tmp_path / "lists"
    # a backslash may be part of a name
    (tmp_path / "lists" / "c\\a.mp4").write_bytes(b"")
    assert resolve_listed_path(elsewhere, "c\\a.mp4").name == "c\\a.mp4"


def test_missing_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_manifest(tmp_path / "none.csv", SENTIMENTS)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1251", "Анна.mp4"),
        ("mac-roman", "Zoë.mp4"),
        ("cp1250", "Łucja.mp4"),
        ("cp866", "Ян.mp4"),
    ],
)
def test_unmarked_encodings_are_decoded(tmp_path: Path, encoding: str, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    path = tmp_path / "list.csv"
    text = f"path,label,person\nclips/a.mp4,neutral,1\n{name},happy,2\n"
    path.write_bytes(text.encode(encoding))
    for reading in (lambda: read_manifest(path, SENTIMENTS), lambda: open_dataset(path)):
        with pytest.raises(InputError, match=r"neither Unicode nor|is not UTF-8 and was") as found:
            reading()
        assert "cp1252" in found.value.problem
        assert found.value.way_out == "Save the list as CSV in UTF-8."
    path.write_text(text, "utf-8")
    assert len(read_manifest(path, SENTIMENTS)[0]) == 2
    # a file that is merely missing is reported as before
    path.write_bytes(text.replace(name, "gone.mp4").encode(encoding))
    (fault,) = open_dataset(path).faults
    assert fault.name == "gone.mp4"
