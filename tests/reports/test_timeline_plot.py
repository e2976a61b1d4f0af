from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import matplotlib
import pytest

from sentistream import plot_timeline, tables
from sentistream.errors import MissingExtraError
from sentistream.types import Reading
from synthetic_readings import moments, reading

READINGS = [reading for _, readings in moments(3) for reading in readings]


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    before = matplotlib.get_backend()
    matplotlib.use("agg")
    yield
    matplotlib.pyplot.close("all")
    matplotlib.use(before)


def bands(ax: Any) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each area."""
    boxes = [area.get_paths()[0].get_extents() for area in ax.collections]
    return [(box.x0, box.y0, box.x1, box.y1) for box in boxes]


def test_each_appearance_has_a_band_with_gaps() -> None:
    ax: Any = plot_timeline(READINGS)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Appearance 1", "Appearance 2"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "positive",
        "neutral",
        "negative",
    ]
    # the first in one piece, the second in two
    assert len(ax.collections) == 3 * 3
    whole = bands(ax)[:3]
    assert whole[0][1] == pytest.approx(-0.43)
    assert whole[2][3] == pytest.approx(0.43)
    assert whole[0][0] == pytest.approx(0.51, abs=0.02)


def test_heights_are_the_probabilities() -> None:
    ax = plot_timeline([reading(0.1 * n, 1, 0.5, 0.25) for n in range(10)])
    heights = [bottom - top for _, top, _, bottom in bands(ax)]
    assert heights == pytest.approx([0.43, 0.215, 0.215])


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_table_is_drawn_like_its_readings(kind: str) -> None:
    table = getattr(tables, f"to_{kind}")(READINGS, 0.5)
    drawn, same = bands(plot_timeline(table)), bands(plot_timeline(READINGS))
    assert len(drawn) == len(same)
    for one, other in zip(drawn, same, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    with pytest.raises(ValueError, match="no column smoothed_neutral"):
        plot_timeline(
            table.drop_columns("smoothed_neutral")
            if kind == "arrow"
            else table.drop(columns="smoothed_neutral")
            if kind == "pandas"
            else table.drop("smoothed_neutral")
        )


def test_tracks_are_selected_and_given_axes_used() -> None:
    _, (above, below) = matplotlib.pyplot.subplots(2)
    assert plot_timeline(READINGS, tracks=[2], ax=below) is below
    assert list(above.collections) == []
    assert [label.get_text() for label in below.get_yticklabels()] == ["Appearance 2"]


def test_long_timelines_are_thinned_out() -> None:
    ax: Any = plot_timeline(reading(float(n), 1, 0.5, 0.25) for n in range(20_000))
    points = sum(len(area.get_paths()[0].vertices) for area in ax.collections)
    assert points < 3 * 2 * 2_100
    assert bands(ax)[0][2] == pytest.approx(19_999, abs=20)


@pytest.mark.parametrize("results", [[], [Reading(0.0)]])
def test_no_readings_give_an_empty_plot(results: list[Reading]) -> None:
    ax = plot_timeline(results)
    assert list(ax.collections) == []
    assert ax.get_legend() is None


def test_missing_matplotlib_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sentistream\[plot\]'"):
        plot_timeline([])
