"""Pictures that are skipped before decoding, and those that must not be."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import stream_server as cameras
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from sentistream.media import Faults, live_source
from sentistream.media.av_sync import AvSync
from sentistream.media.file_source import FileSource
from sentistream.media.frame_reader import FrameReader
from sentistream.media.packet_skipping import (
    MAX_GAP,
    MAX_GROUP,
    MIN_ANALYZED,
    DisposablePackets,
    PacketSkipper,
)
from sentistream.media.source_factory import open_stream
from sentistream.types import Moment

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
    """Moving stripes, so that every picture differs."""
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


Written = Callable[..., Path]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Encodes each file once for all tests that read it, since that takes longest."""
    folder = tmp_path_factory.mktemp("written")

    @cache
    def make(coding: str, ending: str, *, rate: int = 30, pictures: int = 90) -> Path:
        place = folder / f"{coding}, {pictures} at {rate}.{ending}"
        return write(place, coding, rate=rate, pictures=pictures)

    return make


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
def test_unreferenced_pictures_are_those_that_ffmpeg_skips(
    written: Written, coding: str, ending: str
) -> None:
    needs(coding)
    path = written(coding, ending)

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
def test_references_are_never_disposable(tmp_path: Path, coding: str) -> None:
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
    written: Written, coding: str, rate: int, tick: float, ending: str
) -> None:
    needs(coding)
    if coding == "MJPEG" and ending == "ts":
        pytest.skip("a transport stream cannot contain MJPEG")
    path = written(coding, ending, rate=rate)
    expected, _ = moments(path, tick, whole=True)
    found, skipper = moments(path, tick, whole=False)
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    assert all(a[2] == b[2] for a, b in zip(found, expected, strict=True))
    if tick >= 3 / rate:
        assert skipper.skipped > 0.15 * (skipper.skipped + skipper.passed)


@pytest.mark.parametrize("ending", ["mp4", "ts"])
@pytest.mark.parametrize("coding", CODINGS)
def test_decoded_part_of_a_group_is_bit_exact(written: Written, coding: str, ending: str) -> None:
    needs(coding)
    if coding == "MJPEG" and ending == "ts":
        pytest.skip("a transport stream cannot contain MJPEG")
    path = written(coding, ending, pictures=300)
    expected, _ = moments(path, 0.03, whole=True)
    pictures = {one[1]: one[2] for one in expected}
    with FileSource(path, tick=0.03, sound_window=0.03) as source:
        found = [next(source) for _ in range(80)]
        assert source.limit_decoding(0.2) == 1
        found += list(source)
        assert not source.faults
    # except unreferenced pictures at the end
    assert len(found) >= len(expected) - 9
    assert [one.time for one in found] == [one[0] for one in expected[: len(found)]]
    assert all(one.picture == pictures[one.picture_time] for one in found)
    late = [one for one in found if one.time > 4]
    shown = len({one.picture_time for one in late}) / (30 * (found[-1].time - 4))
    assert shown == pytest.approx(0.2, abs=0.07)
    assert max(one.time - one.picture_time for one in late) < 24 / 30 + 0.04


@pytest.mark.parametrize("coding", ["B pictures", "a pyramid", "without B pictures", "H.265"])
def test_live_stream_continues_while_the_rest_of_a_group_is_skipped(
    written: Written, coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(coding)
    path = written(coding, "ts", pictures=300)
    expected, _ = moments(path, 0.03, whole=True)
    pictures = {round(one[1] - expected[0][0], 3): one[2] for one in expected}
    readers: list[FrameReader] = []

    def reader(*args: Any, **options: Any) -> FrameReader:
        readers.append(FrameReader(*args, **options))
        readers[0].skipper.share = 0.2
        return readers[0]

    monkeypatch.setattr(live_source, "FrameReader", reader)
    monkeypatch.setattr(live_source, "QUEUE", 1000)
    waits: list[float] = []
    ready = AvSync.ready

    def noted(self: AvSync, *, ended: bool = False) -> Iterator[Moment]:
        for moment in ready(self, ended=ended):
            waits.append(readers[0].reached - moment.time)
            yield moment

    monkeypatch.setattr(AvSync, "ready", noted)
    with cameras.serve() as server:
        address = server.add(path.read_bytes())
        with open_stream(address, tick=0.03, sound_window=0.03) as source:
            found = list(source)
            assert not source.faults
    assert len(found) >= len(expected) - 9
    assert np.diff([one.time for one in found]) == pytest.approx(0.03), "no moment is missing"
    late = [one for one in found if one.time > 4]
    assert len({one.picture_time for one in late}) < 0.3 * 30 * (found[-1].time - 4)
    right = [one.picture == pictures[round(one.picture_time, 3)] for one in found]
    assert all(right)
    # beyond the reordering delay
    assert max(waits[150:-20]) < 0.35, "no moment waits for the next keyframe"


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
def test_share_skips_no_reference_and_no_more_than_needed(
    share: float, referred: int, pictures: int
) -> None:
    packets = group(pictures, referred) * 10
    references = sum(not packet.is_disposable for packet in packets) / len(packets)
    one = skipper()
    one.share = max(share, references + 0.05)
    wanted = decoded(one, packets)
    assert {n for n, packet in enumerate(packets) if not packet.is_disposable} <= set(wanted)
    assert len(wanted) / len(packets) == pytest.approx(min(1, one.share), abs=0.06)


@given(share=st.floats(0.05, 1), referred=st.integers(1, 8), pictures=st.integers(10, 120))
def test_too_many_references_skip_the_rest_of_each_group(
    share: float, referred: int, pictures: int
) -> None:
    """Whatever is decoded, all its references were decoded before."""
    packets = group(pictures, referred)
    one = skipper()
    decoded(one, packets * math.ceil(300 / pictures))
    begin = math.ceil(300 / pictures) * pictures
    references = sum(not packet.is_disposable for packet in packets) / len(packets)
    one.share = min(share, 0.9 * references)
    groups = math.ceil(40 / (pictures * one.share)) + 20
    wanted = set(decoded(one, packets * groups, begin))
    for first in range(begin, begin + groups * pictures, pictures):
        taken = [n in wanted for n in range(first, first + pictures, referred)]
        assert taken == sorted(taken, reverse=True), "none after a skipped one"
    assert one.analyzed_share == 1
    assert len(wanted) / (groups * pictures) == pytest.approx(one.share, abs=0.05)


def test_small_share_decodes_part_of_each_group() -> None:
    one = skipper()
    decoded(one, group(30) * 3)
    one.share = 0.1
    wanted = decoded(one, group(30) * 20, 90)[5:]
    counts = Counter(n // 30 for n in wanted)
    assert set(counts.values()) <= {2, 3, 4}
    assert len(counts) == 18


def test_end_of_a_skipped_stretch_is_known() -> None:
    one = skipper()
    decoded(one, group(30) * 3)
    one.share = 0.5
    for number, packet in enumerate(group(30) * 2, 90):
        wanted = one.wants(packet, number / 30, 1 / 30)  # type: ignore[arg-type]
        if not wanted:
            assert one.leaves_out_rest
            assert one.left_out_until == number / 30
        elif packet.is_keyframe and number > 90:
            assert one.left_out_until == number / 30, "up to the keyframe"


def test_leading_pictures_are_skipped_with_the_previous_group() -> None:
    """In an open GOP, pictures displayed before a keyframe refer to the group before it."""
    one = skipper()
    decoded(one, group(30) * 3)
    one.share = 0.5
    decoded(one, group(30), 90)
    assert one.leaves_out_rest
    assert one.wants(Packet(True, False), 4.0, 1 / 30)  # type: ignore[arg-type]
    assert not one.wants(Packet(False, False), 4.0 - 1 / 30, 1 / 30)  # type: ignore[arg-type]
    assert one.wants(Packet(False, False), 4.0 + 1 / 30, 1 / 30)  # type: ignore[arg-type]


def test_skipping_the_rest_of_a_group_ends_without_a_keyframe() -> None:
    one = skipper()
    decoded(one, group(30) * 3)
    one.share = 0.5
    packets = [Packet(False, False)] * 900
    wanted = decoded(one, packets, 90)
    left_out = [n for n in range(90, 990) if n not in set(wanted)]
    assert left_out[0] < 120
    assert wanted[wanted.index(left_out[0] - 1) + 1] == pytest.approx(
        left_out[0] + 30 * MAX_GAP, abs=1
    )


def test_skipped_pictures_are_spread_evenly() -> None:
    one = skipper()
    one.share = 0.5
    wanted = decoded(one, group(300, 3))
    assert max(b - a for a, b in itertools.pairwise(wanted)) <= 3


def test_catching_up_skips_everything_until_a_keyframe_in_time() -> None:
    one = skipper()
    decoded(one, group(30))
    one.catch_up(1.0, 2.5)
    assert one.in_gap
    assert decoded(one, group(30) * 3, 30) == list(range(90, 120))
    assert not one.in_gap


def test_lag_before_a_gap_starts_no_other_gap() -> None:
    one = skipper()
    decoded(one, group(30))
    one.catch_up(1.0, 2.5)
    decoded(one, group(30) * 2 + group(1), 30)
    one.catch_up(1.1, 2.6)
    assert not one.in_gap
    one.catch_up(3.0, 4.1)
    assert one.in_gap


def test_catching_up_ends_without_a_keyframe() -> None:
    one = skipper()
    one.catch_up(0.0, 1.5)
    packets = [Packet(False, False)] * 900
    assert decoded(one, packets)[0] == pytest.approx(30 * MAX_GAP, abs=1)


LONG = round(30 * MAX_GROUP) + 30


@pytest.mark.parametrize(
    ("pictures", "referred", "share", "analyzed"),
    [
        (30, 1, 0.5, 1.0),
        (LONG, 1, 0.9, 0.9),
        (LONG, 1, 0.7, 0.7),
        (LONG, 1, 0.2, MIN_ANALYZED),
        (600, 3, 0.5, 1.0),
        (600, 3, 0.25, 0.75),
        (600, 3, 0.1, MIN_ANALYZED),
    ],
)
def test_share_left_to_skip_after_decoding(
    pictures: int, referred: int, share: float, analyzed: float
) -> None:
    one = skipper()
    one.share = share
    assert one.analyzed_share == share, "no group length is known yet"
    one.share = 1
    decoded(one, group(pictures, referred) * 3)
    one.share = share
    assert one.analyzed_share == pytest.approx(analyzed, abs=0.03)
    wanted = decoded(one, group(pictures, referred) * 10, 3 * pictures)
    assert len(wanted) / (10 * pictures) == pytest.approx(share / analyzed, abs=0.06)


def test_gap_has_no_moments(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "without B pictures", pictures=150)
    with FileSource(path, tick=0.03, sound_window=0.03) as source:
        found = [next(source) for _ in range(10)]
        source.catch_up(found[-1].time, found[-1].time + 2.4)
        found += list(source)
        left_out = round(5.0 / 0.03) - len(found)
        assert source.faults == Faults(dropped_moments=source.faults.dropped_moments)
        assert source.faults.dropped_moments == pytest.approx(left_out, abs=2)
    assert max(one.time - one.picture_time for one in found) < 0.07
    times = [one.time for one in found]
    assert max(b - a for a, b in itertools.pairwise(times)) > 1.0
    assert times[-1] == pytest.approx(5.0, abs=0.04)
