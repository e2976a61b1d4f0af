"""The page as an app: manifest, icons, service worker and the offline page."""

from __future__ import annotations

import io
import json
from pathlib import Path

from api.served_monitor import MANAGER, PASSWORD
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, expect

from sentistream.monitor.web.app_shell import OFFLINE_FILES
from web.prefix_proxy import PREFIX, proxied


def test_app_is_installable_and_shows_an_offline_page(chromium: Browser, tmp_path: Path) -> None:
    with proxied(tmp_path, strips=True) as (proxy, _):
        start = f"{proxy.url}{PREFIX}"
        context = chromium.new_context(locale="de-DE")
        page = context.new_page()
        problems: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                problems.append(message.text)

        page.on("console", note)
        page.goto(f"{start}/login")
        page.locator("#name").fill(MANAGER)
        page.locator("#password").fill(PASSWORD)
        page.locator("form button").click()
        page.wait_for_url(f"{start}/")
        # Chromium reports why a page could not be installed
        session = context.new_cdp_session(page)
        found = session.send("Page.getAppManifest")
        assert found["url"] == f"{start}/manifest.webmanifest" and found["errors"] == []
        manifest = json.loads(found["data"])
        assert (manifest["lang"], manifest["scope"]) == ("de", f"{PREFIX}/")
        purposes = set()
        for icon in manifest["icons"]:
            answer = page.request.get(proxy.url + icon["src"])
            image = Image.open(io.BytesIO(answer.body()))
            assert f"{image.width}x{image.height}" == icon["sizes"]
            purposes.add(icon["purpose"])
        assert purposes == {"any", "maskable"}
        errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        # the tests' browser profile stores nothing, so nothing is installed
        assert {error["errorId"] for error in errors} <= {"in-incognito"}
        page.evaluate("navigator.serviceWorker.ready")
        page.reload()
        assert page.evaluate("Boolean(navigator.serviceWorker.controller)")
        # no page with user data is cached
        kept = page.evaluate(
            "caches.keys().then(names => Promise.all(names.map(name => caches.open(name)"
            ".then(cache => cache.keys()).then(found => found.map(each => each.url)))))"
        )
        assert len(kept) == 1
        names = {url.removeprefix(start).rpartition("/")[2] for url in kept[0]}
        assert names == {"offline", *OFFLINE_FILES}
        assert problems == []
    # the monitor is unreachable
    page.goto(f"{start}/history")
    expect(page.locator("h1")).to_have_text("Der Monitor ist nicht erreichbar")
    assert page.url == f"{start}/history"  # retrying opens the requested page
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.button')).borderRadius") != "0px"
    )
    assert set(proxy.foreign_requests) <= {"/favicon.ico"}
    context.close()
