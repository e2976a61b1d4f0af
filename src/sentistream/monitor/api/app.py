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
    SentistreamError,
)
from sentistream.monitor.accounts import (
    Accounts,
)
from sentistream.monitor.api import (
    alerts_api,
    cameras_api,
    digest_api,
    event_stream,
    health,
    history,
    insight_api,
    openapi,
    settings_api,
    users,
)
from sentistream.monitor.api.health import Counters, Metrics
from sentistream.monitor.api.login_throttle import LoginThrottle, TooManyAttemptsError
from sentistream.monitor.api.problems import FieldError, ProblemResponse, status_of
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.api.security import (
    Authentication,
    BodyLimit,
    CsrfCheck,
    HostCheck,
    PathPrefix,
    SecurityHeaders,
)
from sentistream.monitor.locales import SOURCE
from sentistream.monitor.services import Services
from sentistream.monitor.translation import Translator, language_of, translator

MAX_ERRORS = 20
"""Most errors of one request listed in its response."""

_ROUTERS = (
    *(cameras_api, history, insight_api, alerts_api, digest_api, settings_api, users),
    *(event_stream, health, openapi),
)


def create_app(services: Services, *, counters: Counters | None = None) -> FastAPI:
    """The application: API, login, metrics; only ``security.authentication.PUBLIC_ROUTES`` are
    public, also of mounted applications.

    Args:
        services: The running monitor. The tables of accounts must exist.
        counters: The store writer's counters for ``/metrics``.

    ``app.state.accounts`` are the accounts; ``request.state.user`` is the requesting ``User`` and
    ``request.state.csrf_token`` the token for changes by cookie.
    """
    accounts, configuration = Accounts(services.engine), services.configuration
    app = FastAPI(
        title="sentistream monitor",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(PathPrefix, configuration=configuration),
            Middleware(SecurityHeaders, configuration=configuration),
            Middleware(HostCheck, configuration=configuration),
            Middleware(Authentication, accounts=accounts, configuration=configuration),
            Middleware(BodyLimit, configuration=configuration),
            Middleware(CsrfCheck, configuration=configuration),
        ],
    )
    app.openapi = partial(openapi.openapi_schema, app)  # type: ignore[method-assign]
    app.state.services = services
    app.state.accounts = accounts
    app.state.attempts = LoginThrottle(configuration)
    app.state.owners = cameras_api.BrowserCameraOwners()
    app.state.settings_lock = threading.Lock()
    app.state.export_slots = threading.BoundedSemaphore(history.EXPORTS_AT_ONCE)
    app.state.listeners = asyncio.Semaphore(event_stream.MAX_SUBSCRIBERS)
    app.state.store_health = health.StoreHealth(services.store)
    app.state.metrics = Metrics(services.bus, counters, services.headquarters)
    # include_router would analyze every route again for each application
    app.router.routes.extend(route for module in _ROUTERS for route in module.router.routes)
    _add_exception_handlers(app, services)
    return app


def setup_link(services: Services, base_url: str) -> str | None:
    """The one-time address that creates the first manager; None if somebody can log in.

    Links of earlier starts expire. Show it only on the terminal.
    """
    secret = Accounts(services.engine).new_setup()
    return None if secret is None else f"{base_url.rstrip('/')}/setup/{secret}"


def _add_exception_handlers(app: FastAPI, services: Services) -> None:
    @app.exception_handler(SentistreamError)
    async def problem_response(request: Request, error: SentistreamError) -> Response:
        status = status_of(error)
        redact, tr = SecretMasks(services.configuration.settings).redact, _translator(request)
        headers = {"retry-after": "5"} if status == 503 else None
        return ProblemResponse(
            status,
            redact(tr.translate(error.problem)),
            redact(tr.translate(error.way_out)),
            headers=headers,
        )

    @app.exception_handler(TooManyAttemptsError)
    async def patience(request: Request, error: TooManyAttemptsError) -> Response:
        seconds = str(math.ceil(error.seconds))
        headers = {"retry-after": seconds}
        way_out = f"Try again in {seconds} s."
        return ProblemResponse(429, "Too many wrong passwords.", way_out, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def unfit(request: Request, error: RequestValidationError) -> Response:
        # the input is not echoed: it may contain a password
        wrong = [
            FieldError(
                where=".".join(str(part) for part in one["loc"])[:200],
                message=str(one["msg"]).removeprefix("Value error, "),
            )
            for one in error.errors()[:MAX_ERRORS]
        ]
        return ProblemResponse(422, "The request does not fit.", errors=wrong)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["allow"] = _allowed(request)
        return ProblemResponse(
            error.status_code, _translator(request).translate(error.detail), headers=headers
        )


def _allowed(request: Request) -> str:
    """All methods of a path; the framework names those of one operation alone."""
    routes = (route for module in _ROUTERS for route in module.router.routes)
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(
        sorted({m for route in matching for m in getattr(route, "methods", None) or ()})
    )


def _translator(request: Request) -> Translator:
    """Of the language a client asks for (RFC 9457, section 3.1.4); English where it does not."""
    return translator(language_of(request, SOURCE))
