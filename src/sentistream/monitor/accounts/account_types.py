"""Roles, users, tokens, and the errors of changing them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sentistream.errors import SentistreamError


class Role(StrEnum):
    """What a user may do."""

    VIEWER = "viewer"
    """Sees the live view, history and alerts."""
    MANAGER = "manager"
    """Also changes settings, accounts and tokens, and exports single readings."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has logged in, or a program with a token.

    Attributes:
        name: The login name, or the token's name.
        role: What it may do.
        by_token: Whether it is a program.
    """

    name: str
    role: Role
    by_token: bool = False

    @property
    def is_manager(self) -> bool:
        """Whether it may change things."""
        return self.role is Role.MANAGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An authenticated user, and by which session or token.

    Attributes:
        user: The user.
        digest: SHA-256 of the session id or token, in hexadecimal.
        expires: Wall-clock seconds (UTC) at which it expires; None for never.
    """

    user: User
    digest: str
    expires: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user as managers see it.

    Attributes:
        name: The login name.
        role: What the user may do.
        created: Wall-clock seconds (UTC).
    """

    name: str
    role: Role
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token as managers see it; the token itself is shown once, when it is made.

    Attributes:
        name: What it is for.
        role: What it allows.
        created: Wall-clock seconds (UTC).
        expires: Wall-clock seconds (UTC) at which it expires; None for never.
        maker: The login name of who made it.
    """

    name: str
    role: Role
    created: float
    expires: float | None
    maker: str


class UnknownAccountError(SentistreamError):
    """There is no such user or token."""


class AccountConflictError(SentistreamError):
    """The name is taken, or no manager would be left."""


class UnfitPasswordError(SentistreamError):
    """The password or its login name is invalid."""
