"""Small synthetic data sets."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from sentistream.types import FloatArray, UInt8Array


def tone(seconds: float, pitch: float, rate: int = 16_000) -> FloatArray:
    """A sine at half of full scale."""
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def write_sound(path: Path, sound: FloatArray, rate: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 32_767).astype("<i2").tobytes())
    return path


def scene(seed: int, side: int = 64) -> UInt8Array:
    """A smooth random picture that depends on the seed; shape (side, side, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8)


def encoded(pixels: UInt8Array, form: str = "png", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, quality=quality)
    return buffer.getvalue()


def write_image(path: Path, pixels: UInt8Array) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(pixels, "jpeg" if path.suffix == ".jpg" else "png"))
    return path


def write_parquet(path: Path, rows: list[dict[str, object]]) -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path
