"""Users and API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from pydantic import Field, SecretStr

from sentistream.monitor.accounts import Account, Role, Token
from sentistream.monitor.accounts.passwords import MAX_LENGTH, MIN_LENGTH, NAME
from sentistream.monitor.api.auth import AccountsDep, LoggedInManager, Person, Viewer, viewer
from sentistream.monitor.api.login_throttle import LoginThrottle
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.schemas import Instant, RequestBody, ResponseBody, utc

router: APIRouter = APIRouter(prefix="/api", tags=["Accounts"], dependencies=[Depends(viewer)])

SESSION_ONLY = ("/api/me/password", "/api/users", "/api/tokens")
"""Responses where a token is not enough."""

NameParam = Annotated[str, Path(pattern=NAME, description="The name.")]
Password = Annotated[SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]
Name = Annotated[str, Field(pattern=NAME, description="Letters a to z, digits and . _ @ -.")]


class Me(ResponseBody):
    """The requesting user."""

    name: str
    role: Role
    by_token: bool = Field(description="Whether it is a program.")
    expires: datetime | None = Field(description="When login or token ends.")
    csrf_token: str = Field(
        description="For the header X-CSRF-Token of requests by cookie; empty for tokens."
    )


class PasswordChange(RequestBody):
    """A change of the own password."""

    old: SecretStr = Field(max_length=1024)
    new: Password


class UserInfo(ResponseBody):
    """Somebody who may log in."""

    name: str
    role: Role
    created: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(name=account.name, role=account.role, created=utc(account.created))


class NewUser(RequestBody):
    """A new user."""

    name: Name
    password: Password
    role: Role = Role.VIEWER


class UserChange(RequestBody):
    """Changes; fields left out stay as they are."""

    role: Role | None = None
    password: Password | None = None


class TokenInfo(ResponseBody):
    """An API token; the token itself was shown when it was created."""

    name: str
    role: Role
    created: datetime
    expires: datetime | None
    maker: str = Field(description="Who made it.")

    @classmethod
    def of(cls, token: Token) -> Self:
        return cls(
            name=token.name,
            role=token.role,
            created=utc(token.created),
            expires=None if token.expires is None else utc(token.expires),
            maker=token.maker,
        )


class NewToken(RequestBody):
    """A token for a program."""

    name: Name
    role: Role = Role.VIEWER
    expires: Instant | None = Field(default=None, description="When it ends; never without.")


class CreatedToken(ResponseBody):
    """The token, shown only once."""

    name: str
    token: str = Field(description="Keep it like a password; it is not shown again.")


@router.get("/me", summary="Who asks", responses=documented())
def me(request: Request, identity: Viewer) -> Me:
    """Name, role, and the CSRF token for changes by cookie."""
    return Me(
        name=identity.user.name,
        role=identity.user.role,
        by_token=identity.user.by_token,
        expires=None if identity.expires is None else utc(identity.expires),
        csrf_token=request.state.csrf_token,
    )


@router.post(
    "/me/password",
    summary="Change one's own password",
    status_code=204,
    responses=documented(400, 403, 422),
)
def change_password(
    request: Request, body: PasswordChange, accounts: AccountsDep, identity: Person
) -> None:
    """Ends all other sessions of the same user."""
    name = identity.user.name
    attempts: LoginThrottle = request.app.state.attempts
    with attempts.one(request.scope, name) as attempt:
        fits = accounts.change_password(
            name,
            body.old.get_secret_value(),
            body.new.get_secret_value(),
            keep=identity.digest,
        )
        attempt.right = fits
    if not fits:
        raise HTTPException(403, "The old password is wrong.")


@router.get("/users", summary="Who may log in", responses=documented(403))
def users(accounts: AccountsDep, _: LoggedInManager) -> list[UserInfo]:
    """For managers who have logged in."""
    return [UserInfo.of(account) for account in accounts.users()]


@router.post(
    "/users", summary="Add a user", status_code=201, responses=documented(400, 403, 409, 422)
)
def add_user(body: NewUser, accounts: AccountsDep, _: LoggedInManager) -> UserInfo:
    """For managers who have logged in."""
    added = accounts.add_user(body.name, body.password.get_secret_value(), body.role)
    return UserInfo.of(added)


@router.patch(
    "/users/{name}",
    summary="Change a user",
    status_code=204,
    responses=documented(400, 403, 404, 409, 422),
)
def change_user(
    name: NameParam, body: UserChange, accounts: AccountsDep, identity: LoggedInManager
) -> None:
    """A new password ends the user's other sessions; a viewer loses the tokens made as manager."""
    password = None if body.password is None else body.password.get_secret_value()
    accounts.change_user(name, role=body.role, password=password, keep=identity.digest)


@router.delete(
    "/users/{name}",
    summary="Remove a user",
    status_code=204,
    responses=documented(403, 404, 409, 422),
)
def remove_user(name: NameParam, accounts: AccountsDep, _: LoggedInManager) -> None:
    """With all sessions and tokens; the last manager stays."""
    accounts.remove_user(name)


@router.get("/tokens", summary="Programs that may come in", responses=documented(403))
def tokens(accounts: AccountsDep, _: LoggedInManager) -> list[TokenInfo]:
    """For managers who have logged in."""
    return [TokenInfo.of(token) for token in accounts.tokens()]


@router.post(
    "/tokens",
    summary="Make a token",
    status_code=201,
    responses=documented(400, 403, 409, 422),
)
def make_token(body: NewToken, accounts: AccountsDep, identity: LoggedInManager) -> CreatedToken:
    """It is shown only once; only a hash is stored."""
    token = accounts.make_token(
        body.name, body.role, maker=identity.user.name, expires=body.expires
    )
    return CreatedToken(name=body.name, token=token)


@router.delete(
    "/tokens/{name}",
    summary="Revoke a token",
    status_code=204,
    responses=documented(403, 404, 422),
)
def revoke_token(name: NameParam, accounts: AccountsDep, _: LoggedInManager) -> None:
    """Immediately, including its WebSockets."""
    accounts.revoke_token(name)
