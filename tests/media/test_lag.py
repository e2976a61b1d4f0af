"""A stream whose decoding is too slow is still read at its own pace."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
import stream_server as cameras
from hypothesis import given
from hypothesis import strategies as st

from sentistream.media import open_source
from sentistream.media.decoder import Decoder
from sentistream.media.receive_clock import ArrivalPace

SECONDS = 8.0


def test_slow_decoding_still_reads_at_the_streams_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = Decoder.decode

    def slowly(decoder: Decoder, packet: Any) -> Any:
        if packet is not None and packet.size:
            time.sleep(2 / cameras.RATE)
        return decode(decoder, packet)

    monkeypatch.setattr(Decoder, "decode", slowly)
    lags, found = [], []
    with cameras.serve() as server:
        address = server.add(cameras.paced(cameras.stream(SECONDS, sound=False), SECONDS))
        with open_source(address, tick=0.04, sound_window=0.03) as source:
            start = time.monotonic()
            for moment in source:
                found.append(moment)
                lags.append(source.lag)
            took = time.monotonic() - start
    assert took < 1.6 * SECONDS, "decoding all would take twice as long as the stream"
    assert max(lags) < 0.6 * SECONDS, "and lag as far behind at the end"
    assert found[-1].time > 0.6 * SECONDS
    steps = [b.time - a.time for a, b in itertools.pairwise(found)]
    assert max(steps) > 0.5, "skipped pictures have no moments"
    assert max(one.time - one.picture_time for one in found) < 0.5
    assert not source.faults.video_errors and not source.faults.skipped_seconds


@given(jitter=st.lists(st.floats(0, 0.2), min_size=10, max_size=60), drift=st.floats(-5e-4, 5e-4))
def test_lag_is_the_delay_beyond_the_earliest_arrival(jitter: list[float], drift: float) -> None:
    pace = ArrivalPace()
    for number, late in enumerate(jitter):
        stamp = number / 25
        assert 0 <= pace.lag(stamp, 100 + stamp * (1 + drift) + late) <= max(jitter) + 0.01
    stamp = len(jitter) / 25
    assert pace.lag(stamp, 100 + stamp + 3.0) == pytest.approx(3.0, abs=0.22)
