"""How many faces of still pictures the detector finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentistream.errors import InputError
from sentistream.evaluation.corruption_conditions import SEED, PictureCondition
from sentistream.evaluation.evaluation_metrics import cluster_interval, rounded_interval
from sentistream.evaluation.evaluation_results import MAX_VALUES
from sentistream.evaluation.face_annotations import AnnotatedFace, AnnotatedPicture
from sentistream.evaluation.face_attributes import BRIGHT, DARK
from sentistream.evaluation.face_detection_metrics import (
    OPERATING_THRESHOLD,
    MatchedPicture,
    ScoredBox,
    match_detections,
    precision_recall,
)
from sentistream.evaluation.tracking_metrics import match_boxes
from sentistream.intervals import difference_interval, wilson_interval
from sentistream.media.picture import RgbPicture
from sentistream.types import UInt8Array

SIZE_EDGES = (12, 24, 48, 96)
"""Lower limits of the bands of face size, pixels; the last is open-ended."""

DARKEST, LIGHTEST = ("Black", "Indian"), ("White", "East Asian")
"""Values of FairFace's race whose recalls are compared."""

CLEAN = "undisturbed"
_CURVE_POINTS = 200
_YAW, _ROLL = (30, 60), (15, 45)

Detect = Callable[[UInt8Array], list[ScoredBox]]


@dataclass(frozen=True, slots=True)
class PictureDetections:
    """A picture and its detections.

    Attributes:
        picture: The picture.
        matched: Detections matched with its faces.
        alike: How many faces were found by the looser rule ``following.same_face``.
        brightness: Mean of the picture, 0 to 255.
    """

    picture: AnnotatedPicture
    matched: MatchedPicture
    alike: int
    brightness: float

    @property
    def found(self) -> set[int]:
        """Numbers of the faces found at the working threshold."""
        return self.matched.found(OPERATING_THRESHOLD)

    @property
    def false(self) -> int:
        """Detections on no face at the working threshold."""
        return self.matched.false(OPERATING_THRESHOLD)


def detect_in_pictures(
    pictures: Iterable[AnnotatedPicture], detect: Detect, *, on_problem: Callable[[str], None]
) -> list[PictureDetections]:
    """Each picture that can be read; ``on_problem`` gets the reason for each of the others.

    Raises:
        InputError: None can be read.
    """
    detected = []
    for picture in pictures:
        try:
            pixels = picture.pixels()
        except InputError as error:
            on_problem(error.problem)
            continue
        luma = RgbPicture(pixels).luma
        found = detect(luma)
        counted = [face.box for face in picture.faces if face.counted]
        sure = [one.box for one in found if one.score >= OPERATING_THRESHOLD]
        detected.append(
            PictureDetections(
                picture,
                match_detections(found, picture.faces),
                len(match_boxes(sure, counted)),
                float(luma.mean()),
            )
        )
    if not detected:
        raise InputError("None of the pictures can be read.", "Check the paths in the manifest.")
    return detected


def summarize_pictures(detected: Sequence[PictureDetections]) -> dict[str, Any]:
    """The figures of ``results.json``."""
    faces = sum(one.matched.counted for one in detected)
    hits, false = sum(len(one.found) for one in detected), sum(one.false for one in detected)
    facts: dict[str, Any] = {
        "pictures": len(detected),
        "faces": faces,
        "ignored_faces": sum(len(one.picture.faces) for one in detected) - faces,
        "working_threshold": OPERATING_THRESHOLD,
        "found": hits,
        "false": false,
        "recall": proportion(hits, faces),
        "recall_pictures_ci95": rounded_interval(
            cluster_interval(
                [len(one.found) for one in detected], [one.matched.counted for one in detected]
            )
        ),
        "recall_same_face": proportion(sum(one.alike for one in detected), faces),
        "precision": proportion(hits, hits + false),
        "average_precision": None,
        "average_precision_ci95": None,
        "curve": [],
        "without_faces": _without_faces(detected),
        "groups": _groups(detected),
        "race_difference": _race_difference(detected),
    }
    if faces:
        curve = precision_recall([one.matched for one in detected])
        every = max(1, len(curve.recall) // _CURVE_POINTS)
        facts["average_precision"] = round(curve.average, 4)
        facts["average_precision_ci95"] = rounded_interval(curve.average_ci95)
        facts["curve"] = [
            {
                "threshold": round(float(curve.threshold[place]), 4),
                "recall": round(float(curve.recall[place]), 4),
                "precision": round(float(curve.precision[place]), 4),
            }
            for place in range(0, len(curve.recall), every)
        ]
    return facts


def corrupted_recall(
    pictures: Iterable[AnnotatedPicture],
    detect: Detect,
    conditions: Sequence[PictureCondition],
) -> list[dict[str, Any]]:
    """Recall on clean pictures and under each condition, of the pictures that have a counted face.

    Pictures that cannot be read are skipped.
    """
    rows: list[dict[str, Any]] = [
        {"kind": kind, "level": level, "pictures": 0, "faces": 0, "found": 0, "false": 0}
        for kind, level in [
            (CLEAN, ""),
            *((condition.kind, condition.level) for condition in conditions),
        ]
    ]

    def add(row: dict[str, Any], pixels: UInt8Array, faces: tuple[AnnotatedFace, ...]) -> None:
        matched = match_detections(detect(RgbPicture(pixels).luma), faces)
        row["pictures"] += 1
        row["faces"] += matched.counted
        row["found"] += len(matched.found(OPERATING_THRESHOLD))
        row["false"] += matched.false(OPERATING_THRESHOLD)

    for number, picture in enumerate(pictures):
        if not any(face.counted for face in picture.faces):
            continue
        try:
            pixels = picture.pixels()
        except InputError:
            continue
        add(rows[0], pixels, picture.faces)
        for place, condition in enumerate(conditions):
            generator = np.random.default_rng((SEED, number, place))
            made = condition.make(pixels, picture.faces, generator)
            if made is not None:
                add(rows[1 + place], *made)
    return [{**row, "recall": proportion(row["found"], row["faces"])} for row in rows]


def proportion(part: int, total: int) -> dict[str, Any]:
    """``proportion`` and its Wilson interval ``ci95``, with ``n``, for JSON; None of nothing."""
    return {
        "n": total,
        "share": round(part / total, 4) if total else None,
        "ci95": rounded_interval(wilson_interval(part, total)) if total else None,
    }


def bin_label(value: float, edges: Sequence[float], unit: str) -> str:
    """The name of a value's band, such as ``24-48 px``."""
    above = [edge for edge in edges if value >= edge]
    if not above:
        return f"below {edges[0]:g} {unit}"
    after = edges[len(above)] if len(above) < len(edges) else None
    return f"{above[-1]:g} {unit} and more" if after is None else f"{above[-1]:g}-{after:g} {unit}"


def bin_labels(edges: Sequence[float], unit: str) -> list[str]:
    """All names of bands, in order."""
    return [bin_label(value, edges, unit) for value in (edges[0] - 1, *edges)]


def recall_by_value(
    counted: Iterable[tuple[str, bool]], order: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Recall by value, of faces each with its value and whether it was found.

    Args:
        counted: Empty values are skipped.
        order: The order of the values, if it is not alphabetical.
    """
    found: dict[str, list[bool]] = {}
    for value, hit in counted:
        if value:
            found.setdefault(value, []).append(hit)
    known = [value for value in order if value in found]
    return {
        value: proportion(sum(found[value]), len(found[value]))
        for value in [*known, *sorted(set(found) - set(known))]
    }


def parse_fairface_info(info: str) -> tuple[str, str, str] | None:
    """Race, sex and age of an ``info`` such as ``White|Female|20-29``; None of another."""
    parts = tuple(part.strip() for part in info.split("|"))
    if len(parts) != 3 or parts[1] not in ("Male", "Female") or not all(parts):
        return None
    return parts[0], parts[1], parts[2]


def source_groups(sources: Sequence[str]) -> dict[str, str]:
    """The name of each source's kind.

    Up to ``MAX_VALUES`` different sources are kinds themselves. If there are more, which name
    single pictures, the kind is their first word or two before anything that looks like a path, a
    file, an address or a number, and the text in brackets at the end.
    """
    if len(set(sources)) <= MAX_VALUES:
        return {source: source for source in sources}
    return {source: _source_group(source) for source in sources}


def _source_group(source: str) -> str:
    words = source.split()
    if not words:
        return ""
    kept = []
    for word in words[:2]:
        if any(sign in word for sign in "/:@._#") or word[0].isdigit():
            break
        kept.append(word.strip(",;"))
    named = " ".join(kept) or words[0].partition("@")[0].partition(":")[0]
    last = words[-1]
    return f"{named} {last}" if len(words) > 1 and last[0] == "(" and last[-1] == ")" else named


def _groups(detected: Sequence[PictureDetections]) -> dict[str, dict[str, Any]]:
    """Recall by attributes of faces and pictures that have two values or more."""
    kinds = source_groups([one.picture.source for one in detected])
    brightness = ("dark", "medium", "bright")
    columns: dict[str, tuple[Callable[[PictureDetections, AnnotatedFace], str], Sequence[str]]] = {
        "size": (
            lambda _, face: bin_label(face.size, SIZE_EDGES, "px"),
            bin_labels(SIZE_EDGES, "px"),
        ),
        "source": (lambda one, _: kinds[one.picture.source], ()),
        "race": (lambda one, _: (parse_fairface_info(one.picture.info) or ("",))[0], ()),
        "sex": (lambda one, _: (parse_fairface_info(one.picture.info) or ("", ""))[1], ()),
        "brightness": (
            lambda one, _: brightness[sum(one.brightness >= e for e in (DARK, BRIGHT))],
            brightness,
        ),
        "occluded": (lambda _, face: {None: "", True: "yes", False: "no"}[face.occluded], ()),
        "yaw": (lambda _, face: _turn(face.yaw, _YAW), bin_labels(_YAW, "degrees")),
        "roll": (lambda _, face: _turn(face.roll, _ROLL), bin_labels(_ROLL, "degrees")),
    }
    groups = {
        name: recall_by_value(
            (
                (value_of(one, face), number in one.found)
                for one in detected
                for number, face in enumerate(one.picture.faces)
                if face.counted
            ),
            order,
        )
        for name, (value_of, order) in columns.items()
    }
    return {name: values for name, values in groups.items() if len(values) > 1 or name == "size"}


def _turn(degrees: float | None, edges: Sequence[float]) -> str:
    return "" if degrees is None else bin_label(abs(degrees), edges, "degrees")


def _race_difference(detected: Sequence[PictureDetections]) -> dict[str, Any] | None:
    """Recall of the lightest minus that of the darkest faces (Newcombe); None without both."""
    counts = {DARKEST: [0, 0], LIGHTEST: [0, 0]}
    for one in detected:
        known = parse_fairface_info(one.picture.info)
        for races, of_races in counts.items():
            if known and known[0] in races:
                of_races[0] += len(one.found)
                of_races[1] += one.matched.counted
    dark, light = counts[DARKEST], counts[LIGHTEST]
    if not dark[1] or not light[1]:
        return None
    return {
        "darkest": {"races": list(DARKEST), **proportion(*dark)},
        "lightest": {"races": list(LIGHTEST), **proportion(*light)},
        "difference": round(light[0] / light[1] - dark[0] / dark[1], 4),
        "ci95": rounded_interval(difference_interval((light[0], light[1]), (dark[0], dark[1]))),
    }


def _without_faces(detected: Sequence[PictureDetections]) -> dict[str, Any] | None:
    """False faces in pictures without annotated faces; None if there are none."""
    empty = [one.false for one in detected if not one.picture.faces]
    if not empty:
        return None
    return {
        "pictures": len(empty),
        "false": sum(empty),
        "false_per_picture": round(sum(empty) / len(empty), 4),
        "with_false": proportion(sum(count > 0 for count in empty), len(empty)),
    }
