"""Every input error is one sentence with a way out; readable parts of bad files are read."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentistream.errors import InputError
from sentistream.media import Faults, open_source
from sentistream.types import Moment
from synthetic_clips import clicks, flashing, flat, write_clip


def read(source: str | Path | int) -> tuple[list[Moment], Faults]:
    with open_source(source, tick=0.03, sound_window=0.03) as opened:
        return list(opened), opened.faults


def _text(folder: Path) -> Path:
    path = folder / "story.mp4"
    path.write_text("Once upon a time.\n" * 500)
    return path


def _empty(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _no_moov(folder: Path) -> Path:
    path = write_clip(folder / "cut.mp4", flashing(3, []), clicks(3, 48_000))
    path.write_bytes(path.read_bytes()[:-4000])
    return path


def _sound_only(folder: Path) -> Path:
    return write_clip(folder / "song.m4a", sound=clicks(1, 48_000))


def _cover_art(folder: Path) -> Path:
    """A song with a cover picture, as an mp3's ID3 tag holds it."""
    path = write_clip(folder / "song.mp3", sound=clicks(1, 48_000), sound_codec="libmp3lame")
    cover = folder / "cover.png"
    Image.fromarray(flat(90)).save(cover)
    picture = b"\0image/png\0\x03\0" + cover.read_bytes()
    frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    size = len(frame)
    safe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\0\0" + safe + frame + path.read_bytes())
    return path


def _picture(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        Image.fromarray(flat(90)).save(path, format="PNG" if "png" in name else "JPEG")
        return path

    return make


def _absurdly_large(folder: Path) -> Path:
    """A video whose header claims 20,000 x 20,000 pixels without such data."""
    pictures = flashing(0.2, [], width=300, height=300)
    path = write_clip(folder / "huge.mkv", pictures, codec="ffv1")
    data = path.read_bytes()
    for element in (b"\xb0\x82", b"\xba\x82"):  # PixelWidth, PixelHeight
        old, new = struct.pack(">H", 300), struct.pack(">H", 20_000)
        data = data.replace(element + old, element + new)
    path.write_bytes(data)
    return path


def _absurdly_large_pictures(folder: Path) -> Path:
    """The same, claimed by both the container's header and every picture's."""
    path = write_clip(folder / "huge.avi", flashing(0.2, []), codec="mjpeg", pix_fmt="yuvj420p")
    data = path.read_bytes()
    data = data.replace(struct.pack("<II", 64, 48), struct.pack("<II", 20_000, 20_000))
    data = data.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 20_000, 20_000))
    path.write_bytes(data)
    return path


def _playlist(folder: Path) -> Path:
    """A playlist with a video's extension that names another file."""
    secret = write_clip(folder / "secret.ts", flashing(1, []), codec="mpeg4")
    path = folder / "trick.mp4"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n")
    return path


def _concat(folder: Path) -> Path:
    secret = write_clip(folder / "secret.ts", flashing(1, []), codec="mpeg4")
    path = folder / "list.ffconcat"
    path.write_text(f"ffconcat version 1.0\nfile '{secret.name}'\n")
    return path


MISTAKES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.mp4", "There is no file"),
    "folder": (lambda folder: folder, "is a folder"),
    "text": (_text, "cannot be read as a video"),
    "empty": (_empty, "zero bytes"),
    "without moov": (_no_moov, "cannot be read as a video"),
    "sound only": (_sound_only, "has sound but no moving pictures"),
    "cover art": (_cover_art, "has sound but no moving pictures"),
    "png": (_picture("face.png"), "single picture"),
    "jpeg": (_picture("face.jpg"), "single picture"),
    "disguised picture": (_picture("face.jpg.mp4"), "single picture"),
    "large": (_absurdly_large, "8192 x 8192"),
    "large pictures": (_absurdly_large_pictures, "8192 x 8192"),
    "playlist": (_playlist, "cannot be read as a video"),
    "concat": (_concat, "cannot be read as a video"),
    "device": (lambda _: Path("/dev/null"), "not an ordinary file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_input_error_is_reported(
    tmp_path: Path, mistake: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make, message = MISTAKES[mistake]
    path = make(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in caught.value.problem
    assert "\n" not in str(caught.value)
    assert caught.value.way_out
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "private.mp4", flashing(0.2, []))
    path.chmod(0)
    with pytest.raises(InputError, match="may not be read"):
        read(path)


@pytest.mark.parametrize(
    "name", ["two words.mp4", "видео 映像.mp4", "-dash.mp4", "a:b%d.mp4", "http:.mp4", "7"]
)
def test_unusual_file_names_are_read(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "plain.mp4", flashing(0.2, [])).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(read(name)[0]) == 7


def test_non_text_file_name_is_read(tmp_path: Path) -> None:
    target = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4")
    write_clip(tmp_path / "plain.mp4", flashing(0.2, [])).rename(target)
    assert len(read(target)[0]) == 7


def test_missing_camera_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for source in (97, "97"):
        with pytest.raises(InputError, match=r"no camera 97.*sentistream doctor"):
            read(source)


def test_unknown_protocol_is_reported() -> None:
    with pytest.raises(InputError, match="gopher"):
        read("gopher://example.org/video")


def test_invalid_arguments_are_refused(tmp_path: Path) -> None:
    for tick, window in ((0.0, 0.03), (0.03, float("nan"))):
        with pytest.raises(ValueError, match="positive"):
            open_source(tmp_path / "a.mp4", tick=tick, sound_window=window)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_truncated_but_readable_file_is_read(tmp_path: Path, kind: str) -> None:
    options = {"movflags": "faststart"} if kind == "mp4" else {}
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    pictures = [(index / 25, np.roll(noise, index, axis=1)) for index in range(100)]
    path = write_clip(tmp_path / f"cut.{kind}", pictures, clicks(4, 48_000), options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, faults = read(path)
    assert 40 < len(found) < 90
    assert faults.skipped_seconds == pytest.approx(4 - found[-1].time, abs=0.3)


def test_damage_in_the_middle_is_skipped(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    pictures = [(index / 25, np.roll(noise, index, axis=1)) for index in range(100)]
    path = write_clip(
        tmp_path / "scratched.mp4",
        pictures,
        clicks(4, 48_000, [3.5]),
        codec="libx264",
        codec_options={"g": "12"},
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 6000] = np.random.default_rng(1).bytes(6000)
    path.write_bytes(bytes(data))
    found, faults = read(path)
    assert faults.video_errors > 0 and faults.audio_errors > 0
    assert found[-1].time == pytest.approx(3.98, abs=0.05)
    lost = 134 - len(found)
    # how many are damaged depends on the timing of the decoder's threads
    assert 0 < lost < 40
    assert faults.skipped_seconds == pytest.approx(lost * 0.03, abs=0.07)
    loud = [m.time for m in found if m.sound is not None and np.abs(m.sound).max() > 0.3]
    assert loud and loud[0] == pytest.approx(3.52, abs=0.03)


def test_noise_never_crashes(tmp_path: Path) -> None:
    """Random bytes anywhere give moments or an InputError, nothing else."""
    for kind in ("mp4", "mkv", "avi", "ts"):
        codec = "mjpeg" if kind == "avi" else "libx264"
        form = "yuvj420p" if kind == "avi" else "yuv420p"
        whole = write_clip(
            tmp_path / f"whole.{kind}",
            flashing(1, []),
            clicks(1, 48_000),
            codec=codec,
            pix_fmt=form,
            sound_codec="pcm_s16le" if kind == "avi" else "aac",
        ).read_bytes()
        for seed in range(12):
            random = np.random.default_rng(seed)
            data = bytearray(whole)
            for place in random.integers(0, len(data), 30):
                data[place] = random.integers(256)
            path = tmp_path / f"noise.{kind}"
            path.write_bytes(bytes(data))
            try:
                found, _ = read(path)
            except InputError:
                continue
            assert len(found) < 10_000
