"""Who looks at the page, in which language, and what they may do."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from sentistream.monitor.accounts import User


class StrangerError(Exception):
    """Somebody whom the guard before the page has let through by mistake."""


class NotAllowedError(Exception):
    """A viewer asks for what only managers may do."""


def visitor(connection: HTTPConnection) -> User:
    """Who has logged in, as the guard before the page says.

    Raises:
        StrangerError: Nobody has; the guard should have refused them.
    """
    user = getattr(connection.state, "user", None)
    if not isinstance(user, User):
        raise StrangerError
    return user


def manager(connection: HTTPConnection) -> User:
    """Who has logged in and may change things.

    Raises:
        StrangerError: Nobody has logged in.
        NotAllowedError: A viewer has.
    """
    user = visitor(connection)
    if not user.is_manager:
        raise NotAllowedError
    return user


Visitor = Annotated[User, Depends(visitor)]
Manager = Annotated[User, Depends(manager)]
