"""The labelling page in a real browser, and its access control."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from test_label_file import labels, mouths

from browser_pages import PageOpener, wait_for
from full_disk import full_disk
from sentistream.training.labelling.label_file import LabelFile
from sentistream.training.labelling.label_server import LabelServer


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "m.csv"


@pytest.fixture
def server(manifest: Path) -> Iterator[LabelServer]:
    labels_file = LabelFile(manifest)
    labels_file.add(mouths(6))
    with LabelServer(labels_file) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def send_request(
    server: LabelServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    return answer.status, answer.read()


JSON = {"Content_Type": "application/json"}


def test_only_token_holders_get_access(server: LabelServer, manifest: Path) -> None:
    good = f"/{server.token}"
    decision_body = json.dumps({"number": 0, "decision": "open"}).encode()
    assert send_request(server, "GET", "/")[0] == 403
    assert send_request(server, "GET", "/state")[0] == 403
    assert send_request(server, "POST", "/wrong/decide", decision_body, **JSON)[0] == 403
    assert send_request(server, "GET", f"{good}/state", Host="evil.example")[0] == 403
    # what a form of another page could send
    assert (
        send_request(server, "POST", f"{good}/decide", decision_body, Content_Type="text/plain")[0]
        == 400
    )
    assert labels(manifest) == []
    assert send_request(server, "GET", f"{good}/../../etc/passwd")[0] == 404
    assert send_request(server, "GET", f"{good}/view/99")[0] == 404
    assert send_request(server, "POST", f"{good}/decide", decision_body * 100, **JSON)[0] == 413
    for nonsense in (b"{}", b"[]", b'{"number": "x", "decision": "open"}', b"\xff"):
        assert send_request(server, "POST", f"{good}/decide", nonsense, **JSON)[0] == 400
    assert send_request(server, "POST", f"{good}/decide", decision_body, **JSON)[0] == 200
    assert labels(manifest) == ["open"]


def decided(page: Page, count: int) -> None:
    """Wait until that many are decided, all is saved, and the next picture is shown."""
    wait_for(
        page,
        f"document.getElementById('progress').value === {count} && "
        "document.getElementById('saved').textContent === 'Saved' && "
        "document.getElementById('view').complete",
    )


def test_keys_decide_and_everything_is_saved(
    open_page: PageOpener, server: LabelServer, manifest: Path
) -> None:
    page = open_page(server.url)
    wait_for(page, "document.getElementById('count').textContent.startsWith('0 of 6')")
    wait_for(page, "document.getElementById('view').complete")
    assert page.evaluate("document.getElementById('proposal').textContent").startswith(
        "Proposed: open (lips 20 %"
    )
    for number, key in enumerate("occ", 1):
        page.keyboard.press(key)
        decided(page, number)
    assert labels(manifest) == ["open", "closed", "closed"]
    page.keyboard.press("u")
    decided(page, 2)
    assert labels(manifest) == ["open", "closed"]
    page.keyboard.press("s")
    decided(page, 3)
    page.keyboard.press("Enter")  # as proposed: open
    decided(page, 4)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.getElementById('decision').textContent") == "Decided: skipped"
    wait_for(page, "document.getElementById('view').complete")
    page.keyboard.press("c")
    wait_for(page, "document.getElementById('decision').textContent === 'Not decided'")
    wait_for(page, "document.getElementById('view').complete")
    page.click("button[data-decision=open]")
    decided(page, 5)
    assert labels(manifest) == ["open", "closed", "closed", "open", "open"]
    assert page.evaluate("document.querySelectorAll('#strip img').length") == 6
    assert open_page.log(page).problems == []
    # and a page opened later continues from there
    page = open_page(server.url)
    wait_for(page, "document.getElementById('name').textContent.startsWith('6:')")
    wait_for(page, "document.getElementById('view').complete")
    # a full disk is reported, and the decision not counted
    with full_disk():
        page.keyboard.press("o")
        wait_for(page, "document.getElementById('problem').textContent.startsWith('Not saved')")
    assert page.evaluate("document.getElementById('progress').value") == 5
    assert labels(manifest) == ["open", "closed", "closed", "open", "open"]
