"""Results of queries about shops: totals, summaries, places, cameras, alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sentistream.monitor.fleet.records import SHARE_UNIT
from sentistream.monitor.headquarters.sites import Site
from sentistream.monitor.observations import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What one or more cameras saw over some time.

    Attributes:
        appearances: Different tracks.
        covered: How many of them the shares are about; the others were in groups too small.
        watched: Seconds for which cameras watched, added up over them.
        seen, speaking: Seconds of faces and of speech, added up over everybody.
        positive, neutral, negative: Shares of ``seen``, 0 to 1; None if nothing may be told.
    """

    appearances: int = 0
    covered: int = 0
    watched: float = 0.0
    seen: float = 0.0
    speaking: float = 0.0
    positive: float | None = None
    neutral: float | None = None
    negative: float | None = None


def together(given: Iterable[Totals]) -> Totals:
    """Totals over several shops or days; the shares weighted by the time of faces."""
    several = list(given)
    seen = sum(each.seen for each in several if each.positive is not None)
    shares = [
        sum((getattr(each, name) or 0.0) * each.seen for each in several) / seen if seen else None
        for name in ("positive", "neutral", "negative")
    ]
    return Totals(
        appearances=sum(each.appearances for each in several),
        covered=sum(each.covered for each in several),
        watched=sum(each.watched for each in several),
        seen=sum(each.seen for each in several),
        speaking=sum(each.speaking for each in several),
        positive=shares[0],
        neutral=shares[1],
        negative=shares[2],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSummary:
    """A shop in comparison.

    Attributes:
        site: The shop.
        silent: Whether it has sent nothing for longer than the settings allow.
        now: The period.
        before: As many days before it.
        problems: Cameras that have stopped working.
        active_alerts: Alerts that have begun and not ended.
    """

    site: Site
    silent: bool
    now: Totals
    before: Totals
    problems: int
    active_alerts: int

    def change(self, sentiment: str) -> float | None:
        """By how much a share has grown, -1 to 1; None if one of the two is not known."""
        now, before = getattr(self.now, sentiment), getattr(self.before, sentiment)
        return None if now is None or before is None else now - before


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPlace:
    """A camera or a zone of a shop.

    Attributes:
        camera, zone: Their keys; ``zone`` is empty for the whole picture.
        camera_name, zone_name: The shop's names for them.
        totals: What was seen there.
    """

    camera: str
    zone: str
    camera_name: str
    zone_name: str
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCamera:
    """A shop's camera as it reported last; times in wall-clock seconds."""

    camera: str
    name: str
    state: str
    since: float
    reason: str
    restarts: int
    moments_per_second: float
    dropped: int
    damaged: int
    updated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopAlert:
    """An alert of a shop.

    Attributes:
        site, site_name: The shop.
        rule, name, camera, zone, sentiment, share, limit, minutes: As in ``observations.Alert``.
        camera_name, zone_name: The shop's names for camera and zone.
        began: Wall-clock seconds.
        ended: Wall-clock seconds; None while it lasts.
        incident: Its id; empty for some seconds after it was reported.
        event: Its start, as it is sent to people.
    """

    site: str
    site_name: str
    rule: str
    name: str
    camera: str
    zone: str
    camera_name: str
    zone_name: str
    sentiment: str
    share: float
    limit: float
    minutes: float
    began: float
    ended: float | None
    incident: str
    event: Alert


def totals_of_minute(row: Any) -> Totals:
    """From a row of the sums by minute."""
    has_shares = row.seen is not None and row.positive is not None
    return Totals(
        appearances=row.appearances,
        covered=row.appearances if has_shares else 0,
        watched=float(row.watched),
        seen=(row.seen or 0) / 1000,
        speaking=(row.speaking or 0) / 1000,
        positive=row.positive / SHARE_UNIT if has_shares else None,
        neutral=row.neutral / SHARE_UNIT if has_shares else None,
        negative=row.negative / SHARE_UNIT if has_shares else None,
    )


def totals_of(row: Any) -> Totals:
    """From a row of sums over several rows of hours or days."""
    weights = [int(row.positive or 0), int(row.neutral or 0), int(row.negative or 0)]
    total = sum(weights)
    shares = [weight / total for weight in weights] if total else [None] * 3
    return Totals(
        appearances=int(row.arrived or 0),
        covered=min(int(row.covered or 0), int(row.arrived or 0)),
        watched=float(row.watched or 0),
        seen=int(row.seen or 0) / 1000,
        speaking=int(row.speaking or 0) / 1000,
        positive=shares[0],
        neutral=shares[1],
        negative=shares[2],
    )
