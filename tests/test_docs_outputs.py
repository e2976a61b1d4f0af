"""The documentation lists every column, key and flag, with its type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sentistream.reports.formats import FORMATS
from sentistream.reports.result_folder import FILES, INDEX_COLUMNS
from sentistream.reports.summary_file import SummaryFile
from sentistream.tables import COLUMNS
from sentistream.types import Flag
from synthetic_readings import Subject

TEXT = (Path(__file__).parents[1] / "docs" / "outputs.md").read_text("utf-8")


def section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_columns_are_documented_in_order_with_their_types() -> None:
    table = section("`readings.csv` and `readings.parquet`")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|.*\|.*\|$", table, re.MULTILINE)
    assert rows == [(column.name, column.type) for column in COLUMNS]


@pytest.mark.parametrize("name", [*Flag, *FILES])
def test_flags_and_files_are_documented(name: str) -> None:
    assert f"| `{name}` |" in TEXT


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_documented(name: str) -> None:
    rows = re.findall(
        r"^\| `(\w+)` (\\\*)?.*?\| `(\S+)` \|", section("Formats of other programs"), re.MULTILINE
    )
    extra = FORMATS[name].module and FORMATS[name].extra == "formats"
    assert (name, r"\*" if extra else "", FORMATS[name].file) in rows


def test_summary_keys_are_documented(tmp_path: Path) -> None:
    with SummaryFile(tmp_path / "s.json", Subject(), {}) as summary:
        keys = summary.facts(complete=True)
    first_cells = " ".join(re.findall(r"^\| (.*?) \|", section("`summary.json`"), re.MULTILINE))
    assert [key for key in keys if not re.search(rf"`{key}[`.]", first_cells)] == []


def test_index_columns_are_documented() -> None:
    first_cells = " ".join(re.findall(r"^\| (.*?) \|", section("`summary.csv`"), re.MULTILINE))
    assert re.findall(r"`(\w+)`", first_cells) == list(INDEX_COLUMNS)
