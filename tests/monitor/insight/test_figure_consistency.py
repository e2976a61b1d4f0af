"""Page, API and CSV give the same figures for any period."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import pyarrow.parquet as pq
import pytest
from api.served_monitor import MANAGER, VIEWER, ServedMonitor
from digest.pdf_text import text_of

from insight.conftest import shop_settings
from insight.served_insight import served_weeks
from insight.synthetic_visits import CAMERAS, ZONES
from sentistream.monitor.accounts import Role
from sentistream.monitor.digest.digest_pdf import printable
from sentistream.monitor.insight import Insight
from sentistream.monitor.translation import translator

VIEWS = ("minute", "hour", "day", "week", "month")


@pytest.fixture(scope="module")
def shop_monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMonitor]:
    with served_weeks(tmp_path_factory.mktemp("shop")) as served:
        yield served


@pytest.fixture(scope="module")
def client(shop_monitor: ServedMonitor) -> Iterator[httpx.Client]:
    with shop_monitor.browser_client() as client:
        yield client


def drawn(html: str) -> dict[str, Any]:
    """The data that a page passes to its chart."""
    found = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    chart: dict[str, Any] = json.loads(found[1])
    return chart


def export_query(html: str) -> str:
    """The API query of the page's download link."""
    found = re.search(r'href="/api/series\.csv\?([^"]*)"', html)
    assert found is not None
    return unescape(found[1])


def random_view(chance: random.Random) -> dict[str, str]:
    """A random valid view of the history."""
    day = date.today() - timedelta(days=chance.randrange(25))
    camera = chance.choice(["", *CAMERAS])
    view = {
        "by": chance.choice(VIEWS),
        "day": day.isoformat(),
        "hour": str(chance.randrange(8, 22)),
        "camera": camera,
        "zone": chance.choice(["", *ZONES]) if camera else "",
        "open": chance.choice(["", "1"]),
        "against": chance.choice(["", "none", "day"]),
    }
    if chance.random() < 0.3:
        view |= {
            "from": (day - timedelta(days=chance.randrange(40))).isoformat(),
            "to": day.isoformat(),
        }
    return view


def assert_same_rows(rows: list[dict[str, str]], excel: bytes, parquet: bytes) -> None:
    """The spreadsheet file and the Parquet file contain the rows of the plain CSV."""
    table = pq.read_table(io.BytesIO(parquet))
    assert excel.startswith(b"\xef\xbb\xbf")
    sheet = list(csv.DictReader(io.StringIO(excel.decode("utf-8-sig")), delimiter=";"))
    assert table.column_names == list(rows[0]) == list(sheet[0])
    for row, cells, values in zip(rows, sheet, table.to_pylist(), strict=True):
        for name, text in row.items():
            value = values[name]
            if isinstance(value, datetime):
                assert text == f"{value:%Y-%m-%dT%H:%M:%SZ}"
                assert cells[name] == f"{value:%Y-%m-%d %H:%M:%S}"
            elif isinstance(value, float):
                assert float(text) == pytest.approx(value, abs=6e-4)
                assert cells[name].replace(",", ".") == text
            elif name.endswith("_local"):
                assert datetime.fromisoformat(text) == values[name.removesuffix("_local")]
                assert cells[name] == f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S}"
            elif isinstance(value, bool):
                assert text == cells[name] == str(value).lower()
            else:
                assert text == cells[name] == ("" if value is None else str(value))


@pytest.mark.parametrize("seed", range(12))
def test_digest_matches_the_history(client: httpx.Client, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    period = chance.choice(["week", "month"])
    day = date.today() - timedelta(days=chance.randrange(24))
    first, last = (
        (day - timedelta(days=day.weekday()), day + timedelta(days=6 - day.weekday()))
        if period == "week"
        else (day.replace(day=1), (day.replace(day=28) + timedelta(days=4)).replace(day=1))
    )
    if period == "month":
        last -= timedelta(days=1)
    language = chance.choice(["en", "de", "fr"])
    client.cookies.set("sentistream-language", language)
    tr = translator(language)
    view = {"by": "day", "from": first.isoformat(), "to": last.isoformat()}
    while True:
        minute = time.time() // 60
        query = export_query(client.get("/history", params=view).text)
        answer = client.get(f"/api/series?{query}")
        pdf = client.get(f"/api/digest/{period}.pdf", params={"day": day.isoformat()})
        if time.time() // 60 == minute:
            break
    client.cookies.delete("sentistream-language")
    series = answer.json()
    assert pdf.status_code == 200 and len(series["parts"]) >= 7
    content = text_of(pdf.content)
    for percent in tr.percents(shares_of(series["whole"])):
        assert re.sub(r"\s+", " ", printable(percent)) in content
    days = [part for part in series["parts"] if part["negative"]]
    assert days
    for part in days:
        begin = datetime.fromisoformat(part["begin"]).timestamp()
        negative = tr.percents(shares_of(part))[0]
        row = f"{tr.day(begin)} {tr.number(part['appearances'])} {negative}"
        assert re.sub(r"\s+", " ", printable(row)) in content


def shares_of(part: dict[str, Any]) -> list[float]:
    return [part[name]["value"] for name in ("negative", "neutral", "positive")]


@pytest.mark.parametrize("seed", range(24))
def test_page_api_and_file_agree(client: httpx.Client, seed: int) -> None:
    view = random_view(random.Random(seed))  # noqa: S311
    while True:  # unfinished periods move on to the next minute
        minute = time.time() // 60
        page = client.get("/history", params=view)
        query = export_query(page.text)
        answer = client.get(f"/api/series?{query}")
        file = client.get(f"/api/series.csv?{query}")
        excel = client.get(f"/api/series.csv?{query}&excel=comma")
        parquet = client.get(f"/api/series.parquet?{query}")
        if time.time() // 60 == minute:
            break
    assert page.status_code == answer.status_code == file.status_code == 200, answer.text
    chart, series = drawn(page.text), answer.json()
    rows = list(csv.DictReader(io.StringIO(file.text)))
    parts = series["parts"]
    assert len(chart["titles"]) == len(parts) == len(rows) > 0
    assert_same_rows(rows, excel.content, parquet.content)
    for place, (part, row) in enumerate(zip(parts, rows, strict=True)):
        begin = datetime.fromisoformat(part["begin"]).timestamp()
        assert chart["begins"][place] == begin
        assert datetime.fromisoformat(row["begin"]).timestamp() == begin
        assert chart["known"][place] == part["known"] == row["known"]
        assert (chart["appearances"][place] or 0) == part["appearances"]
        assert int(row["appearances"]) == part["appearances"]
        for name in ("negative", "positive"):
            for edge, column in (("value", ""), ("low", "_low"), ("high", "_high")):
                value = None if part[name] is None else round(part[name][edge], 4)
                assert chart[name][edge][place] == value
                assert row[name + column] == ("" if value is None else f"{value:.4f}")
        usual = part["usual_negative"]
        for edge in ("low", "high"):
            value = None if usual is None else round(usual[edge], 4)
            assert chart["usual"][edge][place] == value
            assert row[f"usual_negative_{edge}"] == ("" if value is None else f"{value:.4f}")
        assert chart["unusual"][place] == (part["verdict"] in ("above", "below"))
        assert row["verdict"] == part["verdict"]
    shown = f"{series['whole']['appearances']:,}"
    if series["whole"]["negative"] is not None:
        assert f"<dd>{shown}<small>" in page.text


def test_figures_match_the_underlying_sums(client: httpx.Client) -> None:
    day = datetime.combine(date.today() - timedelta(days=3), datetime.min.time()).timestamp()
    span: dict[str, str | float] = {"begin": day, "end": day + 86_400, "camera": "hall"}
    series = client.get("/api/series", params=span).json()
    sums = {one["begin"]: one for one in client.get("/api/history", params=span).json()}
    assert len(sums) > 10
    for part in series["parts"]:
        one = sums.get(part["begin"])
        if one is not None:
            assert (one["appearances"], one["seen"]) == (part["appearances"], part["seen"])
            negative = None if part["negative"] is None else part["negative"]["value"]
            assert one["negative"] == pytest.approx(negative)
    together = client.get("/api/together", params=span).json()[0]
    assert together["appearances"] == series["whole"]["appearances"]
    assert together["negative"] == pytest.approx(series["whole"]["negative"]["value"])


def test_overview_matches_between_page_api_and_queries(
    client: httpx.Client, shop_monitor: ServedMonitor
) -> None:
    overview = client.get("/api/overview").json()
    found = Insight(shop_monitor.store, shop_settings(), CAMERAS).overview(time.time())
    assert [(one["camera"], one["zone"]) for one in overview["places"]] == list(found.places)
    page = client.get("/").text
    for one in overview["places"]:
        where = urlencode({"camera": one["camera"], "zone": one["zone"]})
        row = page.partition(f"/history?{where}".replace("&", "&amp;") + '"')[2]
        assert f'<td class="n">{one["appearances"] or "0"}<small>' in row.partition("</tr>")[0]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"begin": 10, "end": 5}, 400),
        ({"begin": 0, "end": 4e9}, 400),
        ({"begin": 1_767_607_200, "end": 1_767_607_200 + 40 * 86_400, "by": "minute"}, 400),
        ({"begin": 1_767_607_200, "end": 1_767_607_200 + 86_400, "against": "year"}, 400),
        ({"begin": 1_767_607_200, "end": 1_767_607_200 + 86_400, "by": "second"}, 422),
        ({"begin": 1_767_607_200, "end": 1_767_607_200 + 86_400, "against": "week"}, 200),
    ],
)
def test_queries_have_bounds(
    client: httpx.Client, query: dict[str, str | float], status: int
) -> None:
    for path in ("/api/series", "/api/series.csv"):
        answer = client.get(path, params=query)
        assert answer.status_code == status, answer.text


def test_invalid_view_shows_the_default(client: httpx.Client) -> None:
    for view in (
        {"by": "second", "day": "yesterday", "hour": "99", "camera": "nowhere", "zone": "x"},
        {"by": "minute", "at": "25:61"},
        {"from": "2026-02-30", "to": "2026-03-01"},
        {"by": "minute", "from": "2026-01-01", "to": "2026-12-31"},
        {"by": "hour", "from": "2000-01-01", "to": "2199-12-31"},
        {"against": "the moon", "open": "perhaps"},
    ):
        assert client.get("/history", params=view).status_code == 200, view


def test_notes_are_written_by_managers_and_read_by_all(shop_monitor: ServedMonitor) -> None:
    now = int(time.time())
    with shop_monitor.browser_client() as manager, shop_monitor.browser_client(VIEWER) as viewer:
        created = manager.post(
            "/api/annotations",
            json={"time": now - 600, "text": "New till opened", "camera": "hall"},
        )
        assert created.status_code == 201 and created.json()["author"] == MANAGER
        number = created.json()["id"]
        body = {"time": now, "text": "mine"}
        assert viewer.post("/api/annotations", json=body).status_code == 403
        assert viewer.delete(f"/api/annotations/{number}").status_code == 403
        read = viewer.get("/api/annotations", params={"begin": now - 3600}).json()
        assert [one["text"] for one in read] == ["New till opened"]
        assert "New till opened" in viewer.get("/history").text
        assert 'action="/history/annotations' not in viewer.get("/history").text
        # not of this camera
        assert "New till opened" not in viewer.get("/history", params={"camera": "tills"}).text
        for wrong in ({"text": ""}, {"text": "x" * 121}, {"text": "a\nb"}, {"camera": "nowhere"}):
            answer = manager.post("/api/annotations", json=body | wrong)
            assert answer.status_code in (400, 422), wrong
        assert manager.delete(f"/api/annotations/{number}").status_code == 204
        assert manager.delete(f"/api/annotations/{number}").status_code == 404
    with shop_monitor.api_client(Role.VIEWER) as program:
        assert program.get("/api/annotations").json() == []
        assert program.get("/api/overview").status_code == 200
