"""The monitor's ASGI application."""

from __future__ import annotations

import asyncio
import math
import threading
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Match

from sentistream.errors import (
    InputError,
    MissingExtraError,
    OutputError,
    SentistreamError,
    StorageError,
)
from sentistream.monitor.accounts import (
    AccountConflictError,
    Accounts,
    UnfitPasswordError,
    UnknownAccountError,
)
from sentistream.monitor.api import (
    describing,
    events,
    export,
    house,
    live,
    pages,
    past,
    people,
    visitors,
    wellness,
)
from sentistream.monitor.api.attempts import Attempts, TooManyAttemptsError
from sentistream.monitor.api.changes import LockedSettingError
from sentistream.monitor.api.masks import Masks
from sentistream.monitor.api.metrics import Counters, Metrics
from sentistream.monitor.api.problems import ProblemResponse, Wrong
from sentistream.monitor.api.security import (
    BodyLimit,
    ForgeryCheck,
    Guard,
    HostCheck,
    Prefix,
    SecureHeaders,
)
from sentistream.monitor.services import Services

_ROOMS = (live, visitors, past, export, house, people, events, wellness, describing, pages)
MOST_ERRORS = 20
"""Errors of one request that its answer lists."""

_STATUS: dict[type[SentistreamError], int] = {
    StorageError: 503,
    OutputError: 503,
    LockedSettingError: 403,
    InputError: 400,
    MissingExtraError: 501,
    UnknownAccountError: 404,
    AccountConflictError: 409,
    UnfitPasswordError: 400,
}


def create_app(services: Services, *, counters: Counters | None = None) -> FastAPI:
    """The application: API, login, metrics; nothing of it, nor of what is mounted on it, is open
    but what ``security.guard.OPEN`` names.

    Args:
        services: The running monitor. The tables of accounts have to be there.
        counters: Figures of the store's writer for ``/metrics``.

    ``app.state.accounts`` are the accounts; ``request.state.user`` is the ``User`` who asks and
    ``request.state.csrf_token`` what changes by cookie carry.
    """
    accounts, configuration = Accounts(services.engine), services.configuration
    app = FastAPI(
        title="sentistream monitor",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(Prefix, configuration=configuration),
            Middleware(SecureHeaders, configuration=configuration),
            Middleware(HostCheck, configuration=configuration),
            Middleware(Guard, accounts=accounts, configuration=configuration),
            Middleware(BodyLimit, configuration=configuration),
            Middleware(ForgeryCheck, configuration=configuration),
        ],
    )
    app.openapi = partial(describing.describe, app)  # type: ignore[method-assign]
    app.state.services = services
    app.state.accounts = accounts
    app.state.attempts = Attempts(configuration)
    app.state.owners = visitors.Owners()
    app.state.changing = threading.Lock()
    app.state.export_places = threading.BoundedSemaphore(export.AT_ONCE)
    app.state.listeners = asyncio.Semaphore(events.MOST)
    app.state.store_watch = wellness.StoreWatch(services.store)
    app.state.metrics = Metrics(services.bus, counters)
    for room in _ROOMS:
        app.include_router(room.router)
    _tell_problems(app, services)
    return app


def setup_link(services: Services, base_url: str) -> str | None:
    """The one-time address that makes the first manager; None where somebody can log in.

    Links of earlier starts end. It belongs on the terminal and nowhere else.
    """
    secret = Accounts(services.engine).new_setup()
    return None if secret is None else f"{base_url.rstrip('/')}/setup/{secret}"


def _tell_problems(app: FastAPI, services: Services) -> None:
    @app.exception_handler(SentistreamError)
    async def told(request: Request, error: SentistreamError) -> Response:
        status = next((number for kind, number in _STATUS.items() if isinstance(error, kind)), 500)
        page = pages.trouble_page(request, services, status)
        if page is not None:
            return page
        scrub = Masks(services.configuration.settings).scrub
        headers = {"retry-after": "5"} if status == 503 else None
        return ProblemResponse(status, scrub(error.problem), scrub(error.way_out), headers=headers)

    @app.exception_handler(TooManyAttemptsError)
    async def patience(request: Request, error: TooManyAttemptsError) -> Response:
        seconds = str(math.ceil(error.seconds))
        headers = {"retry-after": seconds}
        way_out = f"Try again in {seconds} s."
        return ProblemResponse(429, "Too many wrong passwords.", way_out, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def unfit(request: Request, error: RequestValidationError) -> Response:
        # what was sent is not repeated: it may hold a password
        wrong = [
            Wrong(
                where=".".join(str(part) for part in one["loc"])[:200],
                message=str(one["msg"]).removeprefix("Value error, "),
            )
            for one in error.errors()[:MOST_ERRORS]
        ]
        return ProblemResponse(422, "The request does not fit.", errors=wrong)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        page = pages.trouble_page(request, services, error.status_code)
        if page is not None:
            return page
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["allow"] = _allowed(request)
        return ProblemResponse(error.status_code, str(error.detail), headers=headers)


def _allowed(request: Request) -> str:
    """All methods of a path; the framework names those of one operation alone."""
    routes = (route for room in _ROOMS for route in room.router.routes)
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(
        sorted({m for route in matching for m in getattr(route, "methods", None) or ()})
    )
