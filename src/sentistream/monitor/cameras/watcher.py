"""A camera's moments in, what is told of them out: the heart of a worker, without its process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from sentistream.analyzer import Analyzer
from sentistream.monitor.cameras.clocks import StreamClock, WallClock
from sentistream.monitor.cameras.intake import Taken
from sentistream.monitor.cameras.job import Job
from sentistream.monitor.cameras.masking import Mask
from sentistream.monitor.cameras.messages import Heartbeat, Message, Shown
from sentistream.monitor.cameras.names import TrackNames
from sentistream.monitor.cameras.preview import Previewer
from sentistream.monitor.cameras.seconds import SecondKeeper, Told
from sentistream.monitor.cameras.zones import Plan, plan
from sentistream.monitor.observations import FaceState, Observation
from sentistream.streams.governor import Governor
from sentistream.types import Branch, Moment, Picture, Reading

OBSERVED_EVERY = 0.12
"""Seconds between observations that are told."""

HOLD = 1.0
"""Seconds for which what was seen is taken to last when the next moment is late."""

SPEAKS_ON = 0.4
"""Seconds for which a mouth may be shut while its owner speaks."""

LATE = 1.0
"""Seconds after a second's end at which it is told though no moment has come since."""

_KEPT_NAMES = 2.0  # seconds: longer than the tracker remembers a lost face
_LATENCIES = 300


class Watcher:
    """Looks at moments and tells what they show.

    Args:
        job: The camera's.
        analyzer: Reads the faces.
        tell: Takes what is told.
        told: Seconds told before.
        wall: Follows the wall clock.
        monotonic: Seconds that only go on.
    """

    def __init__(
        self,
        job: Job,
        analyzer: Analyzer,
        tell: Callable[[Message], None],
        *,
        told: Told | None = None,
        wall: WallClock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._analyzer = analyzer
        self._tell = tell
        self._monotonic = monotonic
        self._wall = wall or WallClock(monotonic=monotonic)
        self._keeper = SecondKeeper(job.camera, told or Told())
        self._names = TrackNames()
        self._previewer = Previewer(blur=job.blur, moving=job.moving)
        self._governor = Governor(analyzer.profile.tick, clock=monotonic)
        self._plan = Plan((), ())
        self._planned: int | None = None
        self._mask = Mask(())
        self._stream = StreamClock(job.pace)
        self._before: float | None = None
        self._observed = float("-inf")
        self._opened: dict[int, float] = {}
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._recent: deque[float] = deque(maxlen=_LATENCIES)
        self._picture: Picture | None = None
        self._pictured = monotonic()
        self._last_picture: float | None = None

    def look(self) -> None:
        """Somebody looks: live pictures are made for a while, if they may be."""
        if self._job.preview:
            self._previewer.ask(self._monotonic())

    def take(self, taken: Taken, *, dropped: int = 0) -> None:
        """The next moment, and how many were dropped so far."""
        moment = taken.moment
        now = self._stream.place(moment.time, taken.decoded_at)
        if moment.picture is not self._picture:
            self._picture, self._pictured = moment.picture, taken.decoded_at
            self._last_picture = self._wall.at(now)
        if not self._governor.admits(moment.time):
            return
        begun = self._monotonic()
        self._wall.follow()
        self._arrange(self._wall.at(now))
        covered = self._mask.cover(moment.picture)
        if covered is not moment.picture:
            moment = Moment(moment.time, covered, moment.picture_time, moment.sound)
        readings = self._analyzer.process(moment)
        self._report(now, moment.picture, readings)
        ended = self._monotonic()
        self._governor.worked(waited=begun - taken.decoded_at, dropped=dropped)
        self._latencies.append(ended - taken.decoded_at)
        self._recent.append(ended)
        if self._previewer.is_due(ended):
            self._tell(Shown(self._previewer.make(moment.picture, ended), self._wall.at(now)))

    def idle(self) -> None:
        """No moment came: seconds that are over are told all the same."""
        self._wall.follow()
        for second in self._keeper.close_before(self._wall.at(self._monotonic()) - LATE):
            self._tell(second)

    def finish(self) -> None:
        """Tells the second under way."""
        for second in self._keeper.finish():
            self._tell(second)

    def heartbeat(self, *, dropped: int, damaged: int) -> Heartbeat:
        """How it does."""
        now = self._monotonic()
        late = sorted(self._latencies)
        lately = sum(now - ended <= 2.0 for ended in self._recent)
        return Heartbeat(
            moments_per_second=lately / 2.0,
            tick=self._governor.tick,
            latency=late[int(0.95 * (len(late) - 1))] if late else 0.0,
            dropped=dropped,
            damaged=damaged,
            last_picture=self._last_picture,
            picture_age=now - self._pictured,
        )

    def _arrange(self, now: float) -> None:
        """Zones as they are at ``now``; where what is masked changes, nothing seen before stays."""
        if self._planned == int(now):
            return
        self._planned = int(now)
        arranged = plan(self._job.zones, now)
        if arranged.masked != self._plan.masked:
            self._mask = Mask(arranged.masked)
            self._analyzer.reset()
            self._opened = {}
        self._plan = arranged

    def _report(self, now: float, picture: Picture, readings: Sequence[Reading]) -> None:
        faces = self._faces(picture, readings)
        if self._job.preview:
            self._previewer.see(picture, readings, self._monotonic())
        tick = self._governor.tick
        begin = now - tick
        if self._before is not None and now - self._before <= HOLD:
            begin = self._before
        self._before = now
        end = self._wall.at(now)
        for second in self._keeper.add(self._wall.at(begin), end, faces):
            self._tell(second)
        if now - self._observed >= OBSERVED_EVERY:
            self._observed = now
            self._tell(
                Observation(
                    camera=self._job.camera,
                    time=end,
                    faces=tuple(faces),
                    tick=tick,
                    max_faces=self._job.max_faces,
                    left_out=readings[0].left_out if readings else 0,
                )
            )

    def _faces(self, picture: Picture, readings: Sequence[Reading]) -> list[FaceState]:
        faces = []
        for reading in readings:
            face = reading.face
            if face is None:
                continue
            x, y = face.box.center
            x, y = x / picture.width, y / picture.height
            if self._plan.hides(x, y):
                continue
            box = face.box
            faces.append(
                FaceState(
                    track=self._names.of(face.track, reading.time),
                    zone=self._plan.zone_of(x, y),
                    box=(
                        _share(box.left, picture.width),
                        _share(box.top, picture.height),
                        _share(box.right, picture.width),
                        _share(box.bottom, picture.height),
                    ),
                    label=reading.label,
                    smoothed=reading.smoothed,
                    mouth_open=reading.mouth_open,
                    speaking=self._speaks(reading),
                    flags=reading.flags,
                    pose=face.pose,
                    voice_share=reading.voice_share,
                )
            )
        if readings:
            self._names.forget(readings[0].time - _KEPT_NAMES)
        return faces

    def _speaks(self, reading: Reading) -> bool:
        """Whether a voice was taken for this face's own, and its mouth is at work."""
        if reading.face is None or reading.mouth_open is None:
            return False
        track = reading.face.track
        if reading.mouth_open >= self._analyzer.profile.mouth_threshold:
            self._opened[track] = reading.time
        shut_for = reading.time - self._opened.get(track, float("-inf"))
        return reading.branch is Branch.FUSED and shut_for <= SPEAKS_ON


def _share(edge: float, length: int) -> float:
    return min(1.0, max(0.0, edge / length))
