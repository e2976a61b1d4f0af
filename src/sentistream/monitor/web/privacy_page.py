"""The privacy page and its documents: what the people in view can rely on at present."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from sentistream.errors import StorageError
from sentistream.monitor.accounts import Accounts
from sentistream.monitor.api.auth import CurrentUser
from sentistream.monitor.display_names import camera_name
from sentistream.monitor.privacy import (
    InForce,
    PrivacyState,
    Transport,
    render_assessment,
    render_notice,
)
from sentistream.monitor.settings import CameraSettings
from sentistream.monitor.translation import N_, Translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.site import Site, SiteDep, joined_headquarters

DOCUMENTS = {"notice": render_notice, "assessment": render_assessment}

DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The documents are single files with their style inside, and have no script."""

_TRANSPORTS = {
    Transport.TLS: N_("The monitor encrypts connections to browsers."),
    Transport.PROXY: N_(
        "A proxy on this machine encrypts connections to browsers. From the proxy to the monitor "
        "data is not encrypted, but does not leave the machine."
    ),
    Transport.PROXY_AND_PLAIN: N_(
        "A proxy encrypts connections to browsers. But the monitor itself also answers the "
        "network, unencrypted: let it listen on 127.0.0.1 only."
    ),
    Transport.LOCAL: N_(
        "Not encrypted, but reachable from this machine only: nothing crosses a network."
    ),
    Transport.PLAIN: N_(
        "Not encrypted: passwords, readings and live pictures cross the network readably. Give "
        "the monitor a TLS certificate, or a proxy that has one."
    ),
}


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One statement of the page.

    Attributes:
        key: Which, of ``labels.GUARANTEES``.
        text: The statement.
        holds: Whether people are protected in this way, everywhere or in part.
    """

    key: str
    text: str
    holds: InForce = InForce.YES


router: APIRouter = APIRouter(include_in_schema=False)


@router.get("/privacy")
async def privacy(request: Request, user: CurrentUser, site: SiteDep) -> HTMLResponse:
    state = await run_in_threadpool(_state, site, request)
    return site.render(
        request,
        "privacy",
        user=user,
        settings=state.settings,
        guarantees=list(guarantees(state, site.translator(request))),
        documents=DOCUMENTS,
    )


@router.get("/privacy/{name}")
async def document(
    request: Request, _: CurrentUser, site: SiteDep, name: Literal["notice", "assessment"]
) -> Response:
    state = await run_in_threadpool(_state, site, request)
    text = DOCUMENTS[name](state, site.translator(request))
    return HTMLResponse(text, headers={"Content-Security-Policy": DOCUMENT_POLICY})


def _state(site: Site, request: Request) -> PrivacyState:
    settings = site.services.configuration.settings
    running: Mapping[str, CameraSettings] = (
        {} if settings.cameras else site.services.cameras.cameras
    )
    return PrivacyState.of(
        settings,
        running=running,
        tokens=_count_tokens(site, request),
        headquarters=joined_headquarters(site.services),
    )


def _count_tokens(site: Site, request: Request) -> int | None:
    """How many programs have a valid token; None if the database does not answer."""
    accounts: Accounts | None = getattr(request.app.state, "accounts", None)
    try:
        tokens = None if accounts is None else accounts.tokens()
    except StorageError:
        return None
    if tokens is None:
        return None
    now = site.clock()
    return sum(token.expires is None or token.expires > now for token in tokens)


def guarantees(state: PrivacyState, tr: Translator) -> Iterator[Guarantee]:
    """The page's statements, each derived from the actual state."""
    yield Guarantee("local", *_local(state, tr))
    yield Guarantee("transport", *_transport(state, tr))
    yield Guarantee(
        "identity",
        tr.gettext(
            "A face has a random name while it is in view and gets a new one when it returns. "
            "Nothing by which anybody could be recognized is stored."
        ),
    )
    yield Guarantee(
        "pictures",
        tr.gettext(
            "Pictures and sound stay in memory for seconds and are then discarded. Neither is "
            "ever stored."
        ),
    )
    yield Guarantee("preview", *_preview(state, tr))
    yield Guarantee("masks", *_masks(state, tr))
    yield Guarantee("hours", *_hours(state, tr))
    yield Guarantee("live", *_live(tr))
    yield Guarantee("group", *_group(state, tr))
    yield Guarantee("retention", *_retention(state, tr))


Statement = tuple[str, InForce]


def _local(state: PrivacyState, tr: Translator) -> Statement:
    sentences = [
        tr.gettext("Pictures and sound are analyzed here and never sent elsewhere for analysis.")
    ]
    if state.recipients:
        sentences.append(
            tr.gettext(
                "Readings, aggregates, states or alerts go to: {recipients}.",
                recipients=tr.listed(each.in_words(tr) for each in state.recipients),
            )
        )
    if state.tokens:
        sentences.append(
            tr.ngettext(
                "1 program has an API token and can fetch what it allows.",
                "{n} programs have API tokens and can fetch what these allow.",
                state.tokens,
            )
        )
    elif state.tokens is None:
        sentences.append(
            tr.gettext("Whether programs have API tokens is unknown: the database does not answer.")
        )
    if state.is_reached_from_network:
        sentences.append(tr.gettext("Whoever logs in may do so from another machine."))
    if state.stays_on_machine:
        sentences.append(tr.gettext("Nothing is sent to another program or to another machine."))
    return " ".join(sentences), InForce.YES if state.stays_on_machine else InForce.PARTLY


def _transport(state: PrivacyState, tr: Translator) -> Statement:
    holds = {
        Transport.TLS: InForce.YES,
        Transport.PROXY: InForce.YES,
        Transport.PROXY_AND_PLAIN: InForce.PARTLY,
        Transport.LOCAL: InForce.PARTLY,
        Transport.PLAIN: InForce.NO,
    }
    return tr.gettext(_TRANSPORTS[state.transport]), holds[state.transport]


def _preview(state: PrivacyState, tr: Translator) -> Statement:
    privacy = state.settings.privacy
    if not privacy.preview:
        return tr.gettext("Turned off. Nobody can look through the cameras here."), InForce.YES
    if privacy.blur:
        return (
            tr.gettext(
                "Faces, and everything that differs from the static background, are blurred before "
                "the picture leaves the process that reads the camera. Who holds still for twenty "
                "minutes may be taken for background. It is never stored."
            ),
            InForce.YES,
        )
    return (
        tr.gettext(
            "Shown without blur! Anyone who logs in sees faces. Turn the blur on unless you need "
            "them."
        ),
        InForce.NO,
    )


def _masks(state: PrivacyState, tr: Translator) -> Statement:
    if state.masks is InForce.NO:
        return (
            tr.gettext("No part of any picture is masked. Mask the places where staff work."),
            InForce.NO,
        )
    zones = "; ".join(
        f"{camera_name(key, camera)}: {zone.shown_name} ({tr.gettext(labels.CHOICES[zone.masked])})"
        for key, camera in state.cameras
        for zone in camera.zones
        if zone.masked != "never"
    )
    sentence = tr.gettext("Blacked out before faces are detected: {zones}.", zones=zones)
    if state.unmasked:
        nowhere = tr.gettext("Nothing is masked at: {names}.", names=", ".join(state.unmasked))
        sentence = f"{sentence} {nowhere}"
    return sentence, state.masks


def _hours(state: PrivacyState, tr: Translator) -> Statement:
    if state.hours is InForce.NO:
        return (
            tr.gettext("No camera has a schedule; all of them watch around the clock."),
            InForce.NO,
        )
    sentence = tr.gettext(
        "Outside their schedules nothing is decoded at: {names}.", names=", ".join(state.scheduled)
    )
    if state.unscheduled:
        always = tr.gettext(
            "Watching around the clock: {names}.", names=", ".join(state.unscheduled)
        )
        sentence = f"{sentence} {always}"
    return sentence, state.hours


def _live(tr: Translator) -> Statement:
    return (
        tr.gettext(
            "The live view shows everyone who logs in how each face in view comes across at that "
            "moment. What is stored of single faces can only be taken out by managers."
        ),
        InForce.PARTLY,
    )


def _group(state: PrivacyState, tr: Translator) -> Statement:
    if not state.hides_small_groups:
        return (
            tr.gettext("Aggregates are shown and sent however few appearances they are of."),
            InForce.NO,
        )
    return (
        tr.gettext(
            "Aggregates of fewer than {n} appearances are not shown, sent or exported. A person "
            "who returns counts as another appearance, so {n} of them may be fewer people.",
            n=state.settings.privacy.smallest_group,
        ),
        InForce.YES,
    )


def _retention(state: PrivacyState, tr: Translator) -> Statement:
    storage = state.settings.storage
    sentences = [
        tr.gettext(
            "Readings of single faces are deleted {seconds}, aggregates by minute {minutes}, by "
            "hour and day {hours}.",
            seconds=_days(storage.seconds_days, tr),
            minutes=_days(storage.minutes_days, tr),
            hours=_days(storage.hours_days, tr),
        )
    ]
    if state.backups:
        sentences.append(
            tr.ngettext(
                "1 backup copy still holds what was deleted since it was made.",
                "Up to {n} backup copies still hold what was deleted since they were made.",
                state.backups,
            )
        )
    if not state.overwrites:
        sentences.append(
            tr.gettext("The database decides when deleted data is overwritten on the disk.")
        )
    is_gone = state.overwrites and not state.backups
    return " ".join(sentences), InForce.YES if is_gone else InForce.PARTLY


def _days(count: int, tr: Translator) -> str:
    return tr.ngettext("after 1 day", "after {n} days", count)
