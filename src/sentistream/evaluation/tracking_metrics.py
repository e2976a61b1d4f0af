"""Quality of tracking: faces found, false tracks, fragmentations, identity switches.

The figures are those of multi-object tracking: IDF1 (Ristani and others 2016), HOTA (Luiten and
others 2021), fragmentations and identity switches (Bernardin and Stiefelhagen 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentistream.types import Box

MIN_IOU = 0.4
WIDTH_RATIO = 2.0

ALPHAS = tuple(step / 20 for step in range(1, 20))
"""Intersections over union that HOTA is the mean over: 0.05 to 0.95."""


def same_face(reading: Box, reference: Box) -> bool:
    """Whether a reading's box matches an annotated face; the only such rule.

    Boxes follow different conventions: brow to chin, or the whole head, or a square around the
    nose. So they match if intersection over union is at least ``MIN_IOU``, or if the centre
    of the reading's box is within the reference box and neither is more than
    ``WIDTH_RATIO`` times as wide as the other.
    """
    if reading.iou(reference) >= MIN_IOU:
        return True
    x, y = reading.center
    within = reference.left <= x < reference.right and reference.top <= y < reference.bottom
    return within and 1 / WIDTH_RATIO <= reading.width / reference.width <= WIDTH_RATIO


@dataclass(frozen=True, slots=True)
class FrameTracks:
    """One annotated frame with its readings.

    Attributes:
        time: Seconds.
        faces: Identity (unique over everything measured together) and box of each face that
            should be found; identities within a frame differ.
        tracks: Track (unique likewise) and box of each reading, without those on ignored
            regions.
    """

    time: float
    faces: tuple[tuple[str, Box], ...]
    tracks: tuple[tuple[str, Box], ...]

    def pairs(self) -> list[tuple[int, int]]:
        """Numbers of the faces that were found and of the tracks they were found by."""
        return match_boxes([box for _, box in self.tracks], [box for _, box in self.faces])


def match_boxes(readings: Sequence[Box], references: Sequence[Box]) -> list[tuple[int, int]]:
    """Pairs of reference and reading of the same face: as many as possible, the closest first."""
    weight = np.zeros((len(references), len(readings)))
    for row, reference in enumerate(references):
        for column, reading in enumerate(readings):
            if same_face(reading, reference):
                weight[row, column] = len(references) + reading.iou(reference)
    return max_weight_matching(weight)


@dataclass(frozen=True, slots=True)
class Idf1:
    """Agreement of identities, one track for one person over all frames.

    Attributes:
        value: 2 true / (faces + readings), 0 to 1.
        true: Readings of the track that belongs to the person, on that person.
        faces, readings: How many there are.
    """

    value: float
    true: int
    faces: int
    readings: int


def idf1(frames: Sequence[FrameTracks]) -> Idf1:
    """Identities and tracks are paired so that most readings agree (exactly, Hungarian).

    Raises:
        ValueError: There are neither faces nor readings.
    """
    identities, tracks = _names(frames)
    together = np.zeros((len(identities), len(tracks)))
    for frame in frames:
        for identity, box in frame.faces:
            for track, read in frame.tracks:
                together[identities[identity], tracks[track]] += same_face(read, box)
    true = int(sum(together[pair] for pair in max_weight_matching(together)))
    faces = sum(len(frame.faces) for frame in frames)
    readings = sum(len(frame.tracks) for frame in frames)
    if not faces + readings:
        raise ValueError("Without a face or a reading there is no agreement.")
    return Idf1(2 * true / (faces + readings), true, faces, readings)


@dataclass(frozen=True, slots=True)
class Hota:
    """Higher order tracking accuracy and its two parts, each the mean over ``ALPHAS``, 0 to 1.

    Attributes:
        value: Mean of the geometric means of the two others.
        detection: Share of faces and readings that match each other.
        association: How far tracks and identities of those agree.
    """

    value: float
    detection: float
    association: float


def hota(frames: Sequence[FrameTracks]) -> Hota:
    """By intersection over union alone, as published; frames are paired exactly (Hungarian).

    Boxes with another convention lower it at the larger ``ALPHAS``, however good the tracking.

    Raises:
        ValueError: There are neither faces nor readings.
    """
    identities, tracks = _names(frames)
    if not identities and not tracks:
        raise ValueError("Without a face or a reading there is no accuracy.")
    shape = (len(identities), len(tracks))
    of_identity, of_track, aligned = np.zeros(shape[0]), np.zeros(shape[1]), np.zeros(shape)
    numbered = []
    for frame in frames:
        rows = np.array([identities[identity] for identity, _ in frame.faces], np.int64)
        columns = np.array([tracks[track] for track, _ in frame.tracks], np.int64)
        overlap = np.array(
            [[box.iou(read) for _, read in frame.tracks] for _, box in frame.faces]
        ).reshape(len(rows), len(columns))
        total = overlap.sum(axis=0)[np.newaxis] + overlap.sum(axis=1)[:, np.newaxis] - overlap
        share = np.divide(overlap, total, out=np.zeros_like(overlap), where=total > 0)
        aligned[np.ix_(rows, columns)] += share
        of_identity[rows] += 1
        of_track[columns] += 1
        numbered.append((rows, columns, overlap))
    aligned /= np.maximum(of_identity[:, np.newaxis] + of_track - aligned, 1e-12)
    hits = np.zeros((len(ALPHAS), *shape))
    for rows, columns, overlap in numbered:
        for row, column in max_weight_matching(aligned[np.ix_(rows, columns)] * overlap):
            enough = np.array(ALPHAS) <= overlap[row, column] + 1e-9
            hits[enough, rows[row], columns[column]] += 1
    return _accuracies(hits, of_identity, of_track)


def _accuracies(
    hits: NDArray[np.float64], of_identity: NDArray[np.float64], of_track: NDArray[np.float64]
) -> Hota:
    """From counts of each alpha, identity and track; shapes (alphas, I, T), (I,), (T,)."""
    true = hits.sum(axis=(1, 2))
    detection = true / (of_identity.sum() + of_track.sum() - true)
    shared = hits / np.maximum(of_identity[:, np.newaxis] + of_track - hits, 1e-12)
    association = np.divide(
        (hits * shared).sum(axis=(1, 2)), true, out=np.zeros_like(true), where=true > 0
    )
    value = np.sqrt(detection * association)
    return Hota(float(value.mean()), float(detection.mean()), float(association.mean()))


@dataclass(frozen=True, slots=True)
class TrackBreaks:
    """Tracking failures.

    Attributes:
        fragmentations: How often a face was found, then missed, then found again.
        switches: How often a face was found by another track than the last time.
    """

    fragmentations: int
    switches: int


def track_breaks(frames: Sequence[FrameTracks]) -> TrackBreaks:
    """Counted over the frames of one clip, in order of time."""
    fragmentations = switches = 0
    last_track: dict[str, str] = {}
    missed: set[str] = set()
    for frame in frames:
        track_of = {frame.faces[face][0]: frame.tracks[track][0] for face, track in frame.pairs()}
        for identity, _ in frame.faces:
            if identity not in track_of:
                if identity in last_track:
                    missed.add(identity)
                continue
            if identity in last_track:
                fragmentations += identity in missed
                switches += last_track[identity] != track_of[identity]
            missed.discard(identity)
            last_track[identity] = track_of[identity]
    return TrackBreaks(fragmentations, switches)


def link_by_iou(boxes: Sequence[Sequence[Box]]) -> list[list[str]]:
    """Provisional identities of faces without annotated ones.

    A face that overlaps one of the previous frame by at least ``MIN_IOU`` counts as the same;
    across a cut, two people in one place become one.

    Args:
        boxes: Of each frame, in order of time.

    Returns:
        A name for each box.
    """
    names: list[list[str]] = []
    before: Sequence[Box] = ()
    count = 0
    for now in boxes:
        weight = np.array([[box.iou(old) for old in before] for box in now])
        weight = weight.reshape(len(now), len(before))
        tracked_clips = dict(max_weight_matching(np.where(weight >= MIN_IOU, weight, 0)))
        of_frame = []
        for row in range(len(now)):
            if row in tracked_clips:
                of_frame.append(names[-1][tracked_clips[row]])
            else:
                count += 1
                of_frame.append(str(count))
        names.append(of_frame)
        before = now
    return names


def _names(frames: Sequence[FrameTracks]) -> tuple[dict[str, int], dict[str, int]]:
    """Numbers for identities and tracks."""
    identities = dict.fromkeys(name for frame in frames for name, _ in frame.faces)
    tracks = dict.fromkeys(name for frame in frames for name, _ in frame.tracks)
    return (
        {name: number for number, name in enumerate(identities)},
        {name: number for number, name in enumerate(tracks)},
    )


def max_weight_matching(weight: NDArray[np.floating]) -> list[tuple[int, int]]:
    """The one-to-one pairs with the largest sum (the Hungarian method, O(n^3), exact).

    Args:
        worth: Shape (rows, columns), 0 or more; pairs with 0 are never made.

    Returns:
        Pairs of row and column, in the order of rows.
    """
    rows, columns = weight.shape
    if rows > columns:
        return sorted((row, column) for column, row in max_weight_matching(weight.T))
    if rows == 0:
        return []
    # shortest augmenting paths with potentials; row and column 0 are the start of a path
    cost = np.zeros((rows + 1, columns + 1))
    cost[1:, 1:] = -weight
    of_rows, of_columns = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        least = np.full(columns + 1, np.inf)
        before = np.zeros(columns + 1, np.int64)
        reached = np.zeros(columns + 1, bool)
        while row_of[column]:
            reached[column] = True
            here = row_of[column]
            reduced = cost[here] - of_rows[here] - of_columns
            shorter = ~reached & (reduced < least)
            least[shorter], before[shorter] = reduced[shorter], column
            following = int(np.where(reached, np.inf, least)[1:].argmin()) + 1
            step = least[following]
            of_rows[row_of[reached]] += step
            of_columns[reached] -= step
            least[~reached] -= step
            column = following
        while column:
            row_of[column] = row_of[before[column]]
            column = int(before[column])
    pairs = sorted((int(row_of[c]) - 1, c - 1) for c in range(1, columns + 1) if row_of[c])
    return [(row, column) for row, column in pairs if weight[row, column] > 0]
