"""Remarks about a camera's source are reported: on the event bus, the page and in the log."""

from __future__ import annotations

import io
import logging
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import AudioFrame, VideoFrame

from cameras.conftest import RecordedEvents
from sentistream.media.track_selection import describe_choice
from sentistream.monitor.api.schemas import Health
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import CameraHealth, CameraState
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import translator
from sentistream.monitor.web.live_tiles import tiles
from sentistream.reports.report_wording import faults_in_words
from synthetic_clips import flashing
from waiting import wait_until

RATE = 48_000


def write_clip_with_remarks(path: Path) -> Path:
    """Two seconds: one sound track is silent; the pictures change their size, one is damaged."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("mjpeg", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        packets: list[Any] = []
        for first, size in ((0, (64, 48)), (25, (96, 64))):
            encoder: Any = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = *size, "yuvj420p"
            encoder.time_base = Fraction(1, 25)
            for number, (_, pixels) in enumerate(flashing(1, [], width=size[0], height=size[1])):
                frame = VideoFrame.from_ndarray(pixels, format="rgb24")
                frame = frame.reformat(format="yuvj420p")
                frame.pts, frame.time_base = first + number, Fraction(1, 25)
                for packet in encoder.encode(frame):
                    packet_sent = packet
                    if first + number == 10:
                        packet_sent = av.Packet(bytes(packet)[:20])
                        packet_sent.pts = packet_sent.dts = packet.pts
                        packet_sent.time_base = packet.time_base
                    packet_sent.stream = video
                    packets.append(packet_sent)
        for level in (0.0, 0.3):
            audio: Any = container.add_stream("flac", rate=RATE)
            audio.codec_context.layout, audio.codec_context.format = "mono", "s16"
            sound = level * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
            for begin in range(0, len(sound), 1000):
                block = (sound[None, begin : begin + 1000] * 32767).astype(np.int16)
                events = AudioFrame.from_ndarray(block, format="s16", layout="mono")
                events.sample_rate, events.pts, events.time_base = RATE, begin, Fraction(1, RATE)
                packets += audio.encode(events)
            packets += audio.encode(None)
        for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
            container.mux(packet)
    return path


def test_remarks_about_a_source_are_reported(
    supervisor: Supervisor, events: RecordedEvents, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sentistream.monitor")
    clip = write_clip_with_remarks(tmp_path / "remarkable.mkv")
    settings = Settings.model_validate({"cameras": {"door": {"source": str(clip)}}})
    supervisor.apply(settings)

    def expected() -> CameraHealth | None:
        newest = events.newest("door")
        return newest if newest is not None and len(newest.remarks) > 2 else None

    wait_until(expected)
    newest = expected()
    assert newest is not None
    chosen, sizes, damaged, *_ = newest.remarks
    assert chosen == "Of 2 tracks of sound, track 2 is used (track 1 is silent)."
    assert sizes.startswith("The pictures changed their size or shape ")
    assert "64 x 48, 96 x 64" in sizes
    assert damaged.startswith("Damaged packets or pictures that were left out: ")
    assert Health.of(newest, "").remarks == list(newest.remarks)
    (tile,) = tiles(settings, events.bus, time.time(), translator("en"))
    assert chosen in {text for text, _ in tile.facts}
    # with each loop the counts rise, and the log does not grow
    wait_until(lambda: (seen := expected()) is not None and seen.remarks != newest.remarks)
    assert len([line for line in caplog.messages if "tracks of sound" in line]) == 1
    assert len([line for line in caplog.messages if "left out" in line]) == 1
    assert f"camera door: {chosen}" in caplog.messages


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "de",
            [
                "Von 3 Spuren (Ton) wird Spur 3 benutzt "
                "(Spur 1 ist stumm; Spur 2 ist nicht zu entschlüsseln).",
                "Die Bilder haben einmal ihre Größe oder Form geändert (64 x 48, 96 x 64).",
                "Der Ton hat 3-mal seine Abtastrate oder seine Kanäle geändert.",
            ],
        ),
        (
            "fr",
            [
                "Sur 3 pistes (son), la piste 3 est utilisée "
                "(la piste 1 est muette; la piste 2 ne peut pas être décodée).",
                "La taille ou la forme des images a changé une fois (64 x 48, 96 x 64).",
                "La fréquence ou les canaux du son ont changé 3 fois.",
            ],
        ),
    ],
)
def test_page_shows_remarks_in_its_language(language: str, expected: list[str]) -> None:
    with av.open(io.BytesIO(), "w", format="matroska") as container:
        streams: list[Any] = [container.add_stream("flac", rate=RATE) for _ in range(3)]
        chosen = describe_choice(streams, streams[2], {0: "silent", 1: "undecodable"})
    health = CameraHealth(
        camera="door",
        state=CameraState.RUNNING,
        since=0.0,
        remarks=(
            chosen,
            *faults_in_words({"size_changes": 1, "sound_changes": 3}, [(64, 48), (96, 64)]),
        ),
    )
    bus = EventBus()
    bus.publish(health)
    settings = Settings.model_validate({"cameras": {"door": {"source": "0"}}})
    (tile,) = tiles(settings, bus, 0.0, translator(language))
    assert [text for text, _ in tile.facts][-3:] == expected
