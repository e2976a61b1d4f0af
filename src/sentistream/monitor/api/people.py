"""Users and API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from pydantic import Field, SecretStr

from sentistream.monitor.accounts import Account, Role, Token
from sentistream.monitor.accounts.passwords import MAX_LENGTH, MIN_LENGTH, NAME
from sentistream.monitor.api.access import AccountsHere, ManagingPerson, Person, Viewer, viewer
from sentistream.monitor.api.attempts import Attempts
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.times import Instant, utc
from sentistream.monitor.api.values import Question, Value

router = APIRouter(prefix="/api", tags=["Accounts"], dependencies=[Depends(viewer)])

PEOPLE_ONLY = ("/api/me/password", "/api/users", "/api/tokens")
"""Where a token does not do."""

NameHere = Annotated[str, Path(pattern=NAME, description="The name.")]
Password = Annotated[SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]
Name = Annotated[str, Field(pattern=NAME, description="Letters a to z, digits and . _ @ -.")]


class Me(Value):
    """Who asks."""

    name: str
    role: Role
    by_token: bool = Field(description="Whether it is a program.")
    expires: datetime | None = Field(description="When login or token ends.")
    csrf_token: str = Field(
        description="For the header X-CSRF-Token of requests by cookie; empty for tokens."
    )


class PasswordChange(Question):
    """One's own password."""

    old: SecretStr = Field(max_length=1024)
    new: Password


class UserShown(Value):
    """Somebody who may log in."""

    name: str
    role: Role
    created: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(name=account.name, role=account.role, created=utc(account.created))


class NewUser(Question):
    """Somebody who is to log in."""

    name: Name
    password: Password
    role: Role = Role.VIEWER


class UserChange(Question):
    """What is to be different; what is left out stays."""

    role: Role | None = None
    password: Password | None = None


class TokenShown(Value):
    """An API token; the token itself was shown when it was made."""

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


class NewToken(Question):
    """A token for a program."""

    name: Name
    role: Role = Role.VIEWER
    expires: Instant | None = Field(default=None, description="When it ends; never without.")


class TokenMade(Value):
    """The token, this once."""

    name: str
    token: str = Field(description="Keep it like a password; it is not shown again.")


@router.get("/me", summary="Who asks", responses=documented())
def me(request: Request, identity: Viewer) -> Me:
    """Name, role, and what changes by cookie need."""
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
    request: Request, body: PasswordChange, accounts: AccountsHere, identity: Person
) -> None:
    """Ends all other sessions of the same user."""
    name = identity.user.name
    attempts: Attempts = request.app.state.attempts
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
def users(accounts: AccountsHere, _: ManagingPerson) -> list[UserShown]:
    """For managers who have logged in."""
    return [UserShown.of(account) for account in accounts.users()]


@router.post(
    "/users", summary="Add a user", status_code=201, responses=documented(400, 403, 409, 422)
)
def add_user(body: NewUser, accounts: AccountsHere, _: ManagingPerson) -> UserShown:
    """For managers who have logged in."""
    added = accounts.add_user(body.name, body.password.get_secret_value(), body.role)
    return UserShown.of(added)


@router.patch(
    "/users/{name}",
    summary="Change a user",
    status_code=204,
    responses=documented(400, 403, 404, 409, 422),
)
def change_user(
    name: NameHere, body: UserChange, accounts: AccountsHere, identity: ManagingPerson
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
def remove_user(name: NameHere, accounts: AccountsHere, _: ManagingPerson) -> None:
    """With all sessions and tokens; the last manager stays."""
    accounts.remove_user(name)


@router.get("/tokens", summary="Programs that may come in", responses=documented(403))
def tokens(accounts: AccountsHere, _: ManagingPerson) -> list[TokenShown]:
    """For managers who have logged in."""
    return [TokenShown.of(token) for token in accounts.tokens()]


@router.post(
    "/tokens",
    summary="Make a token",
    status_code=201,
    responses=documented(400, 403, 409, 422),
)
def make_token(body: NewToken, accounts: AccountsHere, identity: ManagingPerson) -> TokenMade:
    """It is shown this once; what is kept is a hash."""
    token = accounts.make_token(
        body.name, body.role, maker=identity.user.name, expires=body.expires
    )
    return TokenMade(name=body.name, token=token)


@router.delete(
    "/tokens/{name}",
    summary="Revoke a token",
    status_code=204,
    responses=documented(403, 404, 422),
)
def revoke_token(name: NameHere, accounts: AccountsHere, _: ManagingPerson) -> None:
    """At once, its WebSockets too."""
    accounts.revoke_token(name)
