"""Decoding of still images; all are read here, so that all parts see the same pixels."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from sentistream.errors import InputError
from sentistream.media.container import MAX_PIXELS
from sentistream.translatable import Translatable
from sentistream.types import UInt8Array

_FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TGA", "TIFF"),
    "WEBP",
)
_ORIENTATION = 0x0112  # of EXIF
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WITH_PROFILES = ("RGB", "RGBA", "CMYK", "L")
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
# besides the picture itself, phones store others of the same scene in it
_SEVERAL_OF_ONE_SCENE = "MPO"
_WAY_OUT = "Convert it to JPEG or PNG, or take it out."


def read_image(source: Path | bytes, name: str = "") -> UInt8Array:
    """Reads an image upright and in sRGB: shape (height, width, 3), uint8.

    It is turned upright by its EXIF orientation; its colours are converted from its own profile to
    sRGB, 16 bits to 8, and transparency to white.

    Args:
        source: A file, or its bytes.
        name: Its name; by default the path.

    Raises:
        InputError: It cannot be read, is truncated, is an animation or has several pages, has
            more than ``MAX_PIXELS`` pixels, or values that are not brightness.
    """
    name = name or (str(source) if isinstance(source, Path) else "The picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of damaged EXIF
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            with Image.open(file, formats=_known_formats()) as image:
                problem = _problem(image)
                if not problem:
                    return _pixels(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        problem = f"it has more than {MAX_PIXELS:,} pixels"
    except MemoryError:
        problem = "there is not enough memory for it"
    except Exception as error:  # whatever a decoder raises for a damaged file
        empty = (len(source) if isinstance(source, bytes) else _size(source)) == 0
        problem = "it is empty: zero bytes" if empty else _reason(error)
    raise InputError(
        Translatable("{name} cannot be read as an image ({words}).", name=name, words=problem),
        _WAY_OUT,
    )


def _known_formats() -> list[str]:
    Image.init()
    return [each for each in _FORMATS if each in Image.OPEN]


def _problem(image: Image.Image) -> str:
    """Why a picture is refused before it is decoded; empty if it is not."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        return f"its {width} x {height} pixels are more than {MAX_PIXELS:,}"
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format != _SEVERAL_OF_ONE_SCENE:
        return f"it holds {count} pictures, as an animation or pages"
    if image.mode == "F":
        return "its values are no brightness of 8 or 16 bits"
    return ""


def _pixels(image: Image.Image) -> UInt8Array:
    image.load()
    how = _TURNS.get(_orientation(image))
    turned = image if how is None else image.transpose(how)
    if turned.mode in (*_SIXTEEN_BIT, "I"):
        return _from_sixteen_bit(turned)
    turned = _as_srgb(turned)
    if turned.has_transparency_data:
        rgba = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(turned.convert("RGB"), dtype=np.uint8)


def _as_srgb(image: Image.Image) -> Image.Image:
    """Its colours converted to sRGB; unchanged without a colour profile."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in _WITH_PROFILES:
        return image
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(own).lower():
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        screen = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, own, screen, outputMode=mode)
        return converted or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        # a damaged profile, or one for another mode; the picture may be fine
        return image


def _orientation(image: Image.Image) -> object:
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:  # damaged metadata: the picture may be fine
        return None


def _from_sixteen_bit(image: Image.Image) -> UInt8Array:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its values are no brightness of 8 or 16 bits")
    grey = ((values + 128) // 257).astype(np.uint8)
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def _size(path: Path) -> int | None:
    """Bytes; None if there is no such file."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return Translatable(error.strerror)
    if isinstance(error, UnidentifiedImageError):
        return "it is of no kind that is known"
    return str(error) or type(error).__name__
