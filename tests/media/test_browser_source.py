"""A visitor's camera over WebRTC: from a real peer's offer to moments."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("aiortc")

from webrtc_peer import Peer

from sentistream.errors import InputError
from sentistream.media import browser_source
from sentistream.media.browser_source import BrowserSource
from sentistream.media.receive_clock import ReceiveClock
from sentistream.media.sdp import check_offer
from sentistream.types import SOUND_RATE, UInt8Array
from synthetic_clips import FLASH, GREY, flat

TICK, WINDOW = 0.03, 0.24


@pytest.fixture(scope="module")
def offer() -> Iterator[str]:
    peer = Peer()
    yield peer.offer()
    peer.close()


def test_pictures_and_sound_are_synchronized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_source, "QUEUE", 100_000)
    peer = Peer(channel=True)
    with BrowserSource(peer.offer(), tick=TICK, sound_window=WINDOW) as source:
        assert source.info.live
        peer.take(source.answer)
        bright: list[float] = []
        loud: list[float] = []
        times: list[float] = []
        for moment in source:
            times.append(moment.time)
            if moment.picture.luma.mean() > (FLASH + GREY) / 2:
                bright.append(moment.time)
            if moment.sound is not None:
                assert len(moment.sound) == round(WINDOW * SOUND_RATE)
                if np.abs(moment.sound[-round(TICK * SOUND_RATE) :]).max() > 0.2:
                    loud.append(moment.time)
            if moment.time > 4.5:
                break
        assert (source.info.width, source.info.height) == (320, 240)
        assert source.info.audio_codec == "opus"
        assert np.allclose(np.diff(times), TICK)
    peer.close()
    # the first flash may come before there is sound, or the other way round
    clicks_heard = np.array(_beginnings(loud)[1:])
    lead = [
        float(clicks_heard[np.abs(clicks_heard - flash).argmin()] - flash)
        for flash in _beginnings(bright)[1:]
    ]
    assert lead
    assert np.abs(np.median(lead)) < 0.15, lead


def _beginnings(times: list[float]) -> list[float]:
    return [t for before, t in zip([-9.0, *times], times, strict=False) if t - before > 0.3]


def test_source_ends_when_the_visitor_disconnects() -> None:
    peer = Peer()
    source = BrowserSource(peer.offer(), tick=TICK, sound_window=WINDOW)
    peer.take(source.answer)
    next(source)
    threading.Timer(0.2, peer.close).start()
    start = time.monotonic()
    for _ in source:
        assert time.monotonic() - start < 10
    source.close()
    source.close()
    assert not source._thread.is_alive()


def test_source_ends_when_nothing_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_source, "SILENCE", 0.5)
    peer = Peer(sound=False)
    with BrowserSource(peer.offer(), tick=TICK, sound_window=WINDOW) as source:
        peer.take(source.answer)
        assert next(source).sound is None
        peer.stop()
        list(source)
    peer.close()


def test_source_ends_when_nobody_connects(monkeypatch: pytest.MonkeyPatch, offer: str) -> None:
    monkeypatch.setattr(browser_source, "FIRST_PICTURE", 0.5)
    with (
        BrowserSource(offer, tick=TICK, sound_window=WINDOW) as source,
        pytest.raises(InputError, match="No picture came"),
    ):
        next(source)


def test_picture_size_may_change_midway() -> None:
    start = time.monotonic()

    def turning(now: float) -> UInt8Array:
        return flat(FLASH, 320, 240) if now - start < 2 else flat(FLASH, 240, 320)

    peer = Peer(turning, sound=False)
    with BrowserSource(peer.offer(), tick=TICK, sound_window=WINDOW) as source:
        peer.take(source.answer)
        for moment in source:
            assert moment.picture.luma.min() > 150
            if (moment.picture.width, moment.picture.height) == (240, 320):
                assert source.info.sizes == ((320, 240), (240, 320))
                break
            assert time.monotonic() - start < 15
    peer.close()


def test_slow_reader_loses_the_oldest_moments() -> None:
    peer = Peer(sound=False)
    with BrowserSource(peer.offer(), tick=TICK, sound_window=WINDOW) as source:
        peer.take(source.answer)
        next(source)
        deadline = time.monotonic() + 15
        while not source.faults.dropped_moments and time.monotonic() < deadline:
            time.sleep(0.8)  # tests a slow reader
            next(source)
        assert source.faults.dropped_moments > 0
    peer.close()


def test_oversized_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_source, "MAX_PIXELS", 1000)
    peer = Peer(sound=False)
    with BrowserSource(peer.offer(), tick=TICK, sound_window=WINDOW) as source:
        peer.take(source.answer)
        with pytest.raises(InputError, match="too large"):
            next(source)
    peer.close()


def test_ice_candidates_are_local_only(offer: str) -> None:
    """The answer names only this machine's addresses, and only the visitor's are contacted."""
    with BrowserSource(offer, tick=TICK, sound_window=WINDOW) as source:
        kinds = re.findall(r"a=candidate:.* typ (\w+)", source.answer)
    assert kinds
    assert set(kinds) == {"host"}
    foreign_hosts = (
        "a=candidate:1 1 udp 1 203.0.113.7 9 typ srflx raddr 0.0.0.0 rport 9\r\n"
        "a=candidate:2 1 udp 1 203.0.113.8 9 typ relay raddr 0.0.0.0 rport 9\r\n"
        "a=candidate:3 1 tcp 1 203.0.113.9 9 typ host tcptype active\r\n"
    )
    kept = check_offer(offer + foreign_hosts)
    assert "203.0.113" not in kept
    assert kept.count("typ host") == offer.count("typ host")


def test_invalid_offer_is_refused(offer: str) -> None:
    video = offer[offer.index("m=video") :].partition("\r\nm=")[0]
    for bad in (
        "",
        "hello",
        "v=0",
        "v=0\r\n" * 20_000,
        offer.replace("m=video", "m=text"),
        offer + video + "\r\n",
        re.sub(r"a=fingerprint.*", "", offer),
        re.sub(r"a=ice-(ufrag|pwd).*", "", offer),
        offer[: len(offer) // 3],
        offer.replace("UDP/TLS/RTP/SAVPF", "\x00\x01"),
        offer + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * 100,
        re.sub(r"(VP8|H264|rtx)/90000", "AV9/90000", offer),
    ):
        with pytest.raises(InputError):
            BrowserSource(bad, tick=TICK, sound_window=WINDOW)
    assert not [thread for thread in threading.enumerate() if thread.name == "source browser"]


@pytest.mark.parametrize("seed", range(40))
def test_damaged_offer_is_refused_or_answered(offer: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    text = list(offer)
    for place in random.integers(0, len(text), random.integers(1, 30)):
        text[place] = chr(random.integers(32, 127))
    with contextlib.suppress(InputError):
        BrowserSource("".join(text), tick=TICK, sound_window=WINDOW).close()


def test_timestamps_follow_the_least_delayed_arrival() -> None:
    random = np.random.default_rng(7)
    clock = ReceiveClock()
    places = [
        clock.place(1000 + at / 30, at / 30 + 0.05 + random.exponential(0.05)) for at in range(900)
    ]
    errors = np.array(places) - np.arange(900) / 30 - 0.05
    assert np.abs(errors[100:]).max() < 0.02
    # and when the delay grows for good, after ten seconds
    places = [clock.place(1030 + at / 30, 30.25 + at / 30) for at in range(1000)]
    assert places[-1] == pytest.approx(30.25 + 999 / 30, abs=0.02)
    assert clock.lag == pytest.approx(0.2, abs=0.02)
