"""Tables 5-10: the paper's own arithmetic, our figures from cards and clips, nothing invented."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from PIL import Image

from sentistream.cli import main
from sentistream.datasets.manifest import Item
from sentistream.evaluation import paper_tables
from sentistream.evaluation.evaluation_inputs import find_takes
from sentistream.evaluation.paper_tables import CorrectCount, correct_by_class
from sentistream.evaluation.predictions import Prediction
from sentistream.profiles import PAPER
from sentistream.runtime import load_card
from sentistream.types import SENTIMENTS, UInt8Array
from synthetic_clips import clicks, write_clip


@pytest.mark.parametrize(
    ("table", "each", "shares"),
    [
        (paper_tables.IN_SAMPLE, 18, {"visual": 0.7963, "audio": 0.5926, "audiovisual": 0.9074}),
        (paper_tables.OUT_OF_SAMPLE, 3, {"visual": 0.5556, "audio": 0.3333, "audiovisual": 0.6667}),
    ],
)
def test_papers_counts_give_the_papers_accuracies(
    table: dict[str, tuple[int, ...]], each: int, shares: dict[str, float]
) -> None:
    for branch, of_class in paper_tables.paper_counts(table, each).items():
        right = sum(count.right for count in of_class.values())
        assert right / (3 * each) == pytest.approx(shares[branch], abs=1e-4)


def test_tables_are_filled_from_the_cards() -> None:
    cards = [load_card(f"paper/{name}") for name in ("mouth", "visual", "audio", "fused")]
    mouth, visual, audio, fused = cards
    five = paper_tables.table_5(mouth).markdown()
    assert "| test | 200 open, 200 closed: 97.00% (94.8% to 98.3%) | not measured |" in five
    (figure, *_) = mouth.figures
    assert f"{figure['source']} {figure['accuracy']:.2%}" in five
    seven = {row[:2]: row[2:] for row in paper_tables.table_7(visual, audio, fused).rows}
    # the shipped face network was trained with augmentation
    assert seven["visual", "training accuracy"] == ("99.31%", "not measured")
    assert "FER2013" not in seven["visual", "validation accuracy"][1]
    assert "fer2013" in seven["visual with augmentation", "validation accuracy"][1]
    assert seven["audio", "validation loss"] == ("1.7694", "not measured")
    eight = {row[:2]: row[2:] for row in paper_tables.table_8(fused).rows}
    java_sed = next(entry for entry in fused.figures if entry["source"] == "java-sed")
    row = java_sed["confusion"][2]
    assert eight["negative", "positive"][1].startswith(f"{row[0]}/{sum(row)} = ")
    assert eight["negative", "neutral"][0] == "0.6%"


def test_card_without_figures_gives_none() -> None:
    card = load_card(PAPER.fused_model)
    for values in (card.figures, card.data):
        values.clear()
    card.recipe.clear()
    rows = [*paper_tables.table_7(card, card, card).rows, *paper_tables.table_8(card).rows]
    assert all(row[3] == "not measured" for row in rows)


def test_counts_are_by_class() -> None:
    predictions = [Prediction(Item(Path("x"), label, ""), np.eye(3)[0]) for label in (0, 0, 2)]
    ours = {branch: correct_by_class(predictions) for branch in paper_tables.BRANCHES}
    assert ours["audio"] == {
        "positive": CorrectCount(2, 2),
        "neutral": CorrectCount(0, 0),
        "negative": CorrectCount(0, 1),
    }
    theirs = paper_tables.paper_counts(paper_tables.IN_SAMPLE, 18)
    rows = paper_tables.table_of_clips(9, theirs, ours, "note").rows
    assert rows[0] == ("visual", "positive", "11/18", "2/2")
    assert rows[1] == ("visual", "neutral", "16/18", "not measured")
    assert rows[11][2] == "49/54 = 90.74% (80.1% to 96.0%)"
    assert rows[11][3] == "2/3 = 66.67% (20.8% to 93.9%)"
    assert "PERSON-OVERLAPPING" in paper_tables.table_of_clips(9, theirs, ours, "").title


@pytest.fixture
def ravdess_folder(tmp_path: Path, portrait: UInt8Array) -> Path:
    """A listed take as frames and speech, a listed clip, and one that is not listed."""
    png = io.BytesIO()
    Image.fromarray(portrait[50:190, 155:295]).save(png, "PNG")
    rows = [
        {"image": png.getvalue(), "label": "positive", "source": "ravdess", "split": "test"}
        | {"person": "11", "name": f"01-01-03-01-02-01-11/{number:02}"}
        for number in (2, 0)
    ]
    folder = tmp_path / "ravdess"
    folder.mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "some_frames.parquet")
    speech = clicks(0.3, 48_000, [0.05, 0.15])
    write_clip(folder / "03-01-03-01-02-01-11.wav", sound=speech, sound_codec="pcm_s16le")
    for name in ("01-01-05-01-01-02-11", "01-01-05-01-01-01-11"):
        pictures = [(index / 10, portrait[20:276, 112:368]) for index in range(2)]
        write_clip(folder / f"{name}.mp4", pictures, speech[:9600], rate=10)
    return folder


def test_takes_of_frames_and_speech_are_read(ravdess_folder: Path) -> None:
    (take,) = find_takes(ravdess_folder)
    assert (take.item.label, take.item.person) == (0, "ravdess-11")
    assert len(take.frames) == 2
    moments = list(take.source(tick=0.03, sound_window=0.03))
    assert len(moments) == 10
    assert moments[4].picture is moments[0].picture
    assert moments[5].picture is not moments[0].picture
    assert moments[0].sound is None
    assert moments[1].sound is not None
    assert len(moments[1].sound) == 1440


def test_command_prints_and_writes_all_tables(tmp_path: Path, ravdess_folder: Path) -> None:
    out = tmp_path / "out"
    arguments = ["evaluate", "--paper-tables", "--data", str(ravdess_folder), "--out", str(out)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    tables = json.loads((out / "paper_tables.json").read_text())["tables"]
    assert [table["number"] for table in tables] == [5, 6, 7, 8, 9, 10]
    nine, ten = tables[4:]
    assert "2 of the 54 clips" in nine["note"]
    assert "1 as video, 1 as still frames" in nine["note"]
    assert "0 of them of people that the networks learned from" in nine["note"]
    for branch in paper_tables.BRANCHES:
        of_class = {row[1]: row[3] for row in nine["rows"] if row[0] == branch}
        assert of_class["positive"] in ("0/1", "1/1")
        assert of_class["neutral"] == "not measured"
        assert of_class["negative"] in ("0/1", "1/1")
    assert all(row[3] == "not measured" for row in ten["rows"])
    assert (out / "paper_tables.md").read_text() in result.output
    assert SENTIMENTS == ("positive", "neutral", "negative")  # the order of the paper's columns
