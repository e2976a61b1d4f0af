"""Pictures that are left out before they are decoded, and those that must not be."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from sentistream.media.file_source import FileSource
from sentistream.media.packet_skipping import (
    MAX_GAP,
    MAX_GROUP,
    DisposablePackets,
    PacketSkipper,
)

X264 = "keyint=24:scenecut=0:b-adapt=0"
CODINGS = {
    "B pictures": ("libx264", {"x264-params": f"{X264}:bframes=3:b-pyramid=none"}),
    "a pyramid": ("libx264", {"x264-params": f"{X264}:bframes=3:b-pyramid=normal"}),
    "without B pictures": ("libx264", {"x264-params": f"{X264}:bframes=0"}),
    "several slices": ("libx264", {"x264-params": f"{X264}:bframes=2:slices=4"}),
    "H.265": ("libx265", {"x265-params": "bframes=3:b-adapt=0:keyint=24:log-level=none"}),
    "MJPEG": ("mjpeg", {}),
    "MPEG-4": ("mpeg4", {"bf": "2"}),
}


def write(path: Path, coding: str, *, rate: int = 30, pictures: int = 90) -> Path:
    """Moving stripes, each picture unlike the others."""
    codec, options = CODINGS[coding]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(pictures):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[:, np.arange(64) % 16 < 1 + number % 15] = 40 + 2 * (number % 100)
            frame = VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def needs(coding: str) -> None:
    codec = CODINGS[coding][0]
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")


def moments(path: Path, tick: float, *, whole: bool) -> tuple[list[Any], PacketSkipper]:
    with FileSource(path, tick=tick, sound_window=0.03, whole=whole) as source:
        found = [(one.time, one.picture_time, one.picture) for one in source]
        return found, source._reader.skipper


@pytest.mark.parametrize("ending", ["mp4", "ts", "mkv"])
@pytest.mark.parametrize("coding", ["B pictures", "a pyramid", "several slices", "H.265"])
def test_what_nothing_refers_to_is_what_ffmpeg_leaves_out(
    tmp_path: Path, coding: str, ending: str
) -> None:
    needs(coding)
    path = write(tmp_path / f"a.{ending}", coding)

    def stamps(reference: bool) -> list[int | None]:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            if reference:
                context.skip_frame = "NONREF"
            disposable = DisposablePackets(context.codec.canonical_name, context.extradata)
            found = []
            for packet in container.demux(stream):
                if reference or not packet.size or not disposable(packet):
                    found += [frame.pts for frame in packet.decode()]
            return found

    left = stamps(reference=False)
    assert left == stamps(reference=True)
    assert 0 < len(left) < 90


@pytest.mark.parametrize("coding", ["without B pictures", "MPEG-4"])
def test_references_are_never_taken_for_disposable(tmp_path: Path, coding: str) -> None:
    path = write(tmp_path / "a.mkv", coding)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        disposable = DisposablePackets(context.codec.canonical_name, context.extradata)
        assert not any(disposable(packet) for packet in container.demux(video=0) if packet.size)


@pytest.mark.parametrize("ending", ["mp4", "ts", "mkv"])
@pytest.mark.parametrize("tick", [0.03, 0.1, 0.25, 0.7])
@pytest.mark.parametrize("rate", [25, 30, 60])
@pytest.mark.parametrize("coding", ["B pictures", "a pyramid", "H.265", "MJPEG"])
def test_every_moment_keeps_its_picture(
    tmp_path: Path, coding: str, rate: int, tick: float, ending: str
) -> None:
    needs(coding)
    if coding == "MJPEG" and ending == "ts":
        pytest.skip("a transport stream holds no MJPEG")
    path = write(tmp_path / f"a.{ending}", coding, rate=rate)
    expected, _ = moments(path, tick, whole=True)
    found, skipper = moments(path, tick, whole=False)
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    assert all(a[2] == b[2] for a, b in zip(found, expected, strict=True))
    if tick >= 3 / rate:
        assert skipper.skipped > 0.15 * (skipper.skipped + skipper.passed)


def test_real_clips_keep_their_pictures(real_data: Path) -> None:
    paths = sorted((real_data / "clips").rglob("*.mp4"))[:4]
    if not paths:
        pytest.skip("no clips")
    for path in paths:
        expected, _ = moments(path, 0.2, whole=True)
        found, skipper = moments(path, 0.2, whole=False)
        assert [one[:2] for one in found] == [one[:2] for one in expected]
        assert all(a[2] == b[2] for a, b in zip(found, expected, strict=True))
        assert skipper.skipped


@dataclass(eq=False)
class Packet:
    is_keyframe: bool
    is_disposable: bool


def skipper() -> PacketSkipper:
    return PacketSkipper(lambda packet: bool(packet.is_disposable))


def decoded(one: PacketSkipper, packets: Sequence[Packet], first: int = 0) -> list[int]:
    wanted: list[int] = []
    for number, packet in enumerate(packets, first):
        if one.wants(packet, number / 30, 1 / 30):  # type: ignore[arg-type]
            wanted.append(number)
    return wanted


def group(pictures: int, referred: int = 1) -> list[Packet]:
    return [Packet(n == 0, n % referred != 0) for n in range(pictures)]


@given(share=st.floats(0, 1), referred=st.integers(1, 8), pictures=st.integers(10, 60))
def test_a_share_leaves_out_no_reference_and_no_more_than_need_be(
    share: float, referred: int, pictures: int
) -> None:
    one = skipper()
    one.share = share
    packets = group(pictures, referred) * 10
    wanted = decoded(one, packets)
    assert {n for n, packet in enumerate(packets) if not packet.is_disposable} <= set(wanted)
    references = sum(not packet.is_disposable for packet in packets) / len(packets)
    assert len(wanted) / len(packets) == pytest.approx(max(share, references), abs=0.06)


def test_what_is_left_out_is_spread_evenly() -> None:
    one = skipper()
    one.share = 0.5
    wanted = decoded(one, group(300, 3))
    assert max(b - a for a, b in itertools.pairwise(wanted)) <= 3


def test_catching_up_leaves_out_all_until_a_key_picture_in_time() -> None:
    one = skipper()
    decoded(one, group(30))
    one.catch_up(1.0, 2.5)
    assert one.in_gap
    assert decoded(one, group(30) * 3, 30) == list(range(90, 120))
    assert not one.in_gap


def test_who_was_behind_before_a_gap_begins_no_other() -> None:
    one = skipper()
    decoded(one, group(30))
    one.catch_up(1.0, 2.5)
    decoded(one, group(30) * 2 + group(1), 30)
    one.catch_up(1.1, 2.6)
    assert not one.in_gap
    one.catch_up(3.0, 4.1)
    assert one.in_gap


def test_catching_up_ends_without_a_key_picture() -> None:
    one = skipper()
    one.catch_up(0.0, 1.5)
    packets = [Packet(False, False)] * 900
    assert decoded(one, packets)[0] == pytest.approx(30 * MAX_GAP, abs=1)


@pytest.mark.parametrize(
    ("pictures", "referred", "effective"),
    [(30, 1, True), (round(30 * MAX_GROUP) + 30, 1, False), (600, 3, True)],
)
def test_whether_leaving_out_helps(pictures: int, referred: int, effective: bool) -> None:
    one = skipper()
    assert not one.is_effective, "nothing is known yet"
    decoded(one, group(pictures, referred) * 3)
    assert one.is_effective is effective


def test_a_gap_has_no_moments(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "without B pictures", pictures=150)
    with FileSource(path, tick=0.03, sound_window=0.03) as source:
        found = [next(source) for _ in range(10)]
        source.catch_up(found[-1].time, found[-1].time + 2.4)
        found += list(source)
        assert not source.faults
    assert max(one.time - one.picture_time for one in found) < 0.07
    times = [one.time for one in found]
    assert max(b - a for a, b in itertools.pairwise(times)) > 1.0
    assert times[-1] == pytest.approx(5.0, abs=0.04)
