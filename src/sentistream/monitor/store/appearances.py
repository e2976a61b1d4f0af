"""Counts appearances: each track once in a minute, hour or day, and once over several of them.

Tracks must not be kept longer than single readings, so which have been counted is remembered (as a
presence) only until a step is over for a while. For what comes later still, presences are made
again from the readings, so that counts are exact for as long as those are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, case, exists, literal, select

from sentistream.monitor.interfaces import Step
from sentistream.monitor.observations import EVERYWHERE
from sentistream.monitor.store.growth import Growth
from sentistream.monitor.store.steps import stretch
from sentistream.monitor.store.tables import OUTSIDE, PRESENCES, READINGS, SUMS
from sentistream.monitor.store.upserts import Row, insert_new, insert_selected, some_at_once

Presence = tuple[Step, int, str, str, str]
"""Step, begin, camera, zone, track."""

_NAMES = ("step", "begin", "camera", "zone", "track")


def recall(connection: Connection, rows: Sequence[Row]) -> None:
    """Makes the presences again of steps that were pruned and are about to get more rows."""
    steps = {
        (str(step), stretch(step, second)[0], camera)
        for second, camera in {(row["second"], row["camera"]) for row in rows}
        for step in Step
    }
    cameras = sorted({camera for _, _, camera in steps})
    columns = SUMS.c.step, SUMS.c.begin, SUMS.c.camera
    for begins in some_at_once(sorted({begin for _, begin, _ in steps})):
        # each column by itself: SQLite looks through all rows for a list of tuples
        pruned = (
            select(*columns, SUMS.c.end)
            .where(SUMS.c.step.in_([str(step) for step in Step]))
            .where(SUMS.c.begin.in_(begins), SUMS.c.camera.in_(cameras))
            .where(SUMS.c.zone == EVERYWHERE, SUMS.c.people > 0)
            .where(
                ~exists().where(
                    PRESENCES.c.step == SUMS.c.step,
                    PRESENCES.c.begin == SUMS.c.begin,
                    PRESENCES.c.camera == SUMS.c.camera,
                )
            )
        )
        for step, begin, camera, end in connection.execute(pruned).all():
            if (step, begin, camera) not in steps:
                continue
            own = case((READINGS.c.zone == EVERYWHERE, OUTSIDE), else_=READINGS.c.zone)
            for zone in (literal(EVERYWHERE), own):
                source = (
                    select(literal(step), literal(begin), literal(camera), zone, READINGS.c.track)
                    .distinct()
                    .where(READINGS.c.second >= begin, READINGS.c.second < end)
                    .where(READINGS.c.camera == camera)
                )
                insert_selected(connection, PRESENCES, _NAMES, source)


def count(connection: Connection, presences: Collection[Presence], growth: Growth) -> None:
    """Counts those that were not counted yet."""
    rows = [dict(zip(_NAMES, presence, strict=True)) for presence in presences]
    new = [
        (Step(row["step"]), row["begin"], row["camera"], row["zone"], row["track"])
        for row in insert_new(connection, PRESENCES, rows)
    ]
    for *key, _ in new:
        growth.of(*key).people += 1
    _count_arrivals(connection, new, growth)


def _count_arrivals(connection: Connection, new: Sequence[Presence], growth: Growth) -> None:
    """Counts each track once over all steps of a length: in the first of them.

    What comes late may be earlier than what was the first so far, which then is not any more.
    """
    added: dict[tuple[Step, str, str, str], set[int]] = defaultdict(set)
    for step, begin, camera, zone, track in new:
        added[step, camera, zone, track].add(begin)
    known: dict[tuple[Step, str, str, str], set[int]] = defaultdict(set)
    columns = [PRESENCES.c[name] for name in _NAMES]
    for tracks in some_at_once(sorted({presence[-1] for presence in new})):
        found = connection.execute(select(*columns).where(PRESENCES.c.track.in_(tracks)))
        for step, begin, camera, zone, track in found:
            known[Step(step), camera, zone, track].add(begin)
    for (step, camera, zone, track), begins in added.items():
        before = known[step, camera, zone, track] - begins
        first = min(begins)
        if before and first > min(before):
            continue
        growth.of(step, first, camera, zone).arrived += 1
        if before:
            growth.of(step, min(before), camera, zone).arrived -= 1
