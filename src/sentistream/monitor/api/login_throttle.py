"""Login throttling: limits password attempts per minute, by address and by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import Scope

from sentistream.monitor.accounts.passwords import key_of
from sentistream.monitor.api.security.rate_limit import RateLimiter, client_address
from sentistream.monitor.configuration import Configuration


class TooManyAttemptsError(Exception):
    """Too many attempts; the client has to wait.

    Attributes:
        seconds: How long.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("Too many wrong passwords.")
        self.seconds = seconds


@dataclass
class Attempt:
    """One attempt; set ``right`` to whether the password was right."""

    right: bool


class LoginThrottle:
    """Counts wrong passwords."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._rates = RateLimiter()

    @contextmanager
    def one(self, scope: Scope, name: str) -> Iterator[Attempt]:
        """An attempt, counted before its outcome is known, so that many at once cannot bypass the
        limit.

        Raises:
            TooManyAttemptsError: There were too many wrong ones.
        """
        most = self._configuration.settings.server.login_attempts
        keys = (f"address {client_address(scope)}", f"name {key_of(name)[:64]}")
        for number, key in enumerate(keys):
            wait = self._rates.take(key, most)
            if wait:
                for taken in keys[:number]:
                    self._rates.refund(taken)
                raise TooManyAttemptsError(wait)
        attempt = Attempt(right=True)
        try:
            yield attempt
        finally:
            # an attempt that failed for other reasons is not counted
            if attempt.right:
                for key in keys:
                    self._rates.refund(key)
