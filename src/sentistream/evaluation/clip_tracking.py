"""How many faces in clips the product finds, and how well it tracks them."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentistream.analyzer import Analyzer
from sentistream.api import analyze
from sentistream.errors import InputError
from sentistream.evaluation.evaluation_metrics import cluster_interval, rounded_interval
from sentistream.evaluation.face_annotations import (
    AnnotatedClip,
    AnnotatedFace,
    AnnotatedFrame,
    face_size,
)
from sentistream.evaluation.picture_detection import (
    SIZE_EDGES,
    bin_label,
    bin_labels,
    proportion,
    recall_by_value,
)
from sentistream.evaluation.tracking_metrics import (
    FrameTracks,
    hota,
    idf1,
    link_by_iou,
    match_boxes,
    same_face,
    track_breaks,
)
from sentistream.profiles import Profile
from sentistream.types import Box, Picture, Reading, UInt8Array
from sentistream.values import ByValue

TIME_TOLERANCE = 0.05
"""Most seconds between an annotated frame and its picture."""

SAMPLE_FRAMES = 4
"""Frames of a clip that are kept for the contact sheet."""

TrackBoxes = tuple[tuple[int, Box], ...]
"""Tracks and boxes of the readings of a picture."""


@dataclass(frozen=True, slots=True, eq=False)
class SampleFrame(ByValue):
    """A frame for the contact sheet: its RGB pixels, readings and annotations."""

    time: float
    pixels: UInt8Array
    tracks: TrackBoxes
    faces: tuple[AnnotatedFace, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TrackedClip(ByValue):
    """A clip and the product's readings of its faces.

    Attributes:
        clip: The clip.
        seconds: Its analyzed length.
        frames: The annotated frames that have a picture, with their readings.
        unshown: Annotated frames without a picture near enough.
        spans: When each track was read, seconds; several if it was lost in between.
        shown: Frames for the contact sheet.
    """

    clip: AnnotatedClip
    seconds: float
    frames: tuple[FrameTracks, ...]
    unmatched_frames: int
    spans: dict[int, tuple[tuple[float, float], ...]]
    shown: tuple[SampleFrame, ...]

    @property
    def false_tracks(self) -> set[int]:
        """Tracks read at annotated frames that never matched a face there."""
        read = {name for frame in self.frames for name, _ in frame.tracks}
        right = {frame.tracks[track][0] for frame in self.frames for _, track in frame.pairs()}
        return {track for track in self.spans if _name(self.clip, track) in read - right}

    @property
    def people(self) -> int:
        """Identities if known, otherwise the most faces annotated at once."""
        if self.clip.identified:
            return len({name for frame in self.frames for name, _ in frame.faces})
        return max((len(frame.faces) for frame in self.frames), default=0)

    @property
    def people_found(self) -> int:
        """The ``people`` that were found: identities, or the most faces found at once."""
        found = [{frame.faces[face][0] for face, _ in frame.pairs()} for frame in self.frames]
        if self.clip.identified:
            return len(set().union(*found))
        return max(map(len, found), default=0)


def track_clips(
    clips: Iterable[AnnotatedClip], profile: Profile, *, on_problem: Callable[[str], None]
) -> list[TrackedClip]:
    """Each clip as ``analyze`` reads it; ``on_problem`` gets those that cannot be read.

    Raises:
        InputError: None can be read.
    """
    tracked_clips = []
    analyzer: Analyzer | None = None
    for clip in clips:
        try:
            with analyze(clip.path, profile=profile, analyzer=analyzer) as analysis:
                analyzer = analysis.analyzer
                tracked_clips.append(_tracked_clip(clip, analysis.moments(), profile.tick))
        except InputError as error:
            on_problem(f"{clip.place}: {error.problem}")
    if not tracked_clips:
        raise InputError("None of the clips can be read.", "Check the paths in the manifest.")
    return tracked_clips


def summarize_clips(tracked_clips: Sequence[TrackedClip], tick: float) -> dict[str, Any]:
    """The figures of ``results.json``.

    Args:
        followed: At least one clip.
        tick: Seconds between the readings of a face.
    """
    rows = [_clip_facts(one, tick) for one in tracked_clips]
    total = {
        name: sum(row[name] for row in rows)
        for name in (
            "seconds",
            "frames",
            "unshown_frames",
            "faces",
            "found",
            "readings",
            "false",
            "appearances",
            "appearances_of_nobody",
            "people",
            "people_found",
            "fragmentations",
            "switches",
        )
    }
    named = [frame for one in tracked_clips if one.clip.identified for frame in one.frames]
    sizes = (
        (bin_label(face_size(box), SIZE_EDGES, "px"), face in found)
        for one in tracked_clips
        for frame in one.frames
        for found in [{face for face, _ in frame.pairs()}]
        for face, (_, box) in enumerate(frame.faces)
    )
    return {
        "clips": len(rows),
        **total,
        "seconds": round(total["seconds"], 2),
        "recall": proportion(total["found"], total["faces"]),
        "recall_clips_ci95": rounded_interval(
            cluster_interval([row["found"] for row in rows], [row["faces"] for row in rows])
        ),
        "precision": proportion(total["readings"] - total["false"], total["readings"]),
        "false_per_minute": _per_minute(total["false"], total["frames"], tick),
        "appearances_per_person": _ratio(total["appearances"], total["people"]),
        "appearances_per_person_found": _ratio(
            total["appearances"] - total["appearances_of_nobody"], total["people_found"]
        ),
        "identified_clips": sum(one.clip.identified for one in tracked_clips),
        **_identity_facts(named),
        "groups": {"size": recall_by_value(sizes, bin_labels(SIZE_EDGES, "px"))},
        "per_clip": rows,
    }


def _tracked_clip(
    clip: AnnotatedClip, moments: Iterable[tuple[Any, tuple[Reading, ...]]], tick: float
) -> TrackedClip:
    times: list[float] = []
    pictures: list[TrackBoxes] = []
    spans: dict[int, list[tuple[float, float]]] = {}
    places = np.linspace(0, len(clip.frames) - 1, SAMPLE_FRAMES).round().astype(int)
    wanted = [clip.frames[place] for place in dict.fromkeys(places.tolist())]
    kept: list[tuple[float, Picture, TrackBoxes] | None] = [None] * len(wanted)
    end = 0.0
    for moment, readings in moments:
        end = moment.time + tick
        boxes = tuple((r.face.track, r.face.box) for r in readings if r.face is not None)
        for track, _ in boxes:
            _extend(spans.setdefault(track, []), moment.time, tick)
        time = moment.picture_time
        if times and time <= times[-1]:
            continue
        times.append(time)
        pictures.append(boxes)
        for place, frame in enumerate(wanted):
            before = kept[place]
            if before is None or abs(time - frame.time) < abs(before[0] - frame.time):
                kept[place] = time, moment.picture, boxes
    frames, unmatched_frames = _match_frames(clip, times, pictures)
    return TrackedClip(
        clip=clip,
        seconds=end,
        frames=frames,
        unmatched_frames=unmatched_frames,
        spans={track: tuple(of_track) for track, of_track in sorted(spans.items())},
        shown=tuple(
            SampleFrame(frame.time, one[1].rgb(), one[2], frame.faces)
            for frame, one in zip(wanted, kept, strict=True)
            if one is not None
        ),
    )


def _extend(spans: list[tuple[float, float]], time: float, tick: float) -> None:
    if spans and time - spans[-1][1] <= tick / 2:
        spans[-1] = spans[-1][0], time + tick
    else:
        spans.append((time, time + tick))


def _match_frames(
    clip: AnnotatedClip, times: Sequence[float], pictures: Sequence[TrackBoxes]
) -> tuple[tuple[FrameTracks, ...], int]:
    """The annotated frames with the nearest picture's readings, and how many have none."""
    matched: list[tuple[AnnotatedFrame, TrackBoxes]] = []
    for frame in clip.frames:
        after = bisect.bisect_left(times, frame.time)
        near = [place for place in (after - 1, after) if 0 <= place < len(times)]
        place = min(near, key=lambda one: abs(times[one] - frame.time), default=None)
        if place is not None and abs(times[place] - frame.time) <= TIME_TOLERANCE:
            matched.append((frame, pictures[place]))
    counted = [[face for face in frame.faces if face.counted] for frame, _ in matched]
    if clip.identified:
        names = [[face.identity for face in faces] for faces in counted]
    else:
        names = link_by_iou([[face.box for face in faces] for faces in counted])
    seen = tuple(
        FrameTracks(
            frame.time,
            tuple(
                (f"{clip.name}\n{name}", face.box)
                for name, face in zip(of_frame, faces, strict=True)
            ),
            _without_ignored(clip, boxes, frame.faces),
        )
        for (frame, boxes), faces, of_frame in zip(matched, counted, names, strict=True)
    )
    return seen, len(clip.frames) - len(seen)


def _without_ignored(
    clip: AnnotatedClip, boxes: TrackBoxes, faces: Sequence[AnnotatedFace]
) -> tuple[tuple[str, Box], ...]:
    """The readings without those that match only an ignored region."""
    found = match_boxes([box for _, box in boxes], [face.box for face in faces if face.counted])
    right = {reading for _, reading in found}
    return tuple(
        (_name(clip, track), box)
        for place, (track, box) in enumerate(boxes)
        if place in right or not any(same_face(box, face.box) for face in faces if not face.counted)
    )


def _name(clip: AnnotatedClip, track: int) -> str:
    """Unique over all clips."""
    return f"{clip.name}\n{track}"


def _clip_facts(one: TrackedClip, tick: float) -> dict[str, Any]:
    faces = sum(len(frame.faces) for frame in one.frames)
    found = sum(len(frame.pairs()) for frame in one.frames)
    readings = sum(len(frame.tracks) for frame in one.frames)
    broken, false_tracks = track_breaks(one.frames), one.false_tracks
    return {
        "path": one.clip.name,
        "seconds": round(one.seconds, 2),
        "frames": len(one.frames),
        "unshown_frames": one.unmatched_frames,
        "faces": faces,
        "found": found,
        "recall": proportion(found, faces),
        "readings": readings,
        "false": readings - found,
        "false_per_minute": _per_minute(readings - found, len(one.frames), tick),
        "appearances": len(one.spans),
        "appearances_of_nobody": len(false_tracks),
        "people": one.people,
        "people_found": one.people_found,
        "appearances_per_person": _ratio(len(one.spans), one.people),
        "appearances_per_person_found": _ratio(
            len(one.spans) - len(false_tracks), one.people_found
        ),
        "fragmentations": broken.fragmentations,
        "switches": broken.switches,
        **_identity_facts(one.frames if one.clip.identified else ()),
    }


def _identity_facts(frames: Sequence[FrameTracks]) -> dict[str, Any]:
    """IDF1 and HOTA; None without identities."""
    if not any(frame.faces or frame.tracks for frame in frames):
        return dict.fromkeys(("idf1", "hota", "hota_detection", "hota_association"))
    whole = hota(frames)
    return {
        "idf1": round(idf1(frames).value, 4),
        "hota": round(whole.value, 4),
        "hota_detection": round(whole.detection, 4),
        "hota_association": round(whole.association, 4),
    }


def _per_minute(false: int, frames: int, tick: float) -> float | None:
    """False readings per minute of readings, from the share at annotated frames."""
    return round(false / frames * 60 / tick, 2) if frames else None


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
