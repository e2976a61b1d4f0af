"""Export formats, opened with the libraries of the programs that read them."""

from __future__ import annotations

import csv
import errno
import json
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import parselmouth
import pysrt
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid
from pympi import Eaf

from sentistream.errors import MissingExtraError, OutputError
from sentistream.reports.annotation_tiers import ElanFile, TextGridFile, Tiers
from sentistream.reports.formats import FORMATS, check_formats
from sentistream.reports.output_files import Output
from sentistream.reports.result_folder import ResultFolder
from sentistream.reports.text_formats import LEGIBLE, JsonLines, SubRip, WebVtt
from sentistream.reports.workbook import Workbook
from sentistream.tables import COLUMNS
from sentistream.types import Label, Moment, Reading
from synthetic_readings import TICK, Subject, moments, picture, reading

SECONDS = 4
Readings = Sequence[tuple[Moment, tuple[Reading, ...]]]
READINGS = list(moments(SECONDS))


def write(output: Output, timeline: Readings = READINGS) -> None:
    with output:
        for moment, readings in timeline:
            output.add(moment, readings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results in every format, beside their clip."""
    base = tmp_path_factory.mktemp("formats")
    clip = base / "my shop.mp4"
    clip.write_bytes(b"")
    with ResultFolder(base / "out", Subject(), {}, clip=clip, formats=tuple(FORMATS)) as results:
        for moment, readings in READINGS:
            results.add(moment, readings)
    return base / "out"


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "readings.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def label_at(time: float, track: int) -> str | None:
    """The reading of an appearance at the last moment before a time."""
    before = [readings for moment, readings in READINGS if moment.time <= time + 1e-6][-1]
    return next((one.label.value for one in before if one.track == track), None)


def test_every_format_is_complete_and_listed_on_the_page(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    for one in FORMATS.values():
        assert (folder / one.file).stat().st_size > 0
        assert f"<code>{one.file}</code>" in page
    assert [path.name for path in folder.iterdir() if "partial" in path.name] == []


def test_json_lines_have_the_rows_of_the_table(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "readings.jsonl").read_text().splitlines()]
    table = rows(folder)
    assert len(lines) == len(table)
    for line, row in zip(lines, table, strict=True):
        assert list(line) == [column.name for column in COLUMNS]
        for name, text in row.items():
            value = " ".join(line[name]) if name == "flags" else line[name]
            if value is None:
                assert text == ""
            elif isinstance(value, float):
                assert float(text) == value
            else:
                assert text == str(value)


def test_excel_has_the_rows_of_the_table(folder: Path) -> None:
    sheet = openpyxl.load_workbook(folder / "readings.xlsx")["readings"]
    found = list(sheet.iter_rows(values_only=True))
    table = rows(folder)
    assert found[0] == tuple(table[0])
    assert sheet.freeze_panes == "A2"
    assert len(found) == len(table) + 1
    for cells, row in zip(found[1:], table, strict=True):
        for cell, text in zip(cells, row.values(), strict=True):
            if isinstance(cell, int | float):
                assert float(text) == pytest.approx(cell, abs=1e-9)
            else:
                assert (cell or "") == text


def test_full_sheet_is_continued_on_another(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    write(Workbook(path, mouth_threshold=0.5, most_rows=50))
    book = openpyxl.load_workbook(path)
    sizes = [sheet.max_row for sheet in book]
    assert book.sheetnames[:2] == ["readings", "readings 2"]
    assert sum(sizes) - len(sizes) == sum(len(readings) for _, readings in READINGS)
    assert set(sizes[:-1]) == {50}
    assert all(sheet["A1"].value == "time" for sheet in book)


def test_elan_opens_the_tiers_and_the_clip(folder: Path) -> None:
    document = Eaf(folder / "readings.eaf")
    assert list(document.get_tier_names()) == [
        "faces in view",
        "appearance 1",
        "appearance 1 mouth",
        "appearance 2",
        "appearance 2 mouth",
    ]
    (media,) = document.get_linked_files()
    assert media["RELATIVE_MEDIA_URL"] == "./../my%20shop.mp4"
    assert media["MIME_TYPE"] == "video/mp4"
    assert str(folder.parent) not in (folder / "readings.eaf").read_text()
    for track in (1, 2):
        annotations = document.get_annotation_data_for_tier(f"appearance {track}")
        assert len(annotations) >= 2
        for start, end, value, *_ in annotations:
            for time in (start, (start + end) // 2, end - 1):
                assert value == label_at((time + 0.5) / 1000, track)
    # the second is absent for a while in the middle
    spans = document.get_annotation_data_for_tier("appearance 2")
    assert not any(start <= SECONDS * 500 < end for start, end, *_ in spans)


def test_praat_opens_the_same_tiers(folder: Path) -> None:
    path = str(folder / "readings.TextGrid")
    grid = textgrid.openTextgrid(path, includeEmptyIntervals=False)
    document = Eaf(folder / "readings.eaf")
    assert list(grid.tierNames) == list(document.get_tier_names())
    for name in grid.tierNames:
        tier_annotations = document.get_annotation_data_for_tier(name)
        entries = grid.getTier(name).entries
        assert [entry.label for entry in entries] == [value for _, _, value, *_ in tier_annotations]
        for entry, (start, end, *_) in zip(entries, tier_annotations, strict=True):
            assert 1000 * entry.start == pytest.approx(start, abs=0.51)
            assert 1000 * entry.end == pytest.approx(end, abs=0.51)
    praat: Any = parselmouth.read(path)
    assert praat.class_name == "TextGrid"
    assert praat.xmax == pytest.approx(READINGS[-1][0].time + TICK, abs=1e-5)
    assert parselmouth.praat.call(praat, "Get number of tiers") == len(grid.tierNames)


def seconds(time: Any) -> float:
    return float(time.ordinal) / 1000


def test_subtitles_show_who_is_in_view(folder: Path) -> None:
    captions = webvtt.read(str(folder / "readings.vtt")).captions
    subtitles = list(pysrt.open(folder / "readings.srt"))
    assert len(captions) == len(subtitles) >= 4
    end = 0.0
    for caption, subtitle in zip(captions, subtitles, strict=True):
        start, stop = seconds(subtitle.start), seconds(subtitle.end)
        assert caption.start_in_seconds == pytest.approx(start, abs=1)
        assert caption.text == subtitle.text
        assert end <= start < stop
        end = stop
        # a subtitle is correct at its beginning
        for track in (1, 2):
            label = label_at(start + 0.0005, track)
            assert (f"{track}: {label}" in subtitle.text) is (label is not None)
    assert subtitles[0].text.startswith("1: ")
    assert " %" in subtitles[0].text
    assert all(seconds(one.end) - seconds(one.start) >= LEGIBLE - 0.001 for one in subtitles[:-1])


def test_subtitles_end_at_a_gap(tmp_path: Path) -> None:
    scene = picture()
    times = [*(0.1 * n for n in range(10)), *(20 + 0.1 * n for n in range(10))]
    write(
        SubRip(tmp_path / "r.srt", tick=0.1),
        [(Moment(time, scene, time), (reading(time),)) for time in times],
    )
    spans = [(seconds(one.start), seconds(one.end)) for one in pysrt.open(tmp_path / "r.srt")]
    assert spans == [(0.0, 1.0), (20.0, 21.0)]


@pytest.mark.parametrize("timeline", [[], [(Moment(0.0, picture(), 0.0), (Reading(0.0),))]])
def test_empty_analysis_gives_a_valid_file(tmp_path: Path, timeline: Readings) -> None:
    make: dict[str, Output] = {
        "eaf": ElanFile(tmp_path / "r.eaf", tick=TICK, mouth_threshold=0.5),
        "TextGrid": TextGridFile(tmp_path / "r.TextGrid", tick=TICK, mouth_threshold=0.5),
        "vtt": WebVtt(tmp_path / "r.vtt", tick=TICK),
        "srt": SubRip(tmp_path / "r.srt", tick=TICK),
        "jsonl": JsonLines(tmp_path / "r.jsonl", mouth_threshold=0.5),
        "xlsx": Workbook(tmp_path / "r.xlsx", mouth_threshold=0.5),
    }
    for output in make.values():
        write(output, timeline)
    assert list(Eaf(tmp_path / "r.eaf").get_tier_names()) == ["faces in view"]
    assert parselmouth.read(str(tmp_path / "r.TextGrid")).class_name == "TextGrid"
    assert webvtt.read(str(tmp_path / "r.vtt")).captions == []
    assert list(pysrt.open(tmp_path / "r.srt")) == []
    assert openpyxl.load_workbook(tmp_path / "r.xlsx")["readings"].max_row == 1 + len(timeline)


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y"]), max_size=3),
        min_size=1,
        max_size=40,
    )
)
def test_annotations_match_the_readings_at_each_moment(timeline: list[dict[str, str]]) -> None:
    tiers = Tiers(0.03)
    for index, one in enumerate(timeline):
        tiers.add(0.03 * index, one)
    tiers.finish()
    for name, spans in tiers.tiers.items():
        for (_, end, before), (start, _, after) in pairwise(spans):
            assert end <= start
            assert end < start or before != after
        for index, one in enumerate(timeline):
            time = 0.03 * index + 0.015
            values = [value for start, end, value in spans if start <= time < end]
            assert values == ([one[name]] if name in one else [])


def test_unclear_face_is_marked(tmp_path: Path) -> None:
    one = Reading(0.0, face=reading(0.0).face, label=Label.UNKNOWN)
    write(SubRip(tmp_path / "r.srt", tick=TICK), [(Moment(0.0, picture(), 0.0), (one,))])
    assert pysrt.open(tmp_path / "r.srt")[0].text == "1: not clear"


@pytest.mark.parametrize("kind", [WebVtt, SubRip, JsonLines])
def test_text_on_a_full_disk_is_cut_between_records(
    tmp_path: Path, kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.write, [900]

    def write_until_full(descriptor: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(descriptor, bytes(data)[: left[0]])
        left[0] -= written
        return written

    path = tmp_path / "r.txt"
    needs = {"mouth_threshold": 0.5} if kind is JsonLines else {"tick": TICK}
    scene = picture()
    long = [
        (Moment(0.1 * n, scene, 0.1 * n), (reading(0.1 * n, 1, 0.8 if n // 5 % 2 else 0.1),))
        for n in range(400)
    ]
    monkeypatch.setattr(os, "write", write_until_full)
    with pytest.raises(OutputError, match="The disk is full"):
        write(kind(path, **needs), long)
    monkeypatch.undo()
    left_over = path if path.exists() else tmp_path / "r.partial.txt"
    text = left_over.read_text()
    assert 0 < len(text) <= 900
    if kind is JsonLines:
        assert all(json.loads(line) for line in text.splitlines())


def test_missing_package_of_a_format_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    check_formats(FORMATS)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    check_formats(["csv", "jsonl", "vtt", "srt"])
    for name, extra in (("eaf", "formats"), ("xlsx", "formats"), ("parquet", "parquet")):
        with pytest.raises(MissingExtraError, match=rf"sentistream\[{extra}\]"):
            check_formats([name])
