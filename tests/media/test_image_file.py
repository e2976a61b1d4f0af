"""Image files are read correctly, or refused in a sentence that names the file."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sentistream.datasets.dataset import Sample
from sentistream.datasets.images import read_listed_images
from sentistream.datasets.sample_inspection import inspect_image
from sentistream.errors import InputError
from sentistream.media.image_file import read_image
from sentistream.types import SENTIMENTS

RED, GREY = (200, 40, 30), (90, 90, 90)


def picture() -> Image.Image:
    """Grey, with a red corner at the upper left; wider than high."""
    image = Image.new("RGB", (48, 32), GREY)
    image.paste(RED, (0, 0, 16, 16))
    return image


def check(pixels: Any, tolerance: int = 12) -> None:
    assert (pixels.shape, pixels.dtype) == ((32, 48, 3), np.uint8)
    assert np.abs(pixels[4, 4].astype(int) - RED).max() <= tolerance
    assert np.abs(pixels[-4, -4].astype(int) - GREY).max() <= tolerance


# how a picture is stored so that its orientation tag turns it upright
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_orientation_is_applied(tmp_path: Path, orientation: int, kind: str) -> None:
    how = STORED[orientation]
    stored = picture() if how is None else picture().transpose(how)
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"a.{kind}"
    stored.save(path, exif=exif)
    check(read_image(path), 40 if kind in ("jpeg", "webp") else 0)


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bit_images_are_read(tmp_path: Path, kind: str) -> None:
    values = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / f"a.{kind}")
    pixels = read_image(tmp_path / f"a.{kind}")
    assert pixels.shape == (16, 16, 3)
    assert np.abs(pixels[..., 0].ravel().astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("CMYK", "jpeg"), ("CMYK", "tiff"), ("P", "png"), ("P", "gif"), ("YCbCr", "jpeg")],
)
def test_other_color_modes_are_converted(tmp_path: Path, mode: str, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    picture().convert(mode).save(path)
    check(read_image(path), 40)


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_monochrome_images_are_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (48, 32), 255).convert(mode).save(path)
    assert (read_image(path) == 255).all()


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_transparency_becomes_white(tmp_path: Path, kind: str) -> None:
    image = picture().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 255))
    image.paste((0, 0, 0, 0), (40, 0, 48, 8))
    path = tmp_path / f"a.{kind}"
    image.save(path, lossless=True)
    pixels = read_image(path)
    check(pixels, 0)
    assert (pixels[2, 44] == 255).all()


def test_transparent_palette_color_becomes_white(tmp_path: Path) -> None:
    image = picture().quantize(8)
    corner = image.getpixel((44, 2))
    image.save(tmp_path / "a.png", transparency=corner)
    pixels = read_image(tmp_path / "a.png")
    assert (pixels[2, 44] == 255).all()
    assert np.abs(pixels[4, 4].astype(int) - RED).max() < 20


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "tiff"])
def test_multi_image_files_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"many.{kind}"
    others = [Image.new("RGB", (48, 32), colour) for colour in ("red", "blue")]
    picture().save(path, save_all=True, append_images=others)
    with pytest.raises(InputError, match=r"many.*3 pictures"):
        read_image(path)


def test_first_of_several_images_of_one_scene_is_read(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    picture().save(path, "MPO", save_all=True, append_images=[Image.new("L", (12, 8))])
    check(read_image(path), 40)


def test_oversized_image_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    Image.new("1", (9000, 8000)).save(path)
    with pytest.raises(InputError, match=r"huge\.png .*9000 x 8000"):
        read_image(path)
    Image.new("1", (20000, 12000)).save(path)
    with pytest.raises(InputError, match=r"huge\.png .*pixels"):
        read_image(path)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff", "bmp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated_image_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    whole = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(whole, kind)
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(whole.getvalue()[: int(share * len(whole.getvalue()))])
    with pytest.raises(InputError, match=r"cut\.") as refused:
        read_image(path)
    assert refused.value.way_out


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"hello"])
def test_invalid_image_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.jpg cannot be read as an image"):
        read_image(content, "x.jpg")


def test_values_outside_the_brightness_range_are_refused(tmp_path: Path) -> None:
    for number, values in enumerate((np.ones((4, 4), np.float32), np.full((4, 4), 1 << 20))):
        Image.fromarray(values.astype(values.dtype if number == 0 else np.int32)).save(
            tmp_path / "a.tiff"
        )
        with pytest.raises(InputError, match="no brightness"):
            read_image(tmp_path / "a.tiff")


def _profile(name: str, primaries: dict[str, tuple[float, float, float]]) -> bytes:
    """An ICC profile of a display with these primaries (XYZ at D50) and a gamma of 2.2."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    title = name.encode("ascii") + b"\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(title)) + title + bytes(78)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    contents = {b"desc": description, b"cprt": b"text\0\0\0\0none\0"}
    contents |= {b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    contents |= {f"{one}XYZ".encode(): xyz(values) for one, values in primaries.items()}
    contents |= {f"{one}TRC".encode(): curve for one in primaries}
    place, index, body = 132 + 12 * len(contents), b"", b""
    for key, content in contents.items():
        padded = content + bytes(-len(content) % 4)
        index += key + struct.pack(">II", place + len(body), len(content))
        body += padded
    head = struct.pack(">I", place + len(body)) + bytes(4) + struct.pack(">I", 0x02400000)
    head += b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(map(number, (0.9642, 1.0, 0.8249)))
    head += bytes(128 - len(head))
    return head + struct.pack(">I", len(contents)) + index + body


WIDE = {
    "r": (0.5151, 0.2412, -0.0011),
    "g": (0.2920, 0.6922, 0.0419),
    "b": (0.1571, 0.0666, 0.7841),
}
"""Of Display P3, the color space of phone cameras."""


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_wide_gamut_colors_are_converted_to_srgb(tmp_path: Path, kind: str, mode: str) -> None:
    if (kind, mode) == ("jpeg", "RGBA"):
        pytest.skip("JPEG has no alpha")
    path = tmp_path / f"a.{kind}"
    skin = (190, 140, 120)
    quality: dict[str, Any] = {} if kind == "png" else {"quality": 95}
    image = Image.new(mode, (32, 32), skin)
    image.save(path, icc_profile=_profile("Wide", WIDE), **quality)
    seen = read_image(path)[16, 16].astype(int)
    # the same light takes more red and less blue on a display with a smaller gamut
    assert seen[0] - skin[0] >= 5 and skin[2] - seen[2] >= 2
    assert abs(seen[1] - skin[1]) <= 6
    image.save(path, icc_profile=_profile("sRGB of somebody", WIDE), **quality)
    assert np.abs(read_image(path)[16, 16].astype(int) - skin).max() <= 3


@pytest.mark.parametrize("profile", [b"no profile", _profile("Wide", WIDE)[:200]])
def test_damaged_profile_does_not_prevent_reading(tmp_path: Path, profile: bytes) -> None:
    picture().save(tmp_path / "a.png", icc_profile=profile)
    check(read_image(tmp_path / "a.png"))


def test_all_readers_see_the_same_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "a.png"
    picture().transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    (tmp_path / "list.csv").write_text("path,label\na.png,positive\n", "utf-8")
    (listed,) = read_listed_images(tmp_path / "list.csv", SENTIMENTS)
    check(listed.pixels, 0)
    sample = Sample(name="a.png", medium="image", path=path, label="positive")
    examined = inspect_image(sample, path.read_bytes())
    assert examined.size == (48, 32)
    assert examined.picture is not None
    check(examined.picture, 0)


@pytest.mark.parametrize(
    "exif",
    [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0II*\0\x08\0\0\0", b"Exif\0\0no TIFF", b"II*\0\xff"],
)
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_damaged_metadata_does_not_prevent_reading(tmp_path: Path, exif: bytes, kind: str) -> None:
    """As in Pillow's issues 4852, 5528, 6123 and 8348."""
    path = tmp_path / f"a.{kind}"
    picture().save(path, exif=exif)
    check(read_image(path), 40)


def test_empty_file_is_reported_as_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    for source in (tmp_path / "a.jpg", b""):
        with pytest.raises(InputError, match="zero bytes"):
            read_image(source)
