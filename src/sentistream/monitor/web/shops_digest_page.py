"""The digest of the shops: when it is sent to whom, as a PDF, and on demand."""

from __future__ import annotations

import datetime

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager, CurrentUser
from sentistream.monitor.digest.digest_content import Digest, DigestPeriod, last_day_of
from sentistream.monitor.digest.digest_pdf import digest_pdf
from sentistream.monitor.digest.digest_sender import (
    DueDigest,
    require_mail_server,
    send_made_digest,
)
from sentistream.monitor.headquarters.shops_digest import make_shops_digest, shops_edition
from sentistream.monitor.observations import DeliveryState
from sentistream.monitor.translation import Translator
from sentistream.monitor.web.alerts_page import digest_words
from sentistream.monitor.web.site import Site, SiteDep, headquarters_only

router: APIRouter = APIRouter(include_in_schema=False, dependencies=[Depends(headquarters_only)])


def _make(
    site: Site, user: User | None, period: DigestPeriod, day: datetime.date, tr: Translator
) -> Digest:
    services = site.services
    return make_shops_digest(
        period,
        day,
        queries=site.headquarters.queries,
        store=services.store,
        settings=services.configuration.settings,
        user=user,
        now=site.clock(),
        tr=tr,
    )


def _show(
    site: Site, request: Request, user: User, *, sent: str = "", problem: str = ""
) -> HTMLResponse:
    settings, tr = site.services.configuration.settings, site.translator(request)
    return site.render(
        request,
        "shop_digest",
        user=user,
        digest_words=digest_words(settings, tr),
        has_mail=bool(settings.email.host),
        today=datetime.datetime.fromtimestamp(site.clock()).date().isoformat(),
        sent=sent,
        problem=problem,
    )


@router.get("/shops/digest")
def digest(request: Request, user: CurrentUser, site: SiteDep) -> HTMLResponse:
    return _show(site, request, user)


@router.get("/shops/digest/{period}.pdf")
def pdf(
    request: Request, user: CurrentUser, site: SiteDep, period: DigestPeriod, day: str = ""
) -> Response:
    try:
        chosen = datetime.date.fromisoformat(day)
    except ValueError:
        chosen = last_day_of(period, site.clock())
    digest = _make(site, user, period, chosen, site.translator(request))
    name = f"sentistream-{digest.key}.pdf"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(digest_pdf(digest), media_type="application/pdf", headers=headers)


@router.post("/shops/digest/send")
def send(request: Request, user: CurrentManager, site: SiteDep) -> HTMLResponse:
    settings, tr = site.services.configuration.settings, site.translator(request)
    page = settings.server.public_url or str(request.base_url)
    due = DueDigest("week", last_day_of("week", site.clock()))
    sent, problem = 0, ""
    try:
        require_mail_server(settings)
        store, now = site.services.store, site.clock()
        for each in shops_edition(
            site.headquarters.queries, site.headquarters.registry, store, due, settings, now
        ):
            delivery = send_made_digest(
                each.make(),
                settings,
                page=page.rstrip("/"),
                recipients=each.recipients,
                key=each.key,
            )
            site.services.bus.publish(delivery)
            if delivery.state is DeliveryState.DELIVERED:
                sent += 1
            else:
                problem = tr.translate(delivery.reason)
    except SentistreamError as error:
        problem = tr.translate(error.message)
    words = tr.ngettext("1 digest was sent.", "{n} digests were sent.", sent) if sent else ""
    return _show(site, request, user, sent=words, problem=problem)
