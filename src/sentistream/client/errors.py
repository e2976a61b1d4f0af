"""What can go wrong between a program and the monitor."""

from __future__ import annotations

from sentistream.errors import SentistreamError


class MonitorError(SentistreamError):
    """The monitor refused a request.

    Attributes:
        status: The HTTP status: 401 for an invalid or expired token, 403 for what it does
            not allow, 429 for too many requests, 503 for a database that does not answer.
        wait: Seconds after which to retry; None if that would not help.
    """

    def __init__(
        self, status: int, problem: str, way_out: str = "", *, wait: float | None = None
    ) -> None:
        super().__init__(problem, way_out)
        self.status = status
        self.wait = wait


class UnreachableError(SentistreamError):
    """The monitor's address does not answer, or not like a monitor."""
