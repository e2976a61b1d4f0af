"""The pages below another server's path, in a real browser, through a real proxy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.served_monitor import MANAGER, PASSWORD, ServedMonitor
from playwright.sync_api import Page, expect
from pydantic import ValidationError

from browser_pages import PageOpener, wait_for
from sentistream.monitor.settings import ServerSettings
from sentistream.monitor.settings.server_settings import RESERVED_PATHS
from web.prefix_proxy import PREFIX, proxied


def _paths(routes: Iterable[Any]) -> Iterator[str]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route.path
        else:
            yield from _paths(included.routes)


def _fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.evaluate(f"document.querySelector('[name={name}]').value = {value!r}")


@pytest.mark.parametrize("strips", [True, False])
def test_every_page_stays_below_the_prefix(
    open_page: PageOpener, tmp_path: Path, strips: bool
) -> None:
    with proxied(tmp_path, strips=strips) as (proxy, served):
        start = f"{proxy.url}{PREFIX}"
        page = open_page(f"{start}/history")
        wait_for(page, "location.pathname.endsWith('/login') && document.readyState === 'complete'")
        assert page.evaluate("document.styleSheets[0].cssRules.length") > 0
        _fill(page, name=MANAGER, password=PASSWORD)
        page.evaluate("document.querySelector('form').submit()")
        wait_for(page, f"location.pathname === '{PREFIX}/history'")
        visited = set()
        waiting = [f"{PREFIX}/"]
        while waiting:
            path = waiting.pop()
            visited.add(path)
            page.goto(f"{proxy.url}{path}")
            addresses = page.evaluate(
                "[...document.querySelectorAll('a[href], link, script[src], form')]"
                ".map(e => new URL(e.href || e.src || e.action))"
                ".filter(u => u.origin === location.origin).map(u => u.pathname)"
            )
            # printable documents have no links
            assert addresses or path.startswith(f"{PREFIX}/privacy/")
            assert all(address.startswith(f"{PREFIX}/") for address in addresses), addresses
            links = page.evaluate(
                "[...document.querySelectorAll('a[href]:not([download])')]"
                ".filter(a => a.origin === location.origin).map(a => a.pathname)"
            )
            waiting += sorted(set(links) - visited - set(waiting))
        assert {f"{PREFIX}/settings/cameras/door", f"{PREFIX}/privacy", f"{PREFIX}/account"} <= (
            visited
        )
        # live updates come over a WebSocket
        page.goto(f"{start}/live")
        served.publish_observation("door")
        expect(page.locator("#camera-door .state")).to_contain_text("Watching")
        # requests by scripts, and forms sent by scripts
        page.goto(f"{start}/settings/people")
        wait_for(page, "document.body.innerText.includes('vera')")
        page.goto(f"{start}/settings/privacy")
        page.evaluate("document.querySelector('main form button').click()")
        wait_for(
            page, f"location.pathname === '{PREFIX}/settings/privacy' && location.search !== ''"
        )
        page.evaluate("document.querySelector('.theme-button').click()")
        wait_for(page, "document.cookie.includes('sentistream-theme')")
        page.evaluate("document.querySelector('.languages button[value=de]').click()")
        wait_for(page, "document.documentElement.lang === 'de'")
        page.evaluate("document.querySelector('.logout button').click()")
        wait_for(page, f"location.pathname === '{PREFIX}/login'")
        # browsers request this from every host by themselves
        assert set(proxy.foreign_requests) <= {"/favicon.ico"}


def test_session_cookie_is_limited_to_the_prefix(tmp_path: Path) -> None:
    with proxied(tmp_path, strips=True) as (proxy, _), httpx.Client(base_url=proxy.url) as client:
        sent: dict[str, Any] = {"name": MANAGER, "password": PASSWORD, "next": "/history"}
        answer = client.post(f"{PREFIX}/login", data=sent, headers={"origin": proxy.url})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{PREFIX}/history"
        assert f"Path={PREFIX}/;" in answer.headers["set-cookie"]
        assert client.get(f"{PREFIX}/api/me").json()["name"] == MANAGER
        described = client.get(f"{PREFIX}/api/openapi.json").json()
        assert described["servers"] == [{"url": PREFIX}]
        foreign = client.post(f"{PREFIX}/login", data=sent, headers={"origin": "http://evil.test"})
        assert foreign.status_code == 403


def test_own_paths_are_refused_as_a_prefix(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path) as served:
        assert {path.split("/")[1] for path in _paths(served.app.routes)} - {""} == RESERVED_PATHS
    for name in RESERVED_PATHS:
        with pytest.raises(ValidationError, match="public_url"):
            ServerSettings(public_url=f"https://example.org/{name}/mood")


@pytest.mark.parametrize(
    ("address", "origin", "prefix"),
    [
        ("", "", ""),
        ("https://mood.example.org", "https://mood.example.org", ""),
        ("https://mood.example.org/", "https://mood.example.org", ""),
        ("https://example.org:8443/a/b/", "https://example.org:8443", "/a/b"),
    ],
)
def test_address_is_split_into_origin_and_prefix(address: str, origin: str, prefix: str) -> None:
    server = ServerSettings(public_url=address)
    assert (server.origin, server.prefix) == (origin, prefix)
