"""A real browser without a window, led over Chromium's debugging pipe."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Any, Self

import pytest

_PATIENCE = 30.0
_CODES = {
    "Backspace": 8,
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "ArrowLeft": 37,
    "ArrowRight": 39,
    "Delete": 46,
}
_TEXTS = {"Enter": "\r"}


class Browser:
    """Chromium; a test that needs it is skipped where there is none."""

    def __enter__(self) -> Self:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        if program is None:
            pytest.skip("needs Chromium")
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self._write = os.pipe()
        self._read, theirs_out = os.pipe()
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={self._folder.name}"]
        # a camera that shows a test picture, and who is asked for it says yes
        command += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        self._process = subprocess.Popen(  # noqa: S603
            # Chromium listens on descriptor 3 and answers on 4
            ["/bin/bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        self._folder.cleanup()

    def open(
        self,
        url: str,
        *,
        size: tuple[int, int] | None = None,
        dark: bool = False,
        script: bool = True,
        cookies: dict[str, str] | None = None,
        alone: bool = False,
    ) -> Page:
        """A page of its own.

        Args:
            url: What it shows.
            size: Width and height in CSS pixels; narrow ones are a phone's.
            dark: Whether the system is dark.
            script: Whether scripts run.
            cookies: What its server finds.
            alone: Whether it shares no cookies with other pages, as another person's browser.
        """
        asked: dict[str, Any] = {"url": "about:blank"}
        if alone:
            made = self.ask("Target.createBrowserContext", {"disposeOnDetach": True})
            asked["browserContextId"] = made["browserContextId"]
        target = self.ask("Target.createTarget", asked)["targetId"]
        session = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = Page(self, session["sessionId"], target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        if size is not None:
            width, height = size
            screen = {"width": width, "height": height, "deviceScaleFactor": 1}
            page.ask("Emulation.setDeviceMetricsOverride", {**screen, "mobile": width < 500})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.ask("Emulation.setEmulatedMedia", {"features": [scheme]})
        if not script:
            page.ask("Emulation.setScriptExecutionDisabled", {"value": True})
        page.ask("Network.clearBrowserCookies")
        for name, value in (cookies or {}).items():
            page.ask("Network.setCookie", {"name": name, "value": value, "url": url})
        page.ask("Page.navigate", {"url": url})
        return page

    def ask(
        self, method: str, parameters: dict[str, Any] | None = None, session: str = ""
    ) -> dict[str, Any]:
        self._number += 1
        said = {"id": self._number, "method": method, "params": parameters or {}}
        if session:
            said["sessionId"] = session
        number = self._number
        os.write(self._write, json.dumps(said).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("method") == "Page.javascriptDialogOpening":
                self.events.append(answer)
                self._confirm(answer["sessionId"])
            elif answer.get("id") != number:
                self.events.append(answer)
            elif "error" in answer:
                raise AssertionError(answer["error"])
            else:
                result: dict[str, Any] = answer["result"]
                return result

    def _confirm(self, session: str) -> None:
        """Says yes to a question of the page; it stands still until it has an answer."""
        self._number += 1
        said = {"id": self._number, "method": "Page.handleJavaScriptDialog", "sessionId": session}
        os.write(self._write, json.dumps(said | {"params": {"accept": True}}).encode() + b"\0")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], _PATIENCE)[0]:
                raise AssertionError("The browser does not answer.")
            block = os.read(self._read, 1 << 20)
            if not block:
                raise AssertionError("The browser has gone.")
            self._rest += block
        first, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(first)
        return message


class Page:
    """One page of the browser."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target

    def close(self) -> None:
        self._browser.ask("Target.closeTarget", {"targetId": self._target})

    def go(self, url: str) -> None:
        """Shows another address, once it is there."""
        self.ask("Page.navigate", {"url": url})
        self.ready()

    def ready(self) -> None:
        """Until everything is there and its scripts have run."""
        self.wait("location.href !== 'about:blank' && document.readyState === 'complete'")

    def ask(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._browser.ask(method, parameters, self._session)

    def say(self, expression: str) -> Any:
        """The value of an expression of JavaScript, waited for if it is a promise."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        found = self.ask("Runtime.evaluate", asked)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until a condition of JavaScript holds."""
        end = time.monotonic() + _PATIENCE
        # the page may not even be there yet
        while not self.say(
            f"(() => {{ try {{ return Boolean({condition}); }} catch {{ return false; }} }})()"
        ):
            assert time.monotonic() < end, condition
            time.sleep(0.05)

    def press(self, key: str) -> None:
        code = _CODES.get(key, ord(key[0].upper()))
        parameters = {"key": key, "windowsVirtualKeyCode": code}
        if key in _TEXTS or len(key) == 1:
            parameters["text"] = _TEXTS.get(key, key)
        self.ask("Input.dispatchKeyEvent", {"type": "keyDown", **parameters})
        self.ask("Input.dispatchKeyEvent", {"type": "keyUp", **parameters})

    def click(self, selector: str) -> None:
        self.say(f"document.querySelector({selector!r}).click()")

    def type(self, selector: str, text: str) -> None:
        """Replaces what a field holds, as somebody who types does."""
        self.say(f"(e => {{ e.focus(); e.select?.(); }})(document.querySelector({selector!r}))")
        self.ask("Input.insertText", {"text": text})

    def text(self, selector: str) -> str:
        """What an element says."""
        return str(self.say(f"document.querySelector({selector!r}).innerText"))

    def screenshot(self) -> bytes:
        """As PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", {"format": "png"})["data"])

    @property
    def asked(self) -> list[str]:
        """The addresses it has asked for, sockets included."""
        self.say("0")
        names = ("Network.requestWillBeSent", "Network.webSocketCreated")
        return [
            event["params"].get("url") or event["params"]["request"]["url"]
            for event in self._browser.events
            if event.get("method") in names and event.get("sessionId") == self._session
        ]

    @property
    def questions(self) -> list[str]:
        """What the page has asked and was answered with yes."""
        self.say("0")
        return [
            event["params"]["message"]
            for event in self._browser.events
            if event.get("method") == "Page.javascriptDialogOpening"
            and event.get("sessionId") == self._session
        ]

    @property
    def problems(self) -> list[str]:
        """What the page complained of: exceptions, and what its policy forbade.

        Remarks are none, such as that a field which somebody types in is not left for another.
        """
        self.say("0")
        return [
            json.dumps(event["params"])
            for event in self._browser.events
            if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")
            and event.get("sessionId") == self._session
            and event["params"].get("entry", {}).get("level") != "info"
        ]
