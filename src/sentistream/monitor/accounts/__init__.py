"""Accounts: users, their roles, sessions and API tokens."""

from sentistream.monitor.accounts.account_types import (
    Account,
    AccountConflictError,
    Identity,
    Role,
    Token,
    UnfitPasswordError,
    UnknownAccountError,
    User,
)
from sentistream.monitor.accounts.accounts import Accounts

__all__ = [
    "Account",
    "AccountConflictError",
    "Accounts",
    "Identity",
    "Role",
    "Token",
    "UnfitPasswordError",
    "UnknownAccountError",
    "User",
]
