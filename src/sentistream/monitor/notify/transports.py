"""The base of all transports: a transport sends one notice, or says why it could not."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Protocol

import httpx

from sentistream import __version__
from sentistream.monitor.notify.notices import Notice
from sentistream.translatable import Translatable

TIMEOUT = 10.0
"""Seconds for connecting, and for a response."""

_RETRIED = frozenset({408, 425, 429})
"""Temporary failure statuses, besides those from 500 on."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not accepted.

    Attributes:
        reason: A sentence without secrets.
        can_retry: Whether a retry may succeed.
    """

    reason: str
    can_retry: bool


class Transport(Protocol):
    """Sends notices to one receiver; used by one thread at a time."""

    @property
    def receiver(self) -> str:
        """The receiver, without secrets, for the log."""
        ...

    def send(self, notice: Notice) -> Failure | None:
        """Tries once; None if the receiver accepted it."""
        ...

    def close(self) -> None:
        """Closes connections."""
        ...


def http_client(timeout: float) -> httpx.Client:
    """A client that neither follows redirects nor uses proxies or logins from the environment."""
    return httpx.Client(
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
        verify=ssl.create_default_context(),
        headers={"User-Agent": f"sentistream/{__version__}"},
    )


def post(
    client: httpx.Client, url: str, *, content: bytes, headers: dict[str, str], host: str
) -> Failure | None:
    """Sends by POST; None for a status from 200 to 299.

    Args:
        client: The HTTP client.
        url: The address, which may hold secrets and is never part of a reason.
        content: The body.
        headers: Its headers.
        host: The receiver as it may be shown.
    """
    try:
        # the response's body is not read: it may be endless
        with client.stream("POST", url, content=content, headers=headers) as response:
            status = response.status_code
    except httpx.HTTPError as error:
        return Failure(_connection_reason(error, host), True)
    except Exception as error:
        return Failure(
            Translatable(
                "{host} could not be reached ({words}).", host=host, words=type(error).__name__
            ),
            False,
        )
    if 200 <= status < 300:
        return None
    return Failure(_status_reason(status, host), status >= 500 or status in _RETRIED)


def _connection_reason(error: httpx.HTTPError, host: str) -> str:
    """What went wrong; the error's own text may contain the address."""
    text = str(error).lower()
    if isinstance(error, httpx.TimeoutException):
        return Translatable("{host} does not answer.", host=host)
    if "certificate" in text:
        return Translatable("The certificate of {host} is not trusted.", host=host)
    if "ssl" in text or "tls" in text:
        return Translatable("{host} does not speak TLS there; check http or https.", host=host)
    if any(
        words in text for words in ("name or service", "getaddrinfo", "no address", "resolution")
    ):
        return Translatable("There is no server of the name {host}; check the address.", host=host)
    if "refused" in text:
        return Translatable("{host} refuses the connection; check address and port.", host=host)
    return Translatable(
        "The connection to {host} failed ({words}).", host=host, words=type(error).__name__
    )


def _status_reason(status: int, host: str) -> str:
    if status in (401, 403):
        return Translatable(
            "{host} refuses the message (status {status}): the token, or the right to write there, "
            "is missing.",
            host=host,
            status=status,
        )
    if status in (404, 410):
        return Translatable(
            "{host} does not know this address (status {status}): copy it again.",
            host=host,
            status=status,
        )
    if 300 <= status < 400:
        return Translatable(
            "{host} sends elsewhere (status {status}); enter the final address.",
            host=host,
            status=status,
        )
    if status == 429:
        return Translatable("{host} receives too many messages; try again later.", host=host)
    if status >= 500:
        return Translatable("{host} has trouble (status {status}).", host=host, status=status)
    return Translatable(
        "{host} does not accept the message (status {status}).", host=host, status=status
    )
