"""Pages in the system's Chromium, driven by Playwright, with a log of each."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    expect,
)
from playwright.sync_api import Error as PlaywrightError

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
"""The system's Chromium, if installed."""

PATIENCE = 30.0
"""Timeout of a page, seconds."""

expect.set_options(timeout=PATIENCE * 1000)


@dataclass
class PageLog:
    """What happened on a page since it was opened."""

    problems: list[str] = field(default_factory=list)
    """Exceptions of its scripts, and console and CSP errors."""
    requests: list[str] = field(default_factory=list)
    """URLs it requested, including WebSockets."""
    dialogs: list[str] = field(default_factory=list)
    """Messages of its dialogs, all of which were accepted."""


class PageOpener:
    """Opens pages, logs what happens on each, and closes them at the end."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._logs: dict[Page, PageLog] = {}

    def __call__(
        self,
        url: str,
        *,
        size: tuple[int, int] = (1280, 800),
        dark: bool = False,
        script: bool = True,
        cookies: Mapping[str, str] | None = None,
    ) -> Page:
        """Open an address in a new browser profile, and wait until it is loaded.

        Args:
            url: The page's address.
            size: Width and height in CSS pixels; a narrow one emulates a phone.
            dark: Whether the system prefers a dark theme.
            script: Whether scripts are enabled.
            cookies: Sent to the server.
        """
        width, height = size
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            is_mobile=width < 500,
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        self._contexts.append(context)
        for name, value in (cookies or {}).items():
            context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        log = self._logs[page] = PageLog()

        def note_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                log.problems.append(message.text)

        def accept(dialog: Dialog) -> None:
            log.dialogs.append(dialog.message)
            dialog.accept()

        page.on("pageerror", lambda error: log.problems.append(str(error)))
        page.on("console", note_console)
        page.on("request", lambda request: log.requests.append(request.url))
        page.on("websocket", lambda socket: log.requests.append(socket.url))
        page.on("dialog", accept)
        page.goto(url)
        return page

    def log(self, page: Page) -> PageLog:
        return self._logs[page]

    def close(self) -> None:
        for context in self._contexts:
            context.close()


def wait_for(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true; the pages' CSP forbids Playwright's own way.

    Raises:
        AssertionError: It did not become true.
    """
    guarded = f"(() => {{ try {{ return Boolean({condition}); }} catch {{ return false; }} }})()"
    end = time.monotonic() + PATIENCE
    while True:
        # a page that is navigating cannot answer
        with contextlib.suppress(PlaywrightError):
            if page.evaluate(guarded):
                return
        assert time.monotonic() < end, condition
        page.wait_for_timeout(50)
