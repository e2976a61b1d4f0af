"""When a moment is ready, for pictures and sound with scripted arrival times."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from av import VideoFrame

from sentistream.media.av_sync import LONGEST_GAP, MISSED, PATIENCE, AvSync
from sentistream.media.frame_reader import TimedFrame
from sentistream.media.source import Faults
from sentistream.types import FloatArray
from synthetic_clips import GREY, flat

TICK = 0.04


class Sound:
    """Sound up to a time that the test sets."""

    until = 0.0

    def window(self, end: float, seconds: float) -> FloatArray | None:
        return np.zeros(round(seconds * 48_000), np.float32) if end <= self.until else None


def picture(time: float) -> TimedFrame:
    return TimedFrame(VideoFrame.from_ndarray(flat(GREY), format="rgb24"), time, time + TICK, False)


def pairing(sound: Sound | None) -> AvSync:
    return AvSync(picture(0), sound, Faults(), tick=TICK, sound_window=0.1, pixel_aspect=1.0)


def ready(pair: AvSync) -> list[float]:
    return [moment.time for moment in pair.ready()]


def test_moment_waits_briefly_for_its_sound() -> None:
    sound = Sound()
    pair = pairing(sound)
    assert ready(pair) == []
    pair.add([picture(TICK * number) for number in range(1, 11)])
    assert max(ready(pair), default=0.0) == 0.0
    sound.until = 0.2
    assert max(ready(pair)) == 0.2
    last = 0.0
    for number in range(11, 40):
        pair.add([picture(TICK * number)])
        for time in ready(pair):
            assert TICK * number - time >= PATIENCE - TICK
            last = time
    assert last > 0.9


def test_lost_sound_is_not_waited_for() -> None:
    pair = pairing(Sound())
    late = []
    for number in range(1, 100):
        pair.add([picture(TICK * number)])
        late += [(time, TICK * number - time) for time in ready(pair)]
    assert min(wait for time, wait in late if 0 < time < MISSED) > PATIENCE - TICK
    assert max(wait for time, wait in late if time > MISSED + PATIENCE) < 2.5 * TICK


def test_pictures_with_equal_times_do_not_queue_up() -> None:
    pair = pairing(None)
    for _ in range(10_000):
        pair.add([picture(0.0)])
    assert len(pair._waiting) == 1
    pair.add([picture(TICK), picture(2 * TICK)])
    assert ready(pair) == [0.0, TICK]


def test_moments_continue_while_pictures_are_skipped() -> None:
    pair = pairing(None)
    pair.add([picture(TICK)])
    found, times = [], []
    for number in range(2, round((LONGEST_GAP + 3) / TICK)):
        pair.add([], left_out_until=TICK * number)
        now = list(pair.ready())
        found += now
        times += [moment.time for moment in now]
        assert times[-1] >= TICK * (number - 1) - 1e-9, "no moment waits for the next picture"
    pair.add([picture(times[-1] + 2 * TICK)], left_out_until=times[-1] + 2 * TICK)
    pair.add([picture(times[-1] + 3 * TICK)], left_out_until=times[-1] + 2 * TICK)
    found += list(pair.ready())
    assert np.diff([moment.time for moment in found]) == pytest.approx(TICK)
    assert {round(moment.picture_time / TICK) for moment in found[:-2]} <= {0, 1}
    assert found[-1].picture_time == found[-1].time
    assert pair.caught_up == 0


def test_skipped_moments_are_counted() -> None:
    pair = pairing(None)
    pair.add([dataclasses.replace(picture(2.0), after_gap=True), picture(2.0 + TICK)])
    assert len(ready(pair)) + pair.caught_up == round(2.0 / TICK) + 1


def test_gap_has_no_moments() -> None:
    pair = pairing(None)
    begin = LONGEST_GAP + 2
    pair.add([picture(begin + TICK * number) for number in range(3)])
    times = ready(pair)
    assert max(np.diff(times)) > 1
    assert times[-1] >= begin
