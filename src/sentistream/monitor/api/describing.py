"""The OpenAPI description, and a page of it that needs nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream.monitor.api.access import viewer
from sentistream.monitor.api.people import PEOPLE_ONLY
from sentistream.monitor.api.problems import Problem, Wrong, documented
from sentistream.monitor.api.security import prefix_of

router = APIRouter(prefix="/api", include_in_schema=False, dependencies=[Depends(viewer)])

_INTRODUCTION = """\
What cameras see now and what they saw, for other programs.

Programs send an API token, made by a manager, as `Authorization: Bearer TOKEN`. Browsers send
their session's cookie; requests that change something then need the header `X-CSRF-Token` with
the token of `GET /api/me`. Times are ISO 8601 in UTC; parameters also take seconds since 1970.
Live events come over the WebSocket `/api/events`.
"""


def describe(app: FastAPI) -> dict[str, Any]:
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
        schemas["Wrong"] = Wrong.model_json_schema()
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
    people_only = path.startswith(PEOPLE_ONLY)
    return [{"session": []}] if people_only else [{"token": []}, {"session": []}]


@router.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """The description for programs."""
    return JSONResponse(describe(request.app) | {"servers": [{"url": prefix_of(request) or "/"}]})


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The description for people."""
    schema = describe(request.app)
    operations: dict[str, list[dict[str, Any]]] = {}
    for path, by_method in schema["paths"].items():
        for method, operation in by_method.items():
            shown = operation | {"method": method.upper(), "path": path}
            operations.setdefault(operation["tags"][0], []).append(shown)
    text = (
        _templates()
        .get_template("docs.html.j2")
        .render(root=prefix_of(request), schema=schema, operations=operations)
    )
    policy = "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'"
    return HTMLResponse(text, headers={"content-security-policy": policy})


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("sentistream.monitor.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = _kind
    return environment


def _kind(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")
