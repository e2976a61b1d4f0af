"""The printed address can be opened on this machine."""

from __future__ import annotations

import pytest

from sentistream.monitor.runner import page_address
from sentistream.monitor.settings import ServerSettings


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 - it is not listened on
        ("::", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
        ("192.168.1.5", "http://192.168.1.5:8080"),
        ("shop.local", "http://shop.local:8080"),
    ],
)
def test_printed_address_can_be_opened_locally(host: str, address: str) -> None:
    assert page_address(ServerSettings(host=host), 8080) == address


def test_address_behind_a_proxy_is_printed() -> None:
    server = ServerSettings(public_url="https://mood.example")
    assert page_address(server, 8080).rstrip("/") == "https://mood.example"
