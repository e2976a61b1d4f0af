"""People and programs that are let in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    """Looks: live view, history, alerts."""
    MANAGER = "manager"
    """Also changes settings, accounts and tokens, and takes single readings out."""


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
