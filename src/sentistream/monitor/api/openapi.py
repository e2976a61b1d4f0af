"""The OpenAPI description, and a self-contained page of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from sentistream.monitor.api.auth import viewer
from sentistream.monitor.api.problems import FieldError, Problem, documented
from sentistream.monitor.api.security import prefix_of
from sentistream.monitor.api.users import SESSION_ONLY

router: APIRouter = APIRouter(
    prefix="/api", include_in_schema=False, dependencies=[Depends(viewer)]
)

_INTRODUCTION = """\
What cameras see now and what they saw, for other programs.

Programs send an API token, made by a manager, as `Authorization: Bearer TOKEN`. Browsers send
their session's cookie; requests that change something then need the header `X-CSRF-Token` with
the token of `GET /api/me`. Times are ISO 8601 in UTC; parameters also take seconds since 1970.
Live events come over the WebSocket `/api/events`.
"""


def openapi_schema(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description of all operations."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="sentistream monitor",
            version="1",
            description=_INTRODUCTION,
            routes=app.routes,
        )
        components = schema.setdefault("components", {})
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": "sentistream_session",
                "description": "A login's session (__Host-sentistream_session over TLS).",
            },
        }
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas["Problem"].pop("$defs", None)
        schemas["FieldError"] = FieldError.model_json_schema()
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                operation["security"] = _security(path)
                if "requestBody" in operation:
                    for status, response in documented(408, 413).items():
                        operation["responses"].setdefault(str(status), response)
        app.openapi_schema = schema
    return app.openapi_schema


def _security(path: str) -> list[dict[str, list[str]]]:
    if path == "/health":
        return []
    people_only = path.startswith(SESSION_ONLY)
    return [{"session": []}] if people_only else [{"token": []}, {"session": []}]


@router.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """The description for programs."""
    return JSONResponse(
        openapi_schema(request.app) | {"servers": [{"url": prefix_of(request) or "/"}]}
    )
