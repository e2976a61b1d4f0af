"""Synthetic people: faces, pictures, and their coming and going."""

from __future__ import annotations

import hashlib
import io
import math
import threading
import time
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter

from sentistream.monitor.observations import (
    CAMERA_DOWN,
    Alert,
    AlertKind,
    CameraState,
    FaceState,
    Preview,
)
from sentistream.translatable import Translatable
from sentistream.types import Distribution, Flag, HeadPose, Label
from web.fake_monitor import FakeMonitor


def face(
    track: str, x: float, label: str, *, speaking: bool = False, turned: bool = False
) -> FaceState:
    """A face at a position, with a label; one that is turned away is not read."""
    rest = {"positive": (0.7, 0.2, 0.1), "neutral": (0.2, 0.6, 0.2), "negative": (0.1, 0.2, 0.7)}
    return FaceState(
        track=track,
        zone="",
        box=(x, 0.28, x + 0.14, 0.58),
        label=Label(label),
        smoothed=None if turned else Distribution(*rest.get(label, (0.34, 0.33, 0.33))),
        mouth_open=None if turned else 0.8 if speaking else 0.1,
        speaking=speaking,
        flags=(Flag.TURNED_AWAY,) if turned else (),
        pose=HeadPose(70.0 if turned else 0.0, 0.0, 0.0),
    )


def alert(time: float, share: float, *, active: bool, incident: str = "") -> Alert:
    """An alert of the sample rule at the entrance."""
    return Alert(
        rule="sour",
        name="Sour mood",
        camera="entrance",
        zone="",
        time=time,
        active=active,
        sentiment="negative",
        share=share,
        limit=0.4,
        minutes=10,
        incident=incident,
    )


def camera_down(time: float, *, active: bool = True, incident: str = "down01") -> Alert:
    """The alert that the yard's camera does not respond."""
    return Alert(
        rule=CAMERA_DOWN,
        name="Yard",
        camera="yard",
        zone="",
        time=time,
        active=active,
        sentiment="",
        share=0.0,
        limit=0.0,
        minutes=2,
        kind=AlertKind.CAMERA,
        incident=incident,
        reason=Translatable(
            "{host} refuses the connection; check address and port.", host="10.0.0.14"
        ),
    )


def picture(people: Sequence[float], width: int = 640, height: int = 360) -> bytes:
    """A room with blurred people, as JPEG."""
    image = Image.new("RGB", (width, height), (92, 104, 108))
    draw = ImageDraw.Draw(image)
    for row in range(height):
        shade = int(60 * row / height)
        draw.line((0, row, width, row), (150 - shade, 158 - shade, 156 - shade))
    draw.rectangle((0, int(height * 0.78), width, height), fill=(112, 96, 80))
    draw.rectangle((30, 60, 180, 210), fill=(188, 204, 214))
    draw.rectangle((470, 40, 610, 240), fill=(128, 118, 104))
    for place, x in enumerate(people):
        left, right = x * width, (x + 0.14) * width
        tone = [(196, 152, 124), (141, 99, 74), (224, 182, 152)][place % 3]
        coat = [(48, 66, 92), (122, 52, 48), (66, 88, 64)][place % 3]
        draw.ellipse((left - 30, height * 0.55, right + 30, height * 1.2), fill=coat)
        draw.ellipse((left + 6, height * 0.28, right - 6, height * 0.6), fill=tone)
        draw.pieslice((left, height * 0.24, right, height * 0.52), 180, 360, fill=(52, 42, 36))
    image = image.filter(ImageFilter.GaussianBlur(5))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def live(monitor: FakeMonitor, stopped: threading.Event) -> None:
    """People appear, move and leave, while someone watches."""
    refused = "rtsp://10.0.0.14 refuses the connection; it is tried again in 10 s."
    monitor.health("yard", CameraState.WAITING, reason=refused, restarts=4)
    monitor.health("night", CameraState.PAUSED, tick=0.0)
    monitor.health("window", moments_per_second=16.4, tick=0.06, latency=0.11, dropped=1284)
    monitor.health("entrance")
    now = time.time()
    monitor.store.stored_alerts = [
        camera_down(now - 200),
        alert(now - 500, 0.46, active=True, incident="sour02"),
        alert(now - 86000, 0.3, active=False, incident="sour01"),
        alert(now - 88000, 0.52, active=True, incident="sour01"),
    ]
    for each in monitor.store.stored_alerts[:2]:
        monitor.bus.publish(each)
    labels = ["positive", "neutral", "negative", "unknown"]
    while not stopped.wait(0.2):
        t = time.time()
        places = [
            0.14 + 0.05 * math.sin(t / 3),
            0.42 + 0.04 * math.sin(t / 4 + 1),
            0.72 + 0.03 * math.cos(t / 2),
        ]
        seed = int(hashlib.sha256(str(int(t / 6)).encode()).hexdigest()[:6], 16)
        faces = [
            face(
                f"p{n}", x, labels[(seed >> n) % 4 if n == 2 else (seed >> n) % 3], speaking=n == 1
            )
            for n, x in enumerate(places)
        ]
        monitor.publish_observation("entrance", *faces)
        monitor.publish_observation("window")
        monitor.bus.set_preview("entrance", Preview(picture(places), t))
        monitor.bus.set_preview("window", Preview(picture([]), t))
