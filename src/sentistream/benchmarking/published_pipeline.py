"""The pipeline as published, for comparison only: the product does not use it.

HOG on every full picture, the spectrogram drawn with matplotlib, the networks as in the tables,
run by PyTorch one sample at a time. Weights are random, which costs the same; the caller
therefore chooses which branch decides.
"""

from __future__ import annotations

from typing import Any

import dlib
import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.signal import stft
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sentistream.networks.export import FromPictures
from sentistream.networks.paper import AudioNetwork, FusedNetwork, MouthNetwork, VisualNetwork
from sentistream.types import SOUND_RATE, Box, FloatArray, Moment, UInt8Array
from sentistream.vision.crops import FACE_SIZE, MOUTH_SIZE, face_window, mouth_window
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.voice.spectrogram import CEILING_DB, FLOOR_DB, HOP, PICTURE_SIZE, WINDOW


def drawn_spectrogram(sound: FloatArray) -> UInt8Array:
    """The picture of 30 ms of sound as matplotlib draws it, shape (400, 400, 3) RGB."""
    frequencies, times, values = stft(sound, SOUND_RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)
    levels = 20 * np.log10(np.abs(values) + 1e-12)
    figure = Figure(figsize=(PICTURE_SIZE / 100, PICTURE_SIZE / 100), dpi=100)
    canvas: Any = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.pcolormesh(
        times, frequencies, levels, cmap=colormaps["viridis"], vmin=FLOOR_DB, vmax=CEILING_DB
    )
    axes.set_axis_off()
    canvas.draw()
    pixels = canvas.buffer_rgba()
    return np.asarray(pixels)[..., :3].copy()


class PublishedPipeline:
    """Figure 1 without any of the shortcuts; for one face."""

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = LandmarkPredictor()
        self._mouth = FromPictures(MouthNetwork(), 1).eval()
        self._visual = FromPictures(VisualNetwork(), 3).eval()
        self._fused = FromPictures(FusedNetwork(VisualNetwork(), AudioNetwork()), 3).eval()
        self._smoothed = np.zeros(3)

    @torch.inference_mode()
    def process(self, moment: Moment, mouth_is_open: bool) -> bool:
        """Analyzes one moment; returns whether a face was found."""
        picture = moment.picture
        luma = np.ascontiguousarray(picture.luma)
        found = self._detector(luma, 0)
        if not found:
            return False
        best = found[0]
        box = Box(best.left(), best.top(), best.right() + 1, best.bottom() + 1)
        points = self._landmarks.predict(luma, box)
        face = picture.crop(face_window(points), FACE_SIZE, FACE_SIZE)
        mouth = picture.crop(mouth_window(points), MOUTH_SIZE, MOUTH_SIZE)
        self._mouth(_batch(mouth))
        if mouth_is_open and moment.sound is not None:
            answer = self._fused(_batch(face), _batch(drawn_spectrogram(moment.sound)))
        else:
            answer = self._visual(_batch(face))
        self._smoothed += 0.1 * (answer[0].numpy() - self._smoothed)
        return True

    def multiply_adds(self) -> dict[str, int]:
        """Multiply-adds of each network for one sample, as in the paper's tables."""
        face, picture = torch.zeros(1, 3, 96, 96), torch.zeros(1, 3, 400, 400)
        visual, audio = VisualNetwork().eval(), AudioNetwork().eval()
        return {
            "mouth": _count(MouthNetwork().eval(), torch.zeros(1, 3, 28, 28)),
            "visual": _count(visual, face),
            "fused": _count(FusedNetwork(visual, audio).eval(), face, picture),
        }


def _count(network: nn.Module, *inputs: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(*inputs)
    return int(counter.get_total_flops()) // 2


def _batch(pixels: UInt8Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).unsqueeze(0)
