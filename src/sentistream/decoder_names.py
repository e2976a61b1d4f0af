"""Names of decoders, for options and settings; loads no FFmpeg."""

from __future__ import annotations

from typing import Literal, get_args

SOFTWARE, AUTO = "software", "auto"

HardwareName = Literal[
    "videotoolbox",
    "d3d11va",
    "dxva2",
    "d3d12va",
    "cuda",
    "vaapi",
    "qsv",
    "amf",
    "v4l2",
    "mediacodec",
    "vulkan",
]

HARDWARE: tuple[HardwareName, ...] = get_args(HardwareName)
"""Hardware decoders, in the order in which ``auto`` tries them."""

DecoderName = Literal["auto", "software"] | HardwareName

DECODERS: tuple[str, ...] = (AUTO, SOFTWARE, *HARDWARE)
"""What ``--decoder`` takes."""
