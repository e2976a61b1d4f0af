"""Error responses: RFC 9457, problem details as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel, Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentistream.errors import (
    InputError,
    MissingExtraError,
    OutputError,
    SentistreamError,
    StorageError,
)
from sentistream.monitor.accounts import (
    AccountConflictError,
    UnfitPasswordError,
    UnknownAccountError,
)
from sentistream.monitor.headquarters.sites import UnknownSiteError

MEDIA_TYPE = "application/problem+json"


class LockedSettingError(InputError):
    """This setting can be changed only in the configuration file."""


_STATUS: dict[type[SentistreamError], int] = {
    StorageError: 503,
    OutputError: 503,
    LockedSettingError: 403,
    InputError: 400,
    MissingExtraError: 501,
    UnknownAccountError: 404,
    UnknownSiteError: 404,
    AccountConflictError: 409,
    UnfitPasswordError: 400,
}


def status_of(error: SentistreamError) -> int:
    """The HTTP status for an error."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


class FieldError(BaseModel):
    """One invalid field."""

    where: str = Field(description="Path to it, for instance body.begin.")
    message: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """Why a request was refused."""

    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(default="", description="What is wrong, in a sentence.")
    way_out: str = Field(default="", description="What to do about it.")
    errors: list[FieldError] = Field(default=[], description="The fields that do not fit.")


class ProblemResponse(Response):
    """A problem as a response."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        status: int,
        detail: str = "",
        way_out: str = "",
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        problem = Problem(
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            way_out=way_out,
            errors=errors or [],
        )
        super().__init__(problem.model_dump_json(exclude_defaults=True), status, headers)


async def refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    """Answers a request, or a WebSocket that has not been accepted yet."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await send({"type": "websocket.close", "code": 4000 + response.status_code})
        return
    await response(scope, receive, send)


DOCUMENTED: dict[int | str, dict[str, object]] = {
    status: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in {
        400: "It is well formed and still cannot be done.",
        401: "No login, or it has ended.",
        403: "Not allowed with this login or token.",
        404: "There is no such thing.",
        409: "It conflicts with what is there.",
        408: "The request did not come in time.",
        413: "The request is too large.",
        421: "Addressed to a name that is not the monitor's.",
        422: "A field does not fit.",
        429: "Too many requests; see the header Retry-After.",
        501: "It needs a package that is not installed where the monitor runs.",
        503: "The database does not answer.",
    }.items()
}


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """An operation's error responses for its documentation, including the general ones."""
    return {status: DOCUMENTED[status] for status in sorted({401, 421, 429, 503, *statuses})}
