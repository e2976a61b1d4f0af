"""Who may come in, and as what."""

from sentistream.monitor.accounts.accounts import Accounts
from sentistream.monitor.accounts.errors import (
    AccountConflictError,
    UnfitPasswordError,
    UnknownAccountError,
)
from sentistream.monitor.accounts.values import Account, Identity, Role, Token, User

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
