"""A WebRTC peer that acts like a browser, in a thread with its own event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from aiortc import (
    AudioStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import AudioFrame, VideoFrame

from sentistream.types import UInt8Array
from synthetic_clips import FLASH, GREY, flat

T = TypeVar("T")
_SOUND = 48_000


def flashing_picture(now: float) -> UInt8Array:
    """Bright in the first 0.2 s of every second."""
    return flat(FLASH if now % 1 < 0.2 else GREY, 320, 240)


class Pictures(VideoStreamTrack):
    """Pictures as a function of the time at which they are sent."""

    def __init__(self, draw: Callable[[float], UInt8Array]) -> None:
        super().__init__()
        self._draw = draw

    async def recv(self) -> VideoFrame:
        pts, base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(self._draw(time.monotonic()), format="rgb24")
        frame.pts, frame.time_base = pts, base
        return frame


class Clicks(AudioStreamTrack):
    """A tone in the first 0.2 s of every second."""

    async def recv(self) -> AudioFrame:
        silent = await super().recv()
        assert isinstance(silent, AudioFrame)
        count, rate = silent.samples, silent.sample_rate
        now = time.monotonic() + np.arange(count) / rate
        tone = np.where(now % 1 < 0.2, 0.7 * np.sin(2 * np.pi * 500 * now), 0.0)
        block = (tone * 32767).astype(np.int16)[None]
        frame = AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, silent.pts
        frame.time_base = Fraction(1, rate)
        return frame


class Peer:
    """Makes an offer, takes the answer, and sends until it is closed."""

    def __init__(
        self,
        draw: Callable[[float], UInt8Array] | None = flashing_picture,
        *,
        sound: bool = True,
        channel: bool = False,
    ) -> None:
        self._draw = draw
        self._with_sound = sound
        self._with_channel = channel
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection: Any = None

    def offer(self) -> str:
        return self._await(self._offer())

    def take(self, answer: str) -> None:
        self._await(self._take(answer))

    def stop(self) -> None:
        """Stop sending without closing the connection."""
        self._await(self._stop())

    def close(self) -> None:
        self._await(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _offer(self) -> str:
        self._connection = connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if self._draw is not None:
            connection.addTrack(Pictures(self._draw))
        if self._with_sound:
            connection.addTrack(Clicks())
        if self._with_channel:
            connection.createDataChannel("chat")
        await connection.setLocalDescription(await connection.createOffer())
        return str(connection.localDescription.sdp)

    async def _take(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def _stop(self) -> None:
        for sender in self._connection.getSenders():
            await sender.stop()

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)
