from __future__ import annotations

import csv
import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from full_disk import small_disk
from sentistream.errors import OutputError
from sentistream.reports.output_files import Reserve
from sentistream.reports.readings_table import CsvTable, ParquetTable
from sentistream.reports.table_formats import PLAIN, spreadsheet_style
from sentistream.tables import COLUMNS
from sentistream.types import Moment, Reading
from synthetic_readings import moments, picture, reading


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_both_tables_hold_one_row_per_moment_and_face(tmp_path: Path) -> None:
    results = list(moments(3))
    with (
        CsvTable(tmp_path / "r.csv", mouth_threshold=0.5) as table,
        ParquetTable(tmp_path / "r.parquet", mouth_threshold=0.5, row_group=50) as parquet,
    ):
        for moment, readings in results:
            table.add(moment, readings)
            parquet.add(moment, readings)

    expected = [one for _, readings in results for one in readings]
    rows = rows_of(tmp_path / "r.csv")
    whole = pq.read_table(tmp_path / "r.parquet")
    assert len(rows) == whole.num_rows == len(expected)
    assert pq.ParquetFile(tmp_path / "r.parquet").num_row_groups > 1
    for row, typed, one in zip(rows, whole.to_pylist(), expected, strict=True):
        assert float(row["time"]) == pytest.approx(one.time, abs=1e-6)
        assert typed["time"] == one.time
        assert row["label"] == typed["label"] == one.label
        assert row["track"] == ("" if one.track is None else str(one.track))
        if one.smoothed is not None and one.mouth_open is not None:
            assert float(row["smoothed_negative"]) == pytest.approx(one.smoothed.negative, abs=1e-6)
            assert typed["mouth"] == ("open" if one.mouth_open >= 0.5 else "closed")
            assert typed["flags"] == " ".join(one.flags)
            assert typed["voice_share"] == pytest.approx(one.voice_share)
            assert float(row["voice_share"]) == pytest.approx(one.voice_share, abs=1e-6)
        else:
            assert typed["smoothed_negative"] is None
            assert row["mouth"] == ""
            assert row["voice_share"] == ""
    assert [
        (field.name, str(field.type).replace("double", "float64").replace("float", "float32"))
        for field in whole.schema
        if field.name != "time"
    ] == [(column.name, column.type) for column in COLUMNS if column.name != "time"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 1), st.integers(1, 9)),
        min_size=1,
        max_size=20,
    )
)
def test_csv_and_parquet_are_equal(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[float, float, float, int]]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    with (
        CsvTable(folder / "r.csv", mouth_threshold=0.5) as table,
        ParquetTable(folder / "r.parquet", mouth_threshold=0.5, row_group=7) as parquet,
    ):
        for index, (positive, negative, mouth, track) in enumerate(values):
            one = reading(index * 0.03, track, positive, negative, mouth)
            moment = Moment(one.time, picture(8, 8), one.time)
            table.add(moment, [one])
            parquet.add(moment, [one])
    for row, typed in zip(
        rows_of(folder / "r.csv"), pq.read_table(folder / "r.parquet").to_pylist(), strict=True
    ):
        for name in ("mouth_open", "momentary_positive", "smoothed_neutral"):
            assert float(row[name]) == pytest.approx(typed[name], abs=2e-6)
        assert row["mouth"] == typed["mouth"]


def test_every_moment_is_flushed_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    moment = Moment(0.0, picture(8, 8), 0.0)
    with CsvTable(path, mouth_threshold=0.5) as table:
        for count in range(1, 4):
            table.add(moment, [reading(0.0)])
            assert len(rows_of(path)) == count


def test_exception_leaves_both_tables_valid(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        CsvTable(tmp_path / "r.csv", mouth_threshold=0.5) as table,
        ParquetTable(tmp_path / "r.parquet", mouth_threshold=0.5) as parquet,
    ):
        for count, (moment, readings) in enumerate(moments(3)):
            if count == 40:
                raise KeyboardInterrupt
            table.add(moment, readings)
            parquet.add(moment, readings)
    assert len(rows_of(tmp_path / "r.csv")) == pq.read_table(tmp_path / "r.parquet").num_rows > 40


def test_killed_run_keeps_the_csv_and_no_partial_parquet(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from synthetic_readings import moments
from sentistream.reports.readings_table import CsvTable, ParquetTable
folder = Path(sys.argv[1])
with CsvTable(folder / "r.csv", mouth_threshold=.5) as table, \\
        ParquetTable(folder / "r.parquet", mouth_threshold=.5, row_group=10) as parquet:
    for count, (moment, readings) in enumerate(moments(9)):
        if count == 100:
            os.kill(os.getpid(), signal.SIGKILL)
        table.add(moment, readings)
        parquet.add(moment, readings)
"""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert result.returncode == -9
    assert len({row["time"] for row in rows_of(tmp_path / "r.csv")}) == 100
    assert (tmp_path / "r.csv").read_text().endswith("\n")
    assert not (tmp_path / "r.parquet").exists()
    assert (tmp_path / "r.partial.parquet").exists()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A 1 MB file system."""
    with small_disk(tmp_path / "disk", "1m") as folder:
        yield folder


def test_full_disk_leaves_valid_tables_and_is_reported(tiny_disk: Path) -> None:
    noise = np.random.default_rng(1)
    written = 0
    with (
        pytest.raises(OutputError, match="disk is full"),
        Reserve(tiny_disk, 300_000) as reserve,
        ParquetTable(
            tiny_disk / "r.parquet", mouth_threshold=0.5, reserve=reserve, row_group=500
        ) as parquet,
        CsvTable(tiny_disk / "r.csv", mouth_threshold=0.5, reserve=reserve) as table,
    ):
        for index in range(100_000):
            a, b, c = (float(value) for value in noise.random(3))
            one = reading(index * 0.03, 1, a / 2, b / 2, c)
            moment = Moment(one.time, picture(8, 8), one.time)
            table.add(moment, [one])
            written += 1
            parquet.add(moment, [one])
    rows = rows_of(tiny_disk / "r.csv")
    assert (tiny_disk / "r.csv").read_text().endswith("\n")
    assert None not in rows[-1].values()
    assert len(rows) in (written, written + 1)
    assert pq.read_table(tiny_disk / "r.parquet").num_rows >= written - 500


def test_partially_written_record_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = CsvTable(tmp_path / "r.csv", mouth_threshold=0.5)
    table.open()
    table.add(Moment(0.0, picture(8, 8), 0.0), [Reading(0.0)])
    system_write = os.write
    room = [17]

    def write_until_full(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return system_write(descriptor, bytes(data)[: room.pop()])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_until_full)
        with pytest.raises(OutputError, match="disk is full"):
            table.add(Moment(0.03, picture(8, 8), 0.03), [Reading(0.03)])
    assert not (tmp_path / "r.csv").read_text().endswith("\n")
    table.close(complete=False)
    assert [row["label"] for row in rows_of(tmp_path / "r.csv")] == ["no_face"]


@pytest.mark.parametrize("kind", [CsvTable, ParquetTable])
def test_unwritable_path_is_an_output_error(
    tmp_path: Path, kind: type[CsvTable | ParquetTable]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a directory"):
        kind(tmp_path / "file" / "r.csv", mouth_threshold=0.5).open()


def test_full_device_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="disk is full"):
        CsvTable(Path("/dev/full"), mouth_threshold=0.5).open()


@pytest.mark.parametrize(("point", "separator"), [(",", ";"), (".", ",")])
def test_spreadsheet_table_follows_the_users_locale(point: str, separator: str) -> None:
    style = spreadsheet_style(point)
    text = style.mark + style.text([["clip", "share"], ["Müller; a,b.mp4", 0.25], ["", 3]])
    assert text.encode("utf-8").startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(text[1:]), delimiter=separator))
    assert rows == [["clip", "share"], ["Müller; a,b.mp4", f"0{point}25"], ["", "3"]]


def test_table_for_programs_uses_commas_and_points() -> None:
    assert PLAIN.mark + PLAIN.text([["a", 0.25]]) == "a,0.25\n"
