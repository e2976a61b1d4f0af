from __future__ import annotations

import threading

import numpy as np

from sentistream.types import Box, UInt8Array
from sentistream.vision.detector import Detection, FaceDetector
from sentistream.vision.lookout import DELAY, Lookout

LUMA = np.zeros((8, 8), np.uint8)


class SlowDetector(FaceDetector):
    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def detect(
        self,
        luma: UInt8Array,
        region: Box | None = None,
        *,
        face_width: float | None = None,
        threshold: float = 0.0,
    ) -> list[Detection]:
        self.may_answer.wait(10)
        return [(region or Box(0, 0, 1, 1), threshold)]


def test_ordering_never_waits_and_answers_come_at_their_time_however_slow() -> None:
    detector = SlowDetector()
    lookout = Lookout(detector)
    lookout.order(LUMA, 1.0, Box(0, 0, 4, 4), track=3, threshold=0.5)
    lookout.order(LUMA, 1.05, None)
    assert lookout.has_order(3)
    assert lookout.has_order(None)
    assert lookout.answers(1.0 + DELAY / 2) == []
    detector.may_answer.set()
    ((order, detections),) = lookout.answers(1.0 + DELAY)
    assert (order.track, detections) == (3, [(Box(0, 0, 4, 4), 0.5)])
    assert not lookout.has_order(3)
    assert len(lookout.answers(9.0)) == 1
    assert lookout.answers(9.0) == []


def test_forgotten_orders_are_never_answered() -> None:
    detector = SlowDetector()
    lookout = Lookout(detector)
    lookout.order(LUMA, 0.0, None)
    lookout.forget()
    detector.may_answer.set()
    assert lookout.answers(5.0) == []
