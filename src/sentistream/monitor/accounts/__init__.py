"""Who may come in, and as what."""

from sentistream.monitor.accounts.values import Role, User

__all__ = ["Role", "User"]
