"""A worker's pipeline, without the process: decoded moments in, messages for the server out."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence

from sentistream.analyzer import Analyzer
from sentistream.monitor.cameras.clocks import StreamClock, WallClock
from sentistream.monitor.cameras.preview import PreviewRenderer
from sentistream.monitor.cameras.second_aggregator import EmittedSeconds, SecondAggregator
from sentistream.monitor.cameras.worker_protocol import CameraJob, Heartbeat, Message
from sentistream.monitor.cameras.zones import Mask, ZoneLayout, layout_at
from sentistream.monitor.observations import FaceState, Observation, Preview
from sentistream.streams.multi_source import DecodedMoment
from sentistream.streams.rate_control import RateController
from sentistream.types import Branch, Moment, Picture, Reading

OBSERVATION_INTERVAL = 0.12
"""Seconds between two observations."""

HOLD = 1.0
"""Longest seconds for which a reading is taken to last when the next moment is late."""

SPEECH_PAUSE = 0.4
"""Seconds for which a mouth may be shut while its owner speaks."""

OVERDUE = 1.0
"""Seconds after a second's end at which it is sent although no moment has come since."""

_TRACK_LIFETIME = 2.0  # seconds; longer than the tracker remembers a lost face
_LATENCIES = 300


class Pipeline:
    """Masks, analyzes and adds up a camera's moments.

    Args:
        job: The camera's.
        analyzer: Reads the faces.
        send: Called with each message.
        emitted: Seconds sent earlier, by other workers of this camera.
        wall: Follows the wall clock.
        monotonic: Seconds of a clock that is never set.
    """

    def __init__(
        self,
        job: CameraJob,
        analyzer: Analyzer,
        send: Callable[[Message], None],
        *,
        emitted: EmittedSeconds | None = None,
        wall: WallClock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._analyzer = analyzer
        self._send = send
        self._monotonic = monotonic
        self._wall = wall or WallClock(monotonic=monotonic)
        self._stream_clock = StreamClock(job.pace)
        self._aggregator = SecondAggregator(job.camera, emitted or EmittedSeconds())
        self._track_ids = TrackIds()
        self._preview = PreviewRenderer(blur=job.blur, moving=job.moving)
        self._rate = RateController(analyzer.profile.tick, clock=monotonic)
        self._layout = ZoneLayout((), ())
        self._layout_second: int | None = None
        self._mask = Mask(())
        self._last_moment: float | None = None
        self._last_observation = float("-inf")
        self._mouth_opened: dict[int, float] = {}
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._finished: deque[float] = deque(maxlen=_LATENCIES)
        self._picture: Picture | None = None
        self._picture_decoded = monotonic()
        self._picture_time: float | None = None

    def request_preview(self) -> None:
        """Makes live pictures for a few seconds because somebody looks, if the job allows them."""
        if self._job.preview:
            self._preview.request(self._monotonic())

    @property
    def share(self) -> float:
        """The share of the pictures that is to be decoded."""
        return self._rate.share

    def process(
        self,
        decoded: DecodedMoment,
        *,
        dropped: int = 0,
        lag: float = 0.0,
        share: float | None = None,
    ) -> None:
        """Analyzes the next moment and sends what follows from it.

        Args:
            decoded: The moment.
            dropped: Moments that capture has dropped so far.
            lag: Seconds by which capture is behind the source.
            share: The share of its pictures that is to be analyzed (``Source.limit_decoding``);
                ``self.share`` unless given.
        """
        moment = decoded.moment
        now = self._stream_clock.place(moment.time, decoded.decoded_at)
        if moment.picture is not self._picture:
            self._picture, self._picture_decoded = moment.picture, decoded.decoded_at
            self._picture_time = self._wall.at(now)
        if not self._rate.admits(moment.time):
            return
        moment = self._rate.thin(moment, share=share)
        started = self._monotonic()
        self._wall.follow()
        self._update_layout(self._wall.at(now))
        masked = self._mask.apply(moment.picture)
        if masked is not moment.picture:
            moment = Moment(moment.time, masked, moment.picture_time, moment.sound)
        readings = self._analyzer.process(moment)
        self._report(now, moment.picture, readings)
        finished = self._monotonic()
        self._rate.update(waited=started - decoded.decoded_at, dropped=dropped, lag=lag)
        self._latencies.append(finished - decoded.decoded_at)
        self._finished.append(finished)
        if self._preview.is_due(finished):
            jpeg = self._preview.render(moment.picture, finished)
            self._send(Preview(jpeg, self._wall.at(now)))

    def flush_overdue(self) -> None:
        """Without a new moment, sends the second in progress once it is over."""
        self._wall.follow()
        for second in self._aggregator.flush_before(self._wall.at(self._monotonic()) - OVERDUE):
            self._send(second)

    def flush(self) -> None:
        """Sends the second in progress."""
        for second in self._aggregator.flush():
            self._send(second)

    def heartbeat(self, *, dropped: int, damaged: int) -> Heartbeat:
        """The pipeline's state; the counts are those of ``capture``."""
        now = self._monotonic()
        latencies = sorted(self._latencies)
        return Heartbeat(
            moments_per_second=sum(now - finished <= 2.0 for finished in self._finished) / 2.0,
            tick=self._rate.tick,
            latency=latencies[int(0.95 * (len(latencies) - 1))] if latencies else 0.0,
            dropped=dropped,
            damaged=damaged,
            last_picture=self._picture_time,
            picture_age=now - self._picture_decoded,
        )

    def _update_layout(self, now: float) -> None:
        """Updates the layout once a second; if the masks change, everything seen before is
        forgotten."""
        if self._layout_second == int(now):
            return
        self._layout_second = int(now)
        layout = layout_at(self._job.zones, now)
        if layout.masked != self._layout.masked:
            self._mask = Mask(layout.masked)
            self._analyzer.reset()
            self._mouth_opened = {}
        self._layout = layout

    def _report(self, now: float, picture: Picture, readings: Sequence[Reading]) -> None:
        faces = self._face_states(picture, readings)
        if self._job.preview:
            self._preview.observe(picture, readings, self._monotonic())
        tick = self._rate.tick
        begin = now - tick
        if self._last_moment is not None and now - self._last_moment <= HOLD:
            begin = self._last_moment
        self._last_moment = now
        end = self._wall.at(now)
        for second in self._aggregator.add(self._wall.at(begin), end, faces):
            self._send(second)
        if now - self._last_observation >= OBSERVATION_INTERVAL:
            self._last_observation = now
            self._send(
                Observation(
                    camera=self._job.camera,
                    time=end,
                    faces=tuple(faces),
                    tick=tick,
                    max_faces=self._job.max_faces,
                    left_out=readings[0].left_out if readings else 0,
                )
            )

    def _face_states(self, picture: Picture, readings: Sequence[Reading]) -> list[FaceState]:
        faces = []
        for reading in readings:
            face = reading.face
            if face is None:
                continue
            x, y = face.box.center
            x, y = x / picture.width, y / picture.height
            if self._layout.hides(x, y):
                continue
            box = face.box
            faces.append(
                FaceState(
                    track=self._track_ids.id_of(face.track, reading.time),
                    zone=self._layout.zone_of(x, y),
                    box=(
                        _share(box.left, picture.width),
                        _share(box.top, picture.height),
                        _share(box.right, picture.width),
                        _share(box.bottom, picture.height),
                    ),
                    label=reading.label,
                    smoothed=reading.smoothed,
                    mouth_open=reading.mouth_open,
                    speaking=self._is_speaking(reading),
                    flags=reading.flags,
                    pose=face.pose,
                    voice_share=reading.voice_share,
                )
            )
        if readings:
            self._track_ids.forget(readings[0].time - _TRACK_LIFETIME)
        return faces

    def _is_speaking(self, reading: Reading) -> bool:
        """Whether the voice was attributed to this face and its mouth moves."""
        if reading.face is None or reading.mouth_open is None:
            return False
        track = reading.face.track
        if reading.mouth_open >= self._analyzer.profile.mouth_threshold:
            self._mouth_opened[track] = reading.time
        shut_for = reading.time - self._mouth_opened.get(track, float("-inf"))
        return reading.branch is Branch.FUSED and shut_for <= SPEECH_PAUSE


class TrackIds:
    """Replaces the analyzer's track numbers by random ids: no number leaves the worker."""

    def __init__(self) -> None:
        self._ids: dict[int, tuple[str, float]] = {}

    def id_of(self, track: int, time: float) -> str:
        """The id of a track seen at ``time`` (seconds); a new one for a new track."""
        track_id = self._ids[track][0] if track in self._ids else secrets.token_hex(8)
        self._ids[track] = track_id, time
        return track_id

    def forget(self, before: float) -> None:
        """Forgets tracks last seen before a time (seconds)."""
        self._ids = {track: known for track, known in self._ids.items() if known[1] >= before}


def _share(edge: float, length: int) -> float:
    return min(1.0, max(0.0, edge / length))
