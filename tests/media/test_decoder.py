"""Hardware decoders, none of which exists here: PyAV's answers are fake, the fallback is real."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.error import InvalidDataError
from av.video.codeccontext import VideoCodecContext
from click.testing import CliRunner

from sentistream import analyze
from sentistream.cli import main
from sentistream.decoder_names import DECODERS, HARDWARE
from sentistream.media import decoder as decoders
from sentistream.media import open_source
from sentistream.media.decoder import Decoder, hardware_decoders
from sentistream.media.picture import YuvPicture
from sentistream.types import Box
from synthetic_clips import write_clip


@pytest.fixture(autouse=True)
def _reset_hardware_probe() -> Iterator[None]:
    decoders.forget_hardware()
    yield
    decoders.forget_hardware()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mp4", moving(1.0), codec="libx264")


def moving(seconds: float) -> list[tuple[float, Any]]:
    """Moving stripes, so that every picture differs."""
    contexts = []
    for number in range(round(25 * seconds)):
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:, np.arange(64) % 16 < 1 + number % 15] = 40 + 2 * (number % 100)
        contexts.append((number / 25, pixels))
    return contexts


class Context:
    """A fake hardware decoder context that decodes in software.

    Args:
        fails: Whether it fails at the packet with this number.
        nothing: Whether it never returns a picture.
        falls_back: Whether FFmpeg falls back to software by itself.
    """

    def __init__(
        self,
        stream: Any,
        *,
        fails: Callable[[int], bool] = lambda _: False,
        nothing: bool = False,
        falls_back: bool = False,
    ) -> None:
        codec = stream.codec_context.codec
        self._software = av.CodecContext.create(codec.canonical_name, "r")
        self._software.extradata = stream.codec_context.extradata
        self.codec = self
        self.hardware_configs: list[Any] = [self]
        self.format = self
        self.name = "cuda"
        self.pix_fmt = "yuv420p" if falls_back else "cuda"
        self._fails, self._nothing = fails, nothing
        self.packets = 0

    def decode(self, packet: Any) -> list[Any]:
        self.packets += 1
        if self._fails(self.packets - 1):
            raise InvalidDataError(1, "hardware failed")
        frames = [] if self._nothing else self._software.decode(packet)
        # as hardware returns them
        nv12 = [frame.reformat(format="nv12") for frame in frames]
        for old, new in zip(frames, nv12, strict=True):
            new.pts, new.time_base = old.pts, old.time_base
        return nv12


def install_fake_decoder(
    monkeypatch: pytest.MonkeyPatch, contexts: list[Context], name: str = "cuda", **how: Any
) -> None:
    """Make that decoder available, as a ``Context``."""

    def opened(stream: Any, coding: str, wanted: str) -> Context | None:
        assert coding == "h264"
        if wanted != name:
            return None
        contexts.append(Context(stream, **how))
        return contexts[-1]

    monkeypatch.setattr(decoders, "hwdevices_available", lambda: [name])
    monkeypatch.setattr(decoders, "_problem", lambda one: "" if one == name else "absent")
    monkeypatch.setattr(decoders, "_open", opened)


def pictures(path: Path, decoder: str) -> tuple[list[Any], Any]:
    with open_source(path, tick=0.04, sound_window=0.03, threads=1, decoder=decoder) as source:
        found = [(one.time, one.picture_time, one.picture.luma.copy()) for one in source]
        return found, source.info


def assert_same(found: list[Any], expected: list[Any]) -> None:
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(found, expected, strict=True))


def test_unavailable_decoder_falls_back_to_software_with_a_remark(clip: Path) -> None:
    expected, _ = pictures(clip, "software")
    working = {one.name for one in hardware_decoders() if not one.problem}
    for name in HARDWARE:
        if name in working:
            continue
        found, info = pictures(clip, name)
        assert_same(found, expected)
        assert info.decoder == "software"
        (remark,) = info.remarks
        assert f"The decoder {name} cannot be used (" in remark


def test_auto_falls_back_without_a_remark(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "_problem", lambda _: "absent")
    expected, info = pictures(clip, "software")
    assert info.decoder == "software" and not info.remarks
    found, info = pictures(clip, "auto")
    assert_same(found, expected)
    assert info.decoder == "software" and not info.remarks


def test_decoder_in_use_is_logged_once(
    clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(decoders, "_problem", lambda _: "absent")
    with caplog.at_level(logging.INFO, "sentistream"):
        for _ in range(3):
            pictures(clip, "auto")
    assert [one.message for one in caplog.records] == ["Pictures are decoded in software."]


@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_available_hardware_decodes(
    clip: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    expected, _ = pictures(clip, "software")
    contexts: list[Context] = []
    install_fake_decoder(monkeypatch, contexts)
    found, info = pictures(clip, wanted)
    assert_same(found, expected)
    assert info.decoder == "cuda" and not info.remarks
    assert contexts[-1].packets > 10


@pytest.mark.parametrize(
    "how",
    [
        {"fails": lambda _: True},
        {"fails": lambda number: number > 0},
        {"nothing": True},
        {"falls_back": True},
    ],
    ids=["at once", "behind the first packet", "no pictures", "within FFmpeg"],
)
def test_failing_hardware_is_replaced_without_loss(
    clip: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    expected, _ = pictures(clip, "software")
    install_fake_decoder(monkeypatch, [], **how)
    found, info = pictures(clip, "cuda")
    assert_same(found, expected)
    assert info.decoder == "software"
    assert "The decoder cuda cannot be used" in info.remarks[0]


def test_hardware_that_fails_midway_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_clip(tmp_path / "a.mp4", moving(8.0), codec="libx264")
    expected, _ = pictures(path, "software")
    install_fake_decoder(monkeypatch, [], fails=lambda number: number > 50)
    found, info = pictures(path, "cuda")
    assert info.decoder == "software"
    assert "The decoder cuda cannot be used" in info.remarks[0]
    assert found[-1][0] == expected[-1][0]


def test_other_codecs_are_decoded_in_software(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_clip(tmp_path / "a.mp4", moving(1.0), codec="mpeg4")
    install_fake_decoder(monkeypatch, [])
    _, info = pictures(path, "cuda")
    assert info.decoder == "software"
    assert "(it cannot decode mpeg4)" in info.remarks[0]


def test_unknown_decoder_is_an_error(clip: Path) -> None:
    with pytest.raises(ValueError, match="A decoder is one of auto, software"):
        pictures(clip, "magic")
    answer = CliRunner().invoke(main, ["analyze", str(clip), "--decoder", "magic"])
    assert answer.exit_code == 2 and "vaapi" in answer.output


def test_every_decoder_name_is_known_to_ffmpeg() -> None:
    from av.codec.hwaccel import HWDeviceType

    known = {one.name for one in HWDeviceType} | {"v4l2"}
    assert set(HARDWARE) <= known
    assert DECODERS[:2] == ("auto", "software")


def test_linux_hardware_is_used_if_present(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = {one.name: one.problem for one in hardware_decoders()}
    assert "v4l2" not in problems or problems["v4l2"] in ("", "no such device")
    decoders.forget_hardware()
    monkeypatch.setattr(decoders, "decoder_chips", lambda: ["bcm2835-codec-decode"])
    assert {one.name: one.problem for one in hardware_decoders()}.get("v4l2", "") == ""


def test_analysis_reports_its_decoder(clip: Path) -> None:
    with analyze(clip, decoder="software") as analysis:
        assert analysis.info.decoder == "software"


def test_doctor_lists_hardware_decoders() -> None:
    from sentistream.diagnosis import diagnose

    found = {one.topic: one for one in diagnose()}
    assert "decoding" in found
    for one in hardware_decoders():
        status = found[f"decoder {one.name}"].found
        assert status == (f"not usable here: {one.problem}" if one.problem else "works")


@pytest.mark.parametrize("size", [(64, 48), (70, 50), (1280, 720)])
def test_nv12_is_read_without_copying(size: tuple[int, int]) -> None:
    width, height = size
    down, across = np.mgrid[0:height, 0:width]
    bands = np.stack([across * 200 / width, down * 200 / height, (across + down) % 128], -1)
    pixels = (bands + 20).astype(np.uint8)
    planar = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
    nv12 = planar.reformat(format="nv12")
    picture, other = YuvPicture(nv12), YuvPicture(planar)
    assert np.array_equal(picture.luma, other.luma)
    plane: Any = nv12.planes[0]
    assert np.shares_memory(picture.luma, np.frombuffer(plane, np.uint8)), "no copy"
    box = Box(3.3, 4.6, width - 5.1, height - 7.9)
    assert np.array_equal(picture.crop(box, 32, 24), other.crop(box, 32, 24))
    assert np.abs(picture.rgb().astype(int) - other.rgb()).mean() < 1.5


def test_software_context_has_the_streams_parameters(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert Decoder(stream, "software").decode(None) == []
        assert isinstance(stream.codec_context, VideoCodecContext)
