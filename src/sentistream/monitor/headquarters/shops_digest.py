"""Headquarters' digest: shops compared over a week or month, for each permitted user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial

from sentistream.monitor.accounts import User
from sentistream.monitor.alerts import wording
from sentistream.monitor.digest.digest_content import (
    ALERTS_LISTED,
    AlertRow,
    Digest,
    DigestPeriod,
    alert_sentence,
    digest_key,
    digest_span,
    digest_title,
    figure_row,
    shares_note,
    when_words,
    whole_sentence,
)
from sentistream.monitor.digest.digest_sender import DueDigest, OutgoingDigest
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.fleet_results import ShopAlert, Totals, together
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.headquarters.sites import JOINED, Site
from sentistream.monitor.headquarters.sum_storage import local_day
from sentistream.monitor.insight import ALL_CAMERAS, Difference, Figures, Known, Share, Span
from sentistream.monitor.insight.words import change_words, shares_words
from sentistream.monitor.interfaces import Store
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import N_, Translator, translator

MAX_NAMED_SHOPS = 10
"""Shops that a sentence names at most."""

_DAY = 86_400.0


def shops_digest_key(period: DigestPeriod, day: date) -> str:
    """The name of a digest of shops: ``shops-week-2026-W48``."""
    return f"shops-{digest_key(period, day)}"


def shops_edition(
    queries: FleetQueries, registry: SiteRegistry, store: Store, due: DueDigest, settings: Settings,
    now: float,
) -> Iterator[OutgoingDigest]:  # fmt: skip
    """Digests of all shops for the recipients, and of their own shops for viewers with an address.

    A viewer who may see no shop gets none.
    """
    key = shops_digest_key(due.period, due.day)

    def made(user: User | None) -> Digest:
        return make_shops_digest(
            due.period,
            due.day,
            queries=queries,
            store=store,
            settings=settings,
            user=user,
            now=now,
            tr=translator(settings.language),
        )

    yield OutgoingDigest(key, None, partial(made, None))
    for viewer in registry.digest_addresses():
        user = User(viewer.name, viewer.role)
        if registry.sites(user):
            yield OutgoingDigest(f"{key}-{viewer.user_id}", (viewer.address,), partial(made, user))


def make_shops_digest(
    period: DigestPeriod,
    day: date,
    *,
    queries: FleetQueries,
    store: Store,
    settings: Settings,
    user: User | None,
    now: float,
    tr: Translator,
) -> Digest:
    """The digest of the shops that a user may see; of all without a user.

    Days are in each shop's own time zone.

    Args:
        period: A week or a month.
        day: Any day in it.
        queries: Headquarters' tables.
        store: The monitor's, for who acknowledged alerts.
        settings: The current settings.
        user: Its reader.
        now: Wall-clock seconds (UTC).
        tr: The translator.

    Raises:
        StorageError: The database does not answer.
    """
    span, _ = digest_span(period, day)
    first, last = _days(period, day)
    count = last.toordinal() - first.toordinal() + 1
    before_last = date.fromordinal(first.toordinal() - 1)
    before_first, _ = _days(period, before_last)
    sites = [site for site in queries.sites(user) if site.joined is not None]
    these = queries.by_site(sites, first.toordinal(), count)
    those = queries.by_site(sites, before_first.toordinal(), (first - before_first).days)
    by_day = queries.by_day(sites, first.toordinal(), count)
    smallest = settings.privacy.smallest_group
    today = max((local_day(now, site.time_zone) for site in sites), default=0)
    whole = _figures(together(these.values()), span)
    earlier = _figures(together(those.values()), span)
    shops = sorted(
        ((site, _figures(these.get(site.id, Totals()), span)) for site in sites), key=_order
    )
    changes = {
        site.id: _change(figures, _figures(those.get(site.id, Totals()), span))
        for site, figures in shops
    }
    alerts = [
        each
        for each in queries.alerts(user, since=span.begin - _DAY)
        if span.begin <= each.began < span.end
    ]
    alerts.reverse()
    return Digest(
        key=shops_digest_key(period, day),
        period=period,
        span=span,
        language=tr.language,
        title=tr.gettext("Shops: {title}", title=digest_title(period, span, tr)),
        controller=settings.headquarters.name,
        whole=figure_row(whole, tr.gettext("all shops"), "", smallest, tr),
        sentences=[
            each
            for each in (
                whole_sentence(whole, _change(whole, earlier), period, smallest, tr),
                _most_negative(shops, tr),
                _worsened(shops, changes, tr),
                _named(
                    [site for site, figures in shops if figures.known is Known.OFF],
                    N_("Without any sums of this time: {shops}."),
                    tr,
                ),
                _named(queries.silent(user, now=now), N_("Silent now: {shops}."), tr),
                _named(
                    [
                        site
                        for site in sites
                        if site.state == JOINED
                        and local_day(now, site.time_zone) <= last.toordinal()
                    ],
                    N_("The time is not over yet at {shops}."),
                    tr,
                ),
                alert_sentence(len(alerts), tr),
            )
            if each
        ],
        days=[
            figure_row(
                _figures(by_day.get(ordinal, Totals()), span, is_ahead=ordinal > today),
                tr.day(span.begin + (ordinal - first.toordinal() + 0.5) * _DAY),
                "",
                smallest,
                tr,
            )
            for ordinal in range(first.toordinal(), last.toordinal() + 1)
        ],
        places_title=tr.gettext("Shops, the most negative first"),
        places=[
            figure_row(
                figures,
                site.name,
                "" if (change := changes[site.id]) is None else change_words(change, tr),
                smallest,
                tr,
            )
            for site, figures in shops
        ],
        alerts=_alert_rows(alerts[:ALERTS_LISTED], store, tr),
        more_alerts=max(0, len(alerts) - ALERTS_LISTED),
        notes=[
            shares_note(tr),
            tr.gettext(
                "Each shop withholds sums of small groups before it reports them. Days are those "
                "of each shop's own time zone. The program says how a face and a voice come "
                "across, and is often wrong."
            ),
        ],
        path="/shops",
        path_title=tr.gettext("Open the comparison"),
    )


def _days(period: DigestPeriod, day: date) -> tuple[date, date]:
    """The first and last day of the week or month that a day lies in."""
    if period == "week":
        monday = day.toordinal() - day.weekday()
        return date.fromordinal(monday), date.fromordinal(monday + 6)
    first = day.replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, date.fromordinal(following.toordinal() - 1)


def _figures(totals: Totals, span: Span, *, is_ahead: bool = False) -> Figures:
    shares = [
        None if value is None else Share.of(value, totals.covered)
        for value in (totals.positive, totals.neutral, totals.negative)
    ]
    known = Known.AHEAD if is_ahead else Known.OFF
    if shares[0] is not None:
        known = Known.SHOWN
    elif totals.appearances:
        known = Known.WITHHELD
    elif totals.watched:
        known = Known.NOBODY
    return Figures(
        camera=ALL_CAMERAS,
        zone=EVERYWHERE,
        span=span,
        known=known,
        appearances=totals.appearances,
        watched=totals.watched,
        seen=totals.seen if shares[0] is not None else None,
        speaking=totals.speaking if shares[0] is not None else None,
        positive=shares[0],
        neutral=shares[1],
        negative=shares[2],
    )


def _change(now: Figures, before: Figures) -> Difference | None:
    if now.negative is None or before.negative is None:
        return None
    return Difference.of(now.negative, before.negative)


def _order(shop: tuple[Site, Figures]) -> tuple[float, str]:
    site, figures = shop
    return (1.0 if figures.negative is None else -figures.negative.value, site.name.casefold())


def _most_negative(shops: Sequence[tuple[Site, Figures]], tr: Translator) -> str:
    for site, figures in shops:
        if figures.negative is not None and not figures.negative.is_vague and len(shops) > 1:
            share = shares_words(figures, tr)["negative"]
            return tr.gettext(
                "Most negative: {shop}, with {share} negative.", shop=site.name, share=share
            )
    return ""


def _worsened(
    shops: Sequence[tuple[Site, Figures]], changes: dict[int, Difference | None], tr: Translator
) -> str:
    found = [
        (change.value, site.name, change)
        for site, _ in shops
        if (change := changes[site.id]) is not None
        and change.is_more_than_chance
        and change.value > 0
    ]
    if not found:
        return ""
    _, name, change = max(found, key=lambda each: each[:2])
    return tr.gettext(
        "Worsened most: {shop}, {change}.", shop=name, change=change_words(change, tr)
    )


def _named(sites: Sequence[Site], template: str, tr: Translator) -> str:
    if not sites:
        return ""
    names = [site.name for site in sites[:MAX_NAMED_SHOPS]]
    if len(sites) > MAX_NAMED_SHOPS:
        more = len(sites) - MAX_NAMED_SHOPS
        names.append(tr.ngettext("1 more shop", "{n} more shops", more))
    return tr.gettext(template, shops=tr.listed(names))


def _alert_rows(alerts: Sequence[ShopAlert], store: Store, tr: Translator) -> list[AlertRow]:
    known = store.acknowledgements([each.incident for each in alerts if each.incident])
    return [
        AlertRow(
            when=when_words(each.began, each.ended, tr),
            title=wording.title(each.event, DisplayNames(), tr),
            text=wording.sentence(each.event, DisplayNames(), tr),
            who=known[each.incident].user if each.incident in known else "",
        )
        for each in alerts
    ]
