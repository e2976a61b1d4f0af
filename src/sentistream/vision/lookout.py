"""The detector at work beside the analysis: it is ordered to look and answers a little later."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sentistream.types import Box, UInt8Array
from sentistream.vision.detector import Detection, FaceDetector

DELAY = 0.1
"""Seconds of the media clock after which an ordered look is answered."""


@dataclass(frozen=True, slots=True)
class Order:
    """A look under way.

    Attributes:
        track: Of the face it is about; None where anybody may be found.
        time: When the picture was taken that is looked at, seconds.
        found: The detections, once they are there.
    """

    track: int | None
    time: float
    found: Future[list[Detection]]


class Lookout:
    """Orders looks, each answered ``DELAY`` later whatever the machine's speed.

    So a look never delays a reading unless the machine is slow, and two runs over one
    recording still give the same readings.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="detector")
        self._orders: list[Order] = []

    def forget(self) -> None:
        """Drops all orders."""
        for order in self._orders:
            order.found.cancel()
        self._orders = []

    def has_order(self, track: int | None) -> bool:
        """Whether such a look is under way."""
        return any(order.track == track for order in self._orders)

    def order(
        self,
        luma: UInt8Array,
        time: float,
        region: Box | None,
        *,
        track: int | None = None,
        face_width: float | None = None,
        threshold: float = 0.0,
    ) -> None:
        """Has the detector look; arguments as ``FaceDetector.detect`` takes them."""
        found = self._thread.submit(
            self._detector.detect, luma, region, face_width=face_width, threshold=threshold
        )
        self._orders.append(Order(track, time, found))

    def answers(self, time: float) -> list[tuple[Order, list[Detection]]]:
        """The looks that are due by now, in the order in which they were asked for.

        Args:
            time: Seconds on the media clock.
        """
        due = [order for order in self._orders if time - order.time >= DELAY - 1e-6]
        self._orders = [order for order in self._orders if order not in due]
        return [(order, order.found.result()) for order in due]
