"""Headquarters pages: visibility per viewer, comparison, adding, keys, removing."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from api.served_monitor import VIEWER, ServedMonitor
from playwright.sync_api import Browser
from sqlalchemy import delete, func, select, update

from fleet.sample_chain import SHOPS, fill
from fleet.served_headquarters import HEADQUARTERS, ServedHeadquarters
from sentistream.monitor.accounts import Role, User
from sentistream.monitor.fleet.join_code import JoinCode
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.fleet_tables import DAYS, SERIES, SITES
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.settings import HeadquartersSettings, Settings
from sentistream.monitor.store import migrate, open_database

ALL = list(SHOPS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHeadquarters]:
    with ServedHeadquarters(tmp_path_factory.mktemp("headquarters")) as served:
        yield served


def listed(html: str) -> list[str]:
    """The keys of the shops in the comparison, in order."""
    table = html.partition("<tbody>")[2].partition("</tbody>")[0]
    return re.findall(r'href="/shops/shop/([a-z-]+)"', table)


def test_comparison_orders_shops(served: ServedHeadquarters) -> None:
    with served.browser_client() as person:
        html = person.get("/shops?period=month&order=negative").text
        assert listed(html)[0] == "station"
        assert set(listed(html)) == set(ALL)
        assert listed(person.get("/shops?order=positive").text)[-1] == "station"
        names = sorted(ALL, key=lambda key: SHOPS[key][0].casefold())
        assert listed(person.get("/shops?order=name").text) == names
        assert listed(person.get("/shops?search=harb").text) == ["harbour"]
        assert "1 shop is silent" in html
        assert "1 camera failed" in html
        assert "1 alert" in html
        assert "Old Town &lt;b&gt;&amp; Sons" in html
        assert "<b>&" not in html
        assert person.get("/", follow_redirects=False).headers["location"] == "/shops"


def test_invalid_queries_get_a_page(served: ServedHeadquarters) -> None:
    with served.browser_client() as person:
        for query in ("period=never&order=x", "page=99999", "search=%00%3Cscript%3E"):
            assert person.get(f"/shops?{query}").status_code == 200
        assert person.get("/shops?page=x").status_code == 422
        assert person.get("/shops/shop/nowhere").status_code == 404


def test_viewer_sees_only_assigned_shops(served: ServedHeadquarters) -> None:
    registry = served.headquarters.registry
    with served.browser_client(VIEWER) as viewer, served.browser_client() as manager:
        assert listed(viewer.get("/shops").text) == []
        assert viewer.get("/shops/shop/station").status_code == 404
        access = {"user": VIEWER, "shops": "north, harbour"}
        csrf = manager.headers["x-csrf-token"]
        assert manager.post("/shops/access", data=access | {"csrf_token": csrf}).status_code == 303
        html = viewer.get("/shops").text
        assert sorted(listed(html)) == ["harbour", "north"]
        for name in ("Main Station", "Airport", "Old Town"):
            assert name not in html
        assert viewer.get("/shops/shop/north").status_code == 200
        assert viewer.get("/shops/shop/station").status_code == 404
        assert "Sour mood" not in viewer.get("/shops/alerts").text
        assert "Sour mood" in manager.get("/shops/alerts").text
        assert "Sour mood" not in viewer.get("/shops/alerts?shop=station").text

        viewers_csrf = viewer.headers["x-csrf-token"]
        for path in ("add", "access", "shop/north/remove", "shop/north/code", "shop/north/change"):
            form = {"csrf_token": viewers_csrf, "user": VIEWER, "shops": "*", "key": "x"}
            assert viewer.post(f"/shops/{path}", data=form).status_code == 403, path
        assert viewer.get("/shops/access").status_code == 403
        bad = manager.post(
            "/shops/access", data={"user": VIEWER, "shops": "mars", "csrf_token": csrf}
        )
        assert bad.status_code == 422
        assert "There is no shop mars." in bad.text
    registry.give_access(VIEWER, ["*"])
    user = User(VIEWER, Role.VIEWER)
    assert len(registry.sites(user)) == len(ALL)
    registry.give_access(VIEWER, [])
    assert registry.sites(user) == []
    # a program with a viewer's token has no shops of its own
    assert registry.sites(User(VIEWER, Role.VIEWER, by_token=True)) == []


def test_alert_has_a_page_for_users_of_its_shop(tmp_path: Path) -> None:
    with (
        ServedHeadquarters(tmp_path) as served,
        served.browser_client(VIEWER) as viewer,
        served.browser_client() as manager,
    ):
        served.headquarters._alerts.look()
        served.headquarters.registry.give_access(VIEWER, ["north"])
        queries = FleetQueries(served.engine, 15)
        found = queries.alerts(site="station")[0]
        path = f"/shops/alerts/{found.incident}"
        assert path in manager.get("/shops/alerts").text
        html = manager.get(path).text
        assert "Main Station: Sour mood" in html
        assert "not yet" in html
        assert "By the clock of the shop (Europe/Paris)." in html
        table = html.partition('id="minutes"')[2].partition("</table>")[0]
        assert len(re.findall(r"<th scope=\"row\">\d\d:\d\d</th>", table)) >= 1
        assert viewer.get(path).status_code == 404
        assert manager.get("/shops/alerts/nothing").status_code == 404
        theirs = {"csrf_token": viewer.headers["x-csrf-token"]}
        assert viewer.post(f"{path}/acknowledge", data=theirs).status_code == 403
        csrf = {"csrf_token": manager.headers["x-csrf-token"]}
        assert manager.post(f"{path}/acknowledge", data=csrf).status_code == 303
        assert "takes care of it since" in manager.get(path).text
        served.headquarters.registry.give_access(VIEWER, ["station"])
        assert viewer.get(path).status_code == 200
        # the monitor's own alerts, visible to every viewer, include none of shops
        assert "Sour mood" not in viewer.get("/alerts").text
        assert viewer.get(f"/alerts/{found.incident}").status_code == 404


def test_shop_is_added_changed_and_removed(tmp_path: Path) -> None:
    with ServedHeadquarters(tmp_path, filled=False) as served, served.browser_client() as person:
        csrf = {"csrf_token": person.headers["x-csrf-token"]}
        form = {"key": "mill", "name": "Mill Lane", "time_zone": "Europe/Paris"}
        html = person.post("/shops/add", data=csrf | form).text
        found = re.search(r"sentistream-join-[\w-]+", html)
        assert found is not None
        code = JoinCode.decode(found[0])
        assert (code.site, code.name, code.broker.password) == (
            "mill",
            "Mill Lane",
            "broker-word-9",
        )
        assert code.headquarters_name == "Example Ltd"
        for wrong in (
            {"key": "Mill"},
            {"key": "mill"},
            {"name": " "},
            {"time_zone": "Mars/Olympus"},
        ):
            answer = person.post("/shops/add", data=csrf | form | wrong)
            assert answer.status_code == 422, wrong
        assert "has not joined yet" in person.get("/shops").text
        change = {"name": "Mill Street", "time_zone": ""}
        assert person.post("/shops/shop/mill/change", data=csrf | change).status_code == 303
        assert "Mill Street" in person.get("/shops/shop/mill").text
        again = person.post("/shops/shop/mill/code", data=csrf).text
        other = re.search(r"sentistream-join-[\w-]+", again)
        assert other is not None
        assert JoinCode.decode(other[0]).secret != code.secret
        removed = person.post("/shops/shop/mill/remove", data=csrf | {"erase": "on"})
        assert removed.status_code == 303
        assert person.get("/shops/shop/mill").status_code == 404
        with served.engine.connect() as connection:
            assert connection.execute(select(SITES)).all() == []
            assert connection.execute(select(SERIES)).all() == []


def test_shop_pages_need_a_headquarters(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path) as served, served.browser_client() as person:
        assert person.get("/shops").status_code == 404
        assert 'href="/shops"' not in person.get("/settings").text
        page = person.get("/settings/headquarters")
        assert "join-code" in page.text


@pytest.mark.parametrize("language", ["de", "fr"])
def test_shop_pages_are_translated(served: ServedHeadquarters, language: str) -> None:
    expected = {
        "de": ("Filialen", "1 Filiale ist verstummt", "Negativste zuerst"),
        "fr": ("Magasins", "1 magasin est muet", "Les plus négatifs d\u2019abord"),
    }
    with served.browser_client() as person:
        person.cookies.set("sentistream-language", language)
        html = person.get("/shops").text
        for sentence in expected[language]:
            assert sentence in html
        for path in ("/shops/shop/station", "/shops/alerts", "/shops/access", "/shops/digest"):
            assert person.get(path).status_code == 200


def test_days_are_in_the_shops_time_zone(tmp_path: Path) -> None:
    """At 20:00 UTC it is already tomorrow in Kolkata, and still today in New York."""
    engine = open_database(f"sqlite:///{tmp_path / 'headquarters.db'}")
    migrate(engine)
    hq = Headquarters(engine, HeadquartersSettings(host="broker.invalid"))
    now = datetime.datetime(2026, 3, 10, 20, 1, tzinfo=datetime.UTC).timestamp()
    fill(engine, days=3, now=now)
    queries = FleetQueries(engine, 15)
    today = {each.site.key: each.now for each in queries.compare("today", now=now)}
    # a minute every half hour: since local midnight, two cameras with seven arrivals each
    expected = {"old-town": 1.5, "airport": 16.0, "north": 20.0, "harbour": 21.0, "station": 21.0}
    for key, hours in expected.items():
        steps = int(hours * 2) + 1
        assert today[key].appearances == steps * 2 * 7, key
    silent = queries.silent(now=now)
    assert [site.key for site in silent] == ["airport"]
    days = queries.days(hq.registry.site("old-town"), 2, now=now)
    assert [day for day, _ in days][-1] == datetime.date(2026, 3, 11).toordinal()
    engine.dispose()


def test_first_day_compares_today(tmp_path: Path) -> None:
    with ServedHeadquarters(tmp_path) as served, served.browser_client() as person:
        assert '<option value="week" selected' in person.get("/shops").text
        today = datetime.datetime.now(datetime.UTC).date().toordinal()
        with served.engine.begin() as connection:
            connection.execute(update(SITES).values(chosen_time_zone="", time_zone="UTC"))
            kept = select(func.min(DAYS.c.day)).scalar_subquery()
            connection.execute(delete(DAYS).where(DAYS.c.day != kept))
            connection.execute(update(DAYS).values(day=today))
        assert '<option value="today" selected' in person.get("/shops").text
        assert '<option value="week" selected' in person.get("/shops?period=week").text


def test_headquarters_settings_open_no_camera() -> None:
    from sentistream.monitor.cameras.supervisor import choose_cameras

    assert choose_cameras(Settings.model_validate({"headquarters": HEADQUARTERS})) == {}


def test_shop_pages_work_in_a_browser(served: ServedHeadquarters, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(f"{served.url}/login")
    page.fill("input[name=name]", "anna")
    page.fill("input[name=password]", "correct horse battery")
    page.click("main button, form button")
    page.wait_for_url(f"{served.url}/shops")
    page.click("text=Main Station")
    page.wait_for_url(f"{served.url}/shops/shop/station")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    served.headquarters._alerts.look()
    incident = FleetQueries(served.engine, 15).alerts()[0].incident
    for path in ("", "/alerts", f"/alerts/{incident}", "/digest", "/access"):
        page.goto(f"{served.url}/shops{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert [text for text in problems if "error" in text.lower()] == []
    page.close()
