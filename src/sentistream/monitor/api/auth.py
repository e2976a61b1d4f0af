"""Access rights to operations, and their dependencies."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

from sentistream.monitor.accounts import Accounts, Identity, User
from sentistream.monitor.services import Services


def _services(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


def _accounts(connection: HTTPConnection) -> Accounts:
    accounts: Accounts = connection.app.state.accounts
    return accounts


def viewer(connection: HTTPConnection) -> Identity:
    """Any authenticated user; checked again here, independently of the middleware."""
    identity = getattr(connection.state, "identity", None)
    if not isinstance(identity, Identity):
        raise HTTPException(401, "This needs a login.")
    return identity


def manager(identity: Annotated[Identity, Depends(viewer)]) -> Identity:
    """A manager, or a token with a manager's role."""
    if not identity.user.is_manager:
        raise HTTPException(403, "Only managers may do this.")
    return identity


def person(identity: Annotated[Identity, Depends(viewer)]) -> Identity:
    """A user who has logged in, not a program."""
    if identity.user.by_token:
        raise HTTPException(403, "This needs a login; a token is not enough.")
    return identity


def logged_in_manager(
    identity: Annotated[Identity, Depends(manager)], _: Annotated[Identity, Depends(person)]
) -> Identity:
    """A manager who has logged in: a stolen token must not create accounts."""
    return identity


def current_user(identity: Annotated[Identity, Depends(viewer)]) -> User:
    """The user of ``viewer``, for pages."""
    return identity.user


def current_manager(identity: Annotated[Identity, Depends(manager)]) -> User:
    """The user of ``manager``, for pages."""
    return identity.user


ServicesDep = Annotated[Services, Depends(_services)]
AccountsDep = Annotated[Accounts, Depends(_accounts)]
Viewer = Annotated[Identity, Depends(viewer)]
Manager = Annotated[Identity, Depends(manager)]
Person = Annotated[Identity, Depends(person)]
LoggedInManager = Annotated[Identity, Depends(logged_in_manager)]
CurrentUser = Annotated[User, Depends(current_user)]
CurrentManager = Annotated[User, Depends(current_manager)]
