"""Queries for the overview, the history, the API and the digest.

Everything that shows a figure about a time span queries it here, so that all show the same.
The store withholds small groups before anything is added up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sentistream.monitor.insight.figures import (
    ALL_CAMERAS,
    Figures,
    Known,
    compare,
    together,
)
from sentistream.monitor.insight.opening_hours import (
    HourOfWeek,
    OpenHours,
    hour_of_week,
    hours_of,
    observed_hours,
    scheduled_hours,
)
from sentistream.monitor.insight.results import (
    Overview,
    Place,
    Point,
    Report,
    Series,
    WorstHour,
    usual_of,
)
from sentistream.monitor.insight.spans import (
    MINUTE_WIDTHS,
    Period,
    Shift,
    Span,
    day_start,
    whole_minute,
)
from sentistream.monitor.interfaces import Aggregate, Step, Store
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.settings import Settings

USUAL_WEEKS = 8
"""Earlier weeks (for months: months) from which usual values are taken."""

Key = TypeVar("Key", bound=Hashable)


class Insight:
    """Queries the store. Thread-safe; everything raises ``StorageError``.

    Args:
        store: The readings.
        settings: The settings in force: zones and schedules.
        cameras: Keys of the cameras to show, in order.
    """

    def __init__(self, store: Store, settings: Settings, cameras: Iterable[str]) -> None:
        self._store = store
        self._settings = settings
        self.cameras: tuple[str, ...] = tuple(cameras)

    def places(self, camera: str = ALL_CAMERAS) -> list[Place]:
        """Each camera, followed by its zones that are not masked for good."""
        found: list[Place] = []
        for key in self.cameras if camera == ALL_CAMERAS else (camera,):
            found.append((key, EVERYWHERE))
            known = self._settings.cameras.get(key)
            zones = () if known is None else known.zones
            found += [(key, zone.name) for zone in zones if zone.masked != "always"]
        return found

    def figures(
        self, spans: Sequence[Span], *, camera: str = ALL_CAMERAS, zone: str = EVERYWHERE
    ) -> Figures:
        """Figures of a camera, a zone or all cameras over spans that do not overlap, in order."""
        return self._figures({_outer(spans): spans}, camera, zone)[_outer(spans)]

    def open_hours(self, now: float, camera: str = ALL_CAMERAS) -> OpenHours | None:
        """From the schedules of the cameras, else from when people came in the last weeks."""
        keys = self.cameras if camera == ALL_CAMERAS else (camera,)
        known = [self._settings.cameras[key] for key in keys if key in self._settings.cameras]
        scheduled = scheduled_hours(known)
        if scheduled is not None:
            return scheduled
        begin = Shift(-7 * USUAL_WEEKS).of(now)
        found = self._store.history(
            Step.HOUR, begin=begin, end=now, camera=None if camera == ALL_CAMERAS else camera
        )
        return observed_hours([each for each in found if each.camera in keys])

    def series(
        self,
        period: Period,
        *,
        now: float,
        camera: str = ALL_CAMERAS,
        zone: str = EVERYWHERE,
        shift: Shift | None = None,
        hours: OpenHours | None = None,
    ) -> Series:
        """A period part by part, each with the usual values for that time.

        Args:
            period: Which.
            now: Wall-clock seconds; an unfinished period is compared up to the last whole minute.
        camera, zone: Whose figures.
        shift: How much earlier the compared period is; None for no comparison.
            hours: Only these hours count; None for all.
        """
        now = whole_minute(now)
        period = self._with_width(period, camera, zone, now)
        parts = period.parts()
        if hours is not None and period.by == "hour":
            parts = [part for part in parts if hours.includes(part.begin)] or parts
        step = period.usual()
        asked = hours if period.by not in ("minute", "hour") else None
        points = self._points(parts, camera, zone, step, shift, asked, now)
        whole_hours = None if period.by == "minute" else hours
        whole_step = step if period.span.seconds <= 7.1 * 86_400 else None
        whole = self._points([period.span], camera, zone, whole_step, shift, whole_hours, now)
        return Series(period=period, whole=whole[0], parts=points)

    def heatmap(
        self,
        span: Span,
        *,
        camera: str = ALL_CAMERAS,
        zone: str = EVERYWHERE,
        hours: OpenHours | None = None,
    ) -> Mapping[HourOfWeek, Figures]:
        """Each hour of the week over a span; hours without data are left out."""
        groups: dict[HourOfWeek, list[Span]] = defaultdict(list)
        for hour in hours_of(span):
            groups[hour_of_week(hour.begin)].append(hour)
        if hours is not None:
            groups = {key: group for key, group in groups.items() if key in hours.hours}
        found = self._figures(groups, camera, zone)
        return {key: one for key, one in sorted(found.items()) if one.known is not Known.OFF}

    def ranking(
        self, span: Span, *, camera: str = ALL_CAMERAS, hours: OpenHours | None = None
    ) -> list[Figures]:
        """Cameras and zones, the most negative first; those with too little data come last."""
        group = [span] if hours is None else hours.within(span)
        found = self._places({span: group}, camera)[span]
        return sorted(found.values(), key=_badness, reverse=True)

    def worst_hour(self, span: Span, *, camera: str = ALL_CAMERAS) -> WorstHour | None:
        """The hour that was most certainly the most negative, in a zone if the camera has any.

        It is the one with the highest lower bound, so that an hour with few appearances does not
        win by chance.
        """
        hours = {hour: [hour] for hour in hours_of(span)}
        candidates = [
            figures
            for found in self._places(hours, camera).values()
            for figures in found.values()
            if figures.negative is not None and not figures.negative.is_vague
        ]
        if not candidates:
            return None
        # in a tie a zone says more than the whole picture
        worst = max(candidates, key=lambda one: (_low(one), one.zone != EVERYWHERE))
        return WorstHour(figures=worst)

    def overview(self, now: float) -> Overview:
        """Today so far, compared with the same weekday of the last weeks up to the same time."""
        now = whole_minute(now)
        today = Span(min(day_start(datetime.fromtimestamp(now).date()), now), now)
        earlier = [today.moved(Shift(-7 * week)) for week in range(1, USUAL_WEEKS + 1)]
        found = self._places({span: [span] for span in (today, *earlier)}, ALL_CAMERAS)
        places = {
            place: Point(
                figures=found[today][place],
                usual=usual_of(found[today][place], [found[span][place] for span in earlier]),
            )
            for place in self.places()
        }
        whole = self._points([today], ALL_CAMERAS, EVERYWHERE, Shift(-7), Shift(-7), None, now)[0]
        worst = self.worst_hour(today) if today.seconds else None
        return Overview(span=today, whole=whole, places=places, worst=worst)

    def report(self, span: Span, shift: Shift, *, now: float) -> Report:
        """A week or a month for a digest, compared with an earlier span of equal elapsed time.

        Args:
            span: Which.
            shift: How much earlier the compared span is; at least its length.
            now: Wall-clock seconds; an unfinished span is compared up to the last whole minute.
        """
        now = whole_minute(now)
        over = span.until(now)
        before = over.moved(shift)
        found = self._places({one: [one] for one in (over, before)}, ALL_CAMERAS)
        places = {
            place: compare(found[over][place], found[before][place]) for place in self.places()
        }
        series = self.series(Period("day", span), now=now, shift=shift)
        compared = series.whole.compared
        assert compared is not None  # noqa: S101 - a shift was given
        return Report(
            whole=compared,
            places=places,
            ranking=sorted(found[over].values(), key=_badness, reverse=True),
            days=series.parts,
            worst=self.worst_hour(over),
        )

    def _with_width(self, period: Period, camera: str, zone: str, now: float) -> Period:
        """An hour, divided into the shortest parts of which at least half can be shown."""
        if period.by != "minute" or period.minutes is not None:
            return period
        for minutes in MINUTE_WIDTHS:
            period = replace(period, minutes=minutes)
            parts = [part for part in period.parts() if part.end <= now]
            found = self._figures({part: [part] for part in parts}, camera, zone)
            known = [each.known for each in found.values()]
            if known.count(Known.WITHHELD) <= known.count(Known.SHOWN):
                break
        return period

    def _points(
        self,
        parts: Sequence[Span],
        camera: str,
        zone: str,
        usual: Shift | None,
        shift: Shift | None,
        hours: OpenHours | None,
        now: float,
    ) -> list[Point]:
        """Finished parts, and an unfinished one up to now, compared with the same time before."""
        over = {part: part.until(now) for part in parts}
        running = {span for part, span in over.items() if span != part and span.seconds}
        earlier = {
            span: []
            if usual is None
            else [span.moved(usual.times(count)) for count in range(1, USUAL_WEEKS + 1)]
            for span in over.values()
        }
        figures: dict[Span, Figures] = {}
        # a truncated span overlaps whole parts before it, so it needs a separate query
        for chosen in ([s for s in over.values() if s not in running], sorted(running)):
            spans = {span for span in chosen if span.seconds}
            for span in list(spans):
                spans |= set(earlier[span])
                if shift is not None:
                    spans.add(span.moved(shift))
            figures |= self._figures(
                {span: [span] if hours is None else hours.within(span) for span in spans},
                camera,
                zone,
            )
        points = []
        for part in parts:
            span = over[part]
            if not span.seconds:
                ahead = Figures(camera=camera, zone=zone, span=part, known=Known.AHEAD)
                points.append(Point(figures=ahead))
                continue
            before = None if shift is None else figures[span.moved(shift)]
            points.append(
                Point(
                    figures=replace(figures[span], span=span),
                    usual=usual_of(figures[span], [figures[one] for one in earlier[span]]),
                    compared=None if before is None else compare(figures[span], before),
                )
            )
        return points

    def _figures(
        self, groups: Mapping[Key, Sequence[Span]], camera: str, zone: str
    ) -> dict[Key, Figures]:
        """Sums of each group, for one camera and zone or for all cameras together."""
        found = self._totals(groups, camera, zone)
        return {
            key: together(
                _of_zone(found[key], zone),
                _outer(groups[key]),
                camera=camera,
                zone=zone,
            )
            for key in groups
        }

    def _places(
        self, groups: Mapping[Key, Sequence[Span]], camera: str
    ) -> dict[Key, dict[Place, Figures]]:
        """Sums of each group, for each camera and zone."""
        found = self._totals(groups, camera, None)
        places = self.places(camera)
        made: dict[Key, dict[Place, Figures]] = {}
        for key, group in groups.items():
            by_camera: dict[str, list[Aggregate]] = defaultdict(list)
            for each in found[key]:
                by_camera[each.camera].append(each)
            made[key] = {
                (name, zone): together(
                    _of_zone(by_camera[name], zone), _outer(group), camera=name, zone=zone
                )
                for name, zone in places
            }
        return made

    def _totals(
        self, groups: Mapping[Key, Sequence[Span]], camera: str, zone: str | None
    ) -> dict[Key, list[Aggregate]]:
        keys = list(groups)
        found = self._store.totals(
            [[(span.begin, span.end) for span in groups[key]] for key in keys],
            camera=None if camera == ALL_CAMERAS else camera,
            # the whole picture tells whether nobody came to a zone
            zone=EVERYWHERE if zone == EVERYWHERE else None,
        )
        return {
            key: [each for each in group if each.camera in self.cameras]
            for key, group in zip(keys, found, strict=True)
        }


def _of_zone(found: Sequence[Aggregate], zone: str) -> list[Aggregate]:
    """The sums of a zone; empty ones for cameras that watched and saw nobody there."""
    whole = {each.camera: each for each in found if each.zone == EVERYWHERE}
    if zone == EVERYWHERE:
        return list(whole.values())
    chosen = {each.camera: each for each in found if each.zone == zone}
    return [
        chosen.get(camera)
        or Aggregate(
            camera=camera,
            zone=zone,
            begin=one.begin,
            end=one.end,
            appearances=0,
            seen=0.0,
            speaking=0.0,
            positive=None,
            neutral=None,
            negative=None,
            watched=one.watched,
        )
        for camera, one in whole.items()
    ]


def _outer(spans: Sequence[Span]) -> Span:
    return Span(spans[0].begin, spans[-1].end) if spans else Span(0.0, 0.0)


def _low(figures: Figures) -> float:
    return figures.negative.low if figures.negative is not None else 0.0


def _badness(figures: Figures) -> tuple[bool, float]:
    share = figures.negative
    if share is None:
        return False, -1.0
    return not share.is_vague, share.value
