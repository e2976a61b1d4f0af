"""Format changes in mid-stream are applied, counted and reported."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import stream_server as cameras
from av import AudioFrame, VideoFrame
from av.bitstream import BitStreamFilterContext
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.media import live_source, open_source
from sentistream.media.av_sync import AvSync
from sentistream.media.frame_reader import TimedFrame, nanosecond
from sentistream.media.sound import SoundBuffer
from sentistream.media.source import Faults
from sentistream.media.source_factory import open_stream
from synthetic_clips import flashing, write_clip


def changing(
    folder: Path, size: tuple[int, int] = (64, 48), pixel_aspect: Fraction | None = None
) -> Path:
    """A clip whose properties change after one second."""
    halves = (("a", (64, 48), None), ("b", size, pixel_aspect))
    for name, (width, height), aspect in halves:
        write_clip(
            folder / f"{name}.ts",
            flashing(1, [], width=width, height=height),
            codec="libx264",
            pixel_aspect=aspect,
            codec_options={"x264-params": "keyint=1:bframes=0"},
        )
    joined = folder / "joined.ts"
    with av.open(str(joined), "w", format="mpegts") as output:
        stream: Any = None
        for place, name in enumerate("ab"):
            with av.open(str(folder / f"{name}.ts")) as source:
                stream = stream or output.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(source.streams.video[0]):
                    if packet.dts is not None and packet.pts is not None:
                        packet.pts += place * 90_000
                        packet.dts += place * 90_000
                        packet.stream = stream
                        output.mux(packet)
    return joined


def test_each_picture_has_its_own_size(tmp_path: Path) -> None:
    path = changing(tmp_path, size=(128, 160))
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        sizes = [(m.picture.width, m.picture.height) for m in source]
        assert source.info.sizes == ((64, 48), (128, 160))
        assert (source.info.width, source.info.height) == (64, 48)
        assert source.faults.size_changes == 1
        assert not source.faults
    assert sizes.count((64, 48)) == pytest.approx(10, abs=2)
    assert sizes.count((128, 160)) == pytest.approx(10, abs=2)


def test_changing_pixel_aspect_is_applied(tmp_path: Path) -> None:
    path = changing(tmp_path, pixel_aspect=Fraction(2, 1))
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        widths = [m.picture.width for m in source]
        assert source.faults.size_changes == 1
    assert (widths[0], widths[-1]) == (64, 128)


def test_size_change_is_reported(tmp_path: Path) -> None:
    path, out = changing(tmp_path, size=(128, 160)), tmp_path / "out"
    result = CliRunner().invoke(main, ["analyze", str(path), "--out", str(out), "--video"])
    assert result.exit_code == 0, result.output
    assert "changed their size or shape once (64 x 48, 128 x 160)" in result.output
    facts = json.loads((out / "summary.json").read_text("utf-8"))
    assert facts["input"]["sizes"] == [[64, 48], [128, 160]]
    assert facts["faults"]["size_changes"] == 1
    assert "64 x 48, 128 x 160" in (out / "report.html").read_text("utf-8")
    with av.open(str(out / "annotated.mp4")) as video:
        assert len({(f.width, f.height) for f in video.decode(video=0)}) == 1


def test_changing_rotation_is_applied() -> None:
    """As a rotating phone sends it: a display matrix on some pictures only."""
    faults = Faults()

    def timed(number: int, width: int, height: int) -> TimedFrame:
        frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
        begin = nanosecond(number * 0.1)
        return TimedFrame(frame, begin, begin + 0.1, after_fault=False)

    pairing = AvSync(timed(0, 64, 48), None, faults, tick=0.1, sound_window=0.1)
    pairing.add([timed(1, 48, 64), timed(2, 48, 64), timed(3, 64, 48), timed(4, 64, 48)])
    sizes = [(m.picture.width, m.picture.height) for m in pairing.ready(ended=True)]
    assert sizes == [(64, 48), (48, 64), (48, 64), (64, 48), (64, 48)]
    assert faults.size_changes == 2


def turned_by_messages(
    path: Path,
    turns: Sequence[int | str],
    *,
    every: int = 250,
    b_frames: int = 0,
    top: int | None = None,
) -> Path:
    """One second per rotation, given by H.264 display orientation messages (0: no message)."""
    upright = path.with_name("upright.ts")
    pictures = flashing(1, [], width=64, height=48)
    if top is not None:
        for _, pixels in pictures:
            pixels[:24], pixels[24:] = top, 20
    write_clip(
        upright,
        pictures,
        codec="libx264",
        codec_options={"x264-params": f"keyint={every}:bframes={b_frames}"},
    )
    with av.open(str(path), "w", format="mpegts") as output:
        stream: Any = None
        for place, turn in enumerate(turns):
            with av.open(str(upright)) as source:
                video = source.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                option = turn if isinstance(turn, str) else f"rotate={turn}"
                options = f"display_orientation=insert:{option}" if turn else ""
                messages = BitStreamFilterContext(f"h264_metadata={options}".strip("="), video)
                packets = [one for packet in source.demux(video) for one in messages.filter(packet)]
                for packet in packets:
                    if packet.dts is not None and packet.pts is not None:
                        packet.pts += place * 90_000
                        packet.dts += place * 90_000
                        packet.stream = stream
                        output.mux(packet)
    return path


@pytest.mark.parametrize(("every", "b_frames"), [(250, 0), (250, 2), (1, 0), (10, 2)])
@pytest.mark.parametrize("threads", [1, 0])
def test_changing_rotation_in_h264_is_applied(
    tmp_path: Path, every: int, b_frames: int, threads: int
) -> None:
    """The message comes with some keyframes only, or just after them."""
    path = turned_by_messages(tmp_path / "t.ts", (0, 90, 0, 270), every=every, b_frames=b_frames)
    with open_source(path, tick=0.04, sound_window=0.04, threads=threads) as source:
        pictures = [(m.picture.width, m.picture.height) for m in source]
        assert source.faults.size_changes == 3
        assert source.info.sizes == ((64, 48), (48, 64))
    runs = [(size, len(list(run))) for size, run in groupby(pictures)]
    assert [size for size, _ in runs] == [(64, 48), (48, 64), (64, 48), (48, 64)]
    # a message after a second's last keyframe belongs to the next second's first
    assert [length for _, length in runs] == pytest.approx([25, 25, 25, 25], abs=2)


@pytest.mark.parametrize("every", [250, 1])
@pytest.mark.parametrize(
    ("turns", "upright"),
    [
        ((0, "flip=vertical", 0), "TBT"),
        ((0, "flip=horizontal", 0), "TTT"),
        ((180, "flip=vertical", 180), "BBB"),
        ((180, "flip=horizontal", 0), "BTT"),
    ],
)
def test_mirroring_that_starts_midway_is_applied(
    tmp_path: Path, every: int, turns: Sequence[int | str], upright: str
) -> None:
    """A matrix that only mirrors has the angle of no matrix, or of a half turn."""
    path = turned_by_messages(tmp_path / "t.ts", turns, every=every, top=200)
    with open_source(path, tick=0.04, sound_window=0.04) as source:
        sides = []
        for moment in source:
            luma = moment.picture.luma
            sides.append("T" if luma[:8].mean() > luma[-8:].mean() else "B")
    seen = [round(place * 25 + 12) for place in range(3)]
    assert "".join(sides[at] for at in seen) == upright


def test_changing_rotation_in_a_live_stream_is_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_source, "QUEUE", 100_000)  # nothing is dropped
    path = turned_by_messages(tmp_path / "t.ts", (0, 90, 180))
    with (
        cameras.serve() as server,
        open_stream(server.add(path.read_bytes()), tick=0.04, sound_window=0.04) as source,
    ):
        sizes = [(m.picture.width, m.picture.height) for m in source]
        assert source.faults.size_changes == 2
    assert [size for size, _ in groupby(sizes)] == [(64, 48), (48, 64), (64, 48)]


def test_changing_sample_rate_and_channels_are_converted() -> None:
    buffer = SoundBuffer()
    time = 0.0
    for rate, layout in ((48_000, "mono"), (44_100, "stereo"), (16_000, "mono"), (48_000, "5.1")):
        channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
        phase = 2 * np.pi * 400 * (time + np.arange(rate) / rate)
        samples = np.tile((0.3 * np.sin(phase)).astype(np.float32), (channels, 1))
        frame = AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        buffer.add(frame, time)
        time += 1.0
    buffer.flush()
    for second in range(4):
        start = second * 48_000 + 12_000
        sound = buffer.samples(start, start + 24_000)[0][0]
        spectrum = np.abs(np.fft.rfft(sound))
        assert np.argmax(spectrum) * 2 == pytest.approx(400, abs=4)
        assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def sounds_joined(path: Path, second: tuple[int, str]) -> Path:
    """One second of stereo at 48 kHz, then one at another rate or layout, in the same track."""
    with av.open(str(path), "w", format="mpegts") as output:
        video: Any = output.add_stream("libx264", rate=25, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track: Any = output.add_stream("mp2", rate=48_000, layout="stereo")
        packets: list[Any] = []
        for number in range(50):
            frame = VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            packets += video.encode(frame.reformat(format="yuv420p"))
        packets += video.encode(None)
        for place, (rate, layout) in enumerate(((48_000, "stereo"), second)):
            encoder: Any = av.CodecContext.create("mp2", "w")
            encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "s16"
            encoder.time_base = Fraction(1, rate)
            wave = (0.3 * 32_767 * np.sin(2 * np.pi * 400 * np.arange(rate) / rate)).astype(
                np.int16
            )
            for first in range(0, rate - 1152, 1152):
                samples = np.repeat(wave[first : first + 1152], 2 if layout == "stereo" else 1)
                sound_frame = AudioFrame.from_ndarray(samples[None], format="s16", layout=layout)
                sound_frame.sample_rate, sound_frame.pts = rate, rate * place + first
                sound_frame.time_base = Fraction(1, rate)
                encoded = encoder.encode(sound_frame)
                for packet in encoded:
                    packet.stream = track
                packets += encoded
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


@pytest.mark.parametrize("second", [(48_000, "mono"), (32_000, "stereo")])
def test_changing_sound_format_in_a_file_is_reported(
    tmp_path: Path, second: tuple[int, str]
) -> None:
    path, out = sounds_joined(tmp_path / "joined.ts", second), tmp_path / "out"
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        sounds = [moment.sound for moment in source]
        assert source.faults.sound_changes == 1
        assert not source.faults
    for sound in (sounds[5], sounds[-5]):
        assert sound is not None
        assert np.argmax(np.abs(np.fft.rfft(sound))) * 10 == pytest.approx(400, abs=10)
        assert np.abs(sound).max() == pytest.approx(0.3, rel=0.15)
    result = CliRunner().invoke(main, ["analyze", str(path), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "The sound changed its rate or its channels once." in result.output
    assert json.loads((out / "summary.json").read_text("utf-8"))["faults"]["sound_changes"] == 1


def test_skipped_share_of_a_damaged_recording_is_reported(tmp_path: Path) -> None:
    path, out = tmp_path / "damaged.ts", tmp_path / "out"
    content = bytearray(cameras.stream(2, flashes=[0.02 * number for number in range(100)]))
    for start in range(len(content) // 4, len(content) // 2, 97):
        content[start] ^= 0x55
    path.write_bytes(content)
    result = CliRunner().invoke(main, ["analyze", str(path), "--out", str(out)])
    assert result.exit_code == 0, result.output
    faults = json.loads((out / "summary.json").read_text("utf-8"))["faults"]
    assert faults["audio_errors"] > 0
    assert faults["unheard_seconds"] > 0
    count = faults["audio_errors"]
    sound = f"left out: {count:,} ({faults['unheard_seconds']:.2f} s)"
    assert sound in result.output
    assert sound in (out / "report.html").read_text("utf-8")
    looked = CliRunner().invoke(main, ["doctor", str(path), "--json"])
    assert looked.exit_code == 0
    (found,) = json.loads(looked.output).values()
    assert found["faults"]["audio_errors"] == faults["audio_errors"]
    assert sound in CliRunner().invoke(main, ["doctor", str(path)]).output


def test_probed_frames_are_freed_at_once(tmp_path: Path) -> None:
    pixels = np.full((48, 64, 3), 90, np.uint8)
    write_clip(tmp_path / "long.mp4", [(index / 25, pixels) for index in range(75)])
    gc.collect()
    gc.disable()  # reference cycles would make memory grow with the video
    try:
        with open_source(tmp_path / "long.mp4", tick=0.03, sound_window=0.03) as source:
            for _ in source:
                pass
        # for some, a copy of two by two pixels remains
        alive = sum(isinstance(one, VideoFrame) and one.width > 2 for one in gc.get_objects())
    finally:
        gc.enable()
    assert alive < 10
