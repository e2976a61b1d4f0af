"""Digests over REST: a week or a month as a PDF, and sent by e-mail on demand."""

from __future__ import annotations

import datetime
import re
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BeforeValidator

from sentistream.monitor.api.auth import Manager, ServicesDep, viewer
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.schemas import DeliveryResult
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.digest import DigestPeriod, digest_pdf, make_digest, send_digest
from sentistream.monitor.digest.digest_content import digest_key, last_day_of
from sentistream.monitor.display_names import display_names
from sentistream.monitor.locales import SOURCE
from sentistream.monitor.translation import language_of, translator

router: APIRouter = APIRouter(prefix="/api", tags=["Past"], dependencies=[Depends(viewer)])

WhichPeriod = Annotated[DigestPeriod, Path(description="A calendar week or month.")]


def _written_out(day: object) -> object:
    """Rejects numbers, which would count as seconds since 1970."""
    if isinstance(day, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        raise ValueError("write it as 2026-11-23")
    return day


Day = Annotated[
    datetime.date | None,
    BeforeValidator(_written_out),
    Query(description="A day in it; in the newest that is over where it is left out."),
]


@router.get(
    "/digest/{period}.pdf",
    summary="A week or a month as a PDF",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
        **documented(403, 422),
    },
)
def pdf(
    request: Request, services: ServicesDep, _: Manager, period: WhichPeriod, day: Day = None
) -> Response:
    """The same figures as in the history, in the client's language; for managers."""
    settings, now = services.configuration.settings, time.time()
    chosen = _day(day, period, now)
    digest = make_digest(
        period,
        chosen,
        store=services.store,
        settings=settings,
        names=display_names(settings, services.bus),
        now=now,
        tr=translator(language_of(request, settings.language)),
    )
    name = f"sentistream-{digest_key(period, chosen)}.pdf"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(digest_pdf(digest), media_type="application/pdf", headers=headers)


@router.post(
    "/digest/{period}/send",
    summary="Send a digest by e-mail now",
    responses=documented(400, 403, 422),
)
def send(
    request: Request, services: ServicesDep, _: Manager, period: WhichPeriod, day: Day = None
) -> DeliveryResult:
    """To the recipients of digests, whatever the quiet hours; for managers."""
    settings, now = services.configuration.settings, time.time()
    page = settings.server.public_url or str(request.base_url)
    delivery = send_digest(
        period,
        _day(day, period, now),
        store=services.store,
        settings=settings,
        names=display_names(settings, services.bus),
        page=page.rstrip("/"),
        now=now,
    )
    services.bus.publish(delivery)
    tr = translator(language_of(request, SOURCE))
    masks = SecretMasks(settings)
    return DeliveryResult.of(delivery, masks.redact(tr.translate(delivery.reason)))


def _day(day: datetime.date | None, period: DigestPeriod, now: float) -> datetime.date:
    if day is None or not 2000 <= day.year < 2100:
        return last_day_of(period, now)
    return day
