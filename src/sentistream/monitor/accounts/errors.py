"""What can be wrong with a change of accounts."""

from __future__ import annotations

from sentistream.errors import SentistreamError


class UnknownAccountError(SentistreamError):
    """There is no such user or token."""


class AccountConflictError(SentistreamError):
    """The name is taken, or nobody would be left to manage the monitor."""


class UnfitPasswordError(SentistreamError):
    """The password, or the name that goes with it, will not do."""
