"""Where an answer comes from: which parts of the face, and how much of it from the voice.

Parts of what the face network sees are covered in grey, and it is run again: as far as the
answer falls, the covered part spoke for it (occlusion, Zeiler and Fergus 2014).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sentistream.api import analyze
from sentistream.decision.expressions import Expressions
from sentistream.errors import InputError
from sentistream.prior import Prior, correct
from sentistream.profiles import DEFAULT_PROFILE, Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import (
    SENTIMENTS,
    Distribution,
    Face,
    Flag,
    FloatArray,
    Label,
    Moment,
    Picture,
    Reading,
    UInt8Array,
)
from sentistream.values import ByValue
from sentistream.vision.alignment import VIEW_SIZE, align, view
from sentistream.vision.crops import FACE_SIZE, face_window
from sentistream.vision.landmarker import normalized_points

REGIONS: dict[str, tuple[Sequence[int], ...]] = {
    "brows": (range(17, 22), range(22, 27)),
    "eyes": (range(36, 42), range(42, 48)),
    "nose": ((27, *range(31, 36)),),
    "cheeks": ((1, 2, 3, 4, 48, 31, 39, 40, 41, 36), (15, 14, 13, 12, 54, 35, 42, 47, 46, 45)),
    "mouth": (range(48, 60),),
}
"""The parts of a face, as outlines through the 68 points of the iBUG scheme."""

SHOWN_HEIGHT = 384
"""Height of the face picture in an explanation, pixels."""

_EYES = (slice(36, 42), slice(42, 48))
# in eye distances: the side of the patch, and how far parts extend beyond their points
_PATCH, _MARGIN = 0.66, 0.1
_STEPS = 4  # a patch moves by a quarter of its side
_AROUND = 1.3  # patches slide over the box of the points, enlarged by this factor

ClassifyFace: TypeAlias = Callable[[UInt8Array], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation(ByValue):
    """Where the answer about one face at one moment comes from.

    Attributes:
        reading: The explained reading: its time, face, sentiment and voice share.
        by_face: The face network's answer for this picture, with nothing covered.
        regions: For each of ``REGIONS``, by how much the probability of ``label`` in
            ``by_face`` is higher than with that part covered, -1 to 1. Above 0 the part
            speaks for the label, below 0 against it.
        heat: The same at each point of the network's input, shape (height, width): the mean
            of all patches that covered it, 0 where none did.
        face: The same part of the picture, larger: shape (height, width), or (height, width, 3)
            RGB.
    """

    reading: Reading
    by_face: Distribution
    regions: dict[str, float]
    heat: FloatArray
    face: UInt8Array

    @property
    def label(self) -> Label:
        """The explained class: the most probable of ``reading.smoothed``."""
        assert self.reading.smoothed is not None  # noqa: S101 - others are not explained
        return self.reading.smoothed.label


@dataclass(frozen=True, slots=True, eq=False)
class FaceView(ByValue):
    """What a face network sees of a face.

    Attributes:
        pixels: Shape (height, width, channels).
        points: The 68 landmarks in it, shape (68, 2), at pixel centres.
        face: The same part of the picture, larger.
    """

    pixels: UInt8Array
    points: FloatArray
    face: UInt8Array


def explain(
    source: str | Path,
    at: float,
    *,
    track: int | None = None,
    profile: Profile | str = DEFAULT_PROFILE,
    prior: Prior | str | None = None,
) -> Explanation:
    """Explain the answer about a face at one moment of a video.

    The video is analyzed up to that moment, so that the answer is the one ``analyze`` gives.

    Args:
        source: A video file's path.
        at: Seconds on the video's own clock; the nearest moment is used.
        track: Whose face; by default the largest one whose expression is read.
        profile: Which networks and settings; a name or a ``Profile``.
        prior: How common the classes are assumed to be, as for ``analyze``.

    Raises:
        InputError: The video cannot be analyzed or is not a recording, it has no such moment, or
            no such face with a readable expression is in view then.
        ModelError: A network's file is missing or altered.
    """
    if not (math.isfinite(at) and at >= 0):
        raise InputError(f"There is no moment at {at:g} seconds.", "Name a time from 0 on.")
    last: float | None = None
    with analyze(source, profile=profile, prior=prior) as analysis:
        if analysis.info.live:
            raise InputError(
                f"{analysis.info.name} is no recording, so no moment of it can be looked up.",
                "Record it, and explain the recording.",
            )
        for moment, readings in analysis.moments():
            if moment.time >= at - analysis.profile.tick / 2:
                return explain_moment(moment, _chosen(readings, track), analysis.profile)
            last = moment.time
    end = "has no picture" if last is None else f"ends at {last:.2f} s"
    raise InputError(f"The video {end}; there is nothing at {at:g} s.", "Name an earlier time.")


def explain_moment(moment: Moment, reading: Reading, profile: Profile) -> Explanation:
    """Explain a reading; ``moment`` and ``profile`` are those it was made with.

    Raises:
        ValueError: The reading has no face, or its expression was not read.
        ModelError: A network's file is missing or altered.
    """
    if reading.face is None or reading.smoothed is None:
        raise ValueError("Only a reading of a face with an answer can be explained.")
    place = SENTIMENTS.index(reading.smoothed.label.value)
    face_view, classify = view_face(moment.picture, reading.face, profile), face_classifier(profile)
    by_face, regions, heat = occlude(face_view, classify, place)
    return Explanation(reading, by_face, regions, heat, face_view.face)


def view_face(picture: Picture, face: Face, profile: Profile, *, shown: bool = True) -> FaceView:
    """What the profile's face network sees of a face.

    Args:
        picture: The picture.
        face: The face.
        profile: Which network.
        shown: Whether the larger picture of it is needed; else it is black and takes no memory.
    """
    make = _lite_view if profile.decision == "lite" else _paper_view
    return make(picture, face.landmarks, shown)


def face_classifier(profile: Profile) -> ClassifyFace:
    """Runs the profile's face network, and corrects its answers for the profile's prior.

    Raises:
        ModelError: The network's file is missing or altered.
    """
    network = load_network(profile.face_model)
    classify = (
        _lite_classifier(network) if profile.decision == "lite" else _paper_classifier(network)
    )
    factors = profile.prior.factors(profile.learned_shares)
    return lambda views: correct(classify(views), factors)


def occlude_regions(face_view: FaceView, classify: ClassifyFace, place: int) -> dict[str, float]:
    """What each of ``REGIONS`` adds to an answer, as in ``occlude``, in a twentieth of its time.

    Args:
        face_view: The face; only the shape of its ``face`` matters.
        classify: Returns the three classes' probabilities for views.
        place: The class's index in ``SENTIMENTS``.

    Returns:
        For each region, by how much the class's probability falls with it covered, -1 to 1.
    """
    falls = _falls(face_view, _region_covers(face_view), classify)[1][:, place]
    return dict(zip(REGIONS, falls.tolist(), strict=True))


def occlude(
    face_view: FaceView, classify: ClassifyFace, place: int
) -> tuple[Distribution, dict[str, float], FloatArray]:
    """A network's answer for a face, and what each part and each point adds to it.

    Args:
        face_view: The face.
        classify: Returns the three classes' probabilities for views, (N, height, width, channels)
            to (N, 3).
        place: The class's index in ``SENTIMENTS``.

    Returns:
        The answer; by how much the class's probability falls with each region covered; and the
        same for the patches that slide over the face, see ``Explanation.heat``.
    """
    covers, patches = _region_covers(face_view), _patches(face_view)
    answer, changes = _falls(face_view, [*covers, *patches], classify)
    falls = changes[:, place]
    total, count = np.zeros(face_view.pixels.shape[:2]), np.zeros(face_view.pixels.shape[:2])
    for cover, fall in zip(patches, falls[len(covers) :], strict=True):
        total[cover] += fall
        count[cover] += 1
    heat = np.asarray(total / np.maximum(count, 1), np.float32)
    regions = dict(zip(REGIONS, falls[: len(covers)].tolist(), strict=True))
    return Distribution.from_array(answer), regions, heat


def _region_covers(face_view: FaceView) -> list[NDArray[np.bool_]]:
    """Where each of ``REGIONS`` lies, shapes (height, width)."""
    covers = [_region(face_view, parts) for parts in REGIONS.values()]
    names = list(REGIONS)
    # the cheeks are the area between the other parts
    others = [cover for name, cover in zip(names, covers, strict=True) if name != "cheeks"]
    covers[names.index("cheeks")] &= ~np.any(others, axis=0)
    return covers


def _falls(
    face_view: FaceView, covers: Sequence[NDArray[np.bool_]], classify: ClassifyFace
) -> tuple[FloatArray, FloatArray]:
    """The answer, shape (3,), and how far it falls with each mask, shape (masks, 3)."""
    grey = np.round(face_view.pixels.mean(axis=(0, 1))).astype(np.uint8)
    covered = [np.where(cover[..., np.newaxis], grey, face_view.pixels) for cover in covers]
    answers = classify(np.stack([face_view.pixels, *covered]))
    return answers[0], answers[0] - answers[1:]


def _chosen(readings: Sequence[Reading], track: int | None) -> Reading:
    """The reading to explain, out of one moment's."""
    time = readings[0].time
    here = [one for one in readings if one.face is not None and track in (None, one.track)]
    read = [one for one in here if one.smoothed is not None]
    if not here:
        whose = "No face is" if track is None else f"Appearance {track} is not"
        raise InputError(
            f"{whose} in view at {time:.2f} s.",
            "readings.csv of `sentistream analyze` says when which one is.",
        )
    if not read:
        turned = Flag.TURNED_AWAY in here[0].flags
        why = "it is turned away" if turned else "too little of it is seen"
        raise InputError(
            f"The expression of the face in view at {time:.2f} s is not read: {why}.",
            "Choose a moment at which it looks towards the camera.",
        )
    return max(read, key=lambda one: one.face.box.area if one.face else 0.0)


def _lite_view(picture: Picture, landmarks: FloatArray, shown: bool) -> FaceView:
    where = align(landmarks)
    return FaceView(
        pixels=view(picture.luma, where)[..., np.newaxis],
        points=where.to_shares(landmarks) * VIEW_SIZE - np.float32(0.5),
        face=view(picture.luma, where, SHOWN_HEIGHT)
        if shown
        else _black(SHOWN_HEIGHT, SHOWN_HEIGHT),
    )


def _black(height: int, width: int) -> UInt8Array:
    return np.broadcast_to(np.zeros((), np.uint8), (height, width))


def _paper_view(picture: Picture, landmarks: FloatArray, shown: bool) -> FaceView:
    window = face_window(landmarks)
    width = round(SHOWN_HEIGHT * window.width / window.height)
    return FaceView(
        pixels=picture.crop(window, FACE_SIZE, FACE_SIZE),
        points=normalized_points(landmarks, window) * FACE_SIZE - np.float32(0.5),
        face=picture.crop(window, width, SHOWN_HEIGHT) if shown else _black(SHOWN_HEIGHT, width),
    )


def _lite_classifier(network: Runnable) -> ClassifyFace:
    def classify(views: UInt8Array) -> FloatArray:
        # each as a separate face: as it is and mirrored, as when they are first seen
        expressions, tracks = Expressions(network), range(len(views))
        expressions.update(tracks, views, 0.0)
        return expressions.of(tracks)

    return classify


def _paper_classifier(network: Runnable) -> ClassifyFace:
    return lambda views: network.run(face=views)


def _eye_distance(face_view: FaceView) -> tuple[float, float]:
    """Pixels of the network's input, across and down; those of ``paper`` are not square."""
    right, left = (face_view.points[eye].mean(axis=0) for eye in _EYES)
    high, wide = face_view.pixels.shape[:2]
    shape = (face_view.face.shape[1] / face_view.face.shape[0]) / (wide / high)
    across, down = (left - right).tolist()
    distance = math.hypot(across, down / shape)
    return distance, distance * shape


def _region(face_view: FaceView, parts: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Where a part of the face lies, shape (height, width)."""
    high, wide = face_view.pixels.shape[:2]
    image = Image.new("1", (wide, high))
    draw = ImageDraw.Draw(image)
    width = max(1, round(2 * _MARGIN * min(_eye_distance(face_view))))
    for part in parts:
        outline = [(float(x), float(y)) for x, y in face_view.points[list(part)]]
        draw.polygon(outline, fill=1)
        draw.line([*outline, outline[0]], fill=1, width=width, joint="curve")
    return np.array(image, dtype=np.bool_)


def _patches(face_view: FaceView) -> list[NDArray[np.bool_]]:
    """Rectangles that slide over the face, each of shape (height, width)."""
    along = []
    for axis, length in ((1, face_view.pixels.shape[1]), (0, face_view.pixels.shape[0])):
        values = face_view.points[:, 1 - axis]
        side = _PATCH * _eye_distance(face_view)[1 - axis]
        centre, reach = (values.min() + values.max()) / 2, np.ptp(values) / 2 * _AROUND
        first, last = max(0.0, centre - reach), min(length - 1.0, centre + reach)
        steps = max(2, math.ceil((last - first) / (side / _STEPS)) + 1)
        places = np.arange(length)
        along.append([abs(places - at) <= side / 2 for at in np.linspace(first, last, steps)])
    across, down = along
    return [np.outer(rows, columns) for rows in down for columns in across]
