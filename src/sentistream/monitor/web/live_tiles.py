"""The content of a camera's tile, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentistream.monitor.display_names import display_names
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import (
    CameraHealth,
    CameraState,
    FaceState,
    Observation,
    Preview,
)
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import Translator
from sentistream.monitor.web import labels
from sentistream.profiles import PROFILES
from sentistream.types import SENTIMENTS, Flag

STALE_FACES = 3.0
"""Seconds after which a moment is outdated."""

STALE_PICTURE = 6.0
"""Seconds after which a live picture is outdated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceBox:
    """One face in the overlay; coordinates are shares of the picture, 0 to 1."""

    track: str
    left: float
    top: float
    width: float
    height: float
    label: str
    word: str
    speaking: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One camera, ready to be shown.

    Attributes:
        key: The camera's key.
        name: What people call it.
        state: What it is doing, for styling.
        state_word: The same as a word.
        reason: Why it is not running; empty if it is.
        seen: How many faces, and how many of them are not tracked, in words.
        speaking: Who speaks, and how much of their answer came from the voice, in words.
        counts: Current number of faces for each of ``SENTIMENTS``, then of unclear ones.
        facts: Its condition, each a few words and whether they need attention.
        note: The text in place of a picture; empty if there is one.
        faces: The overlay.
    """

    key: str
    name: str
    state: str
    state_word: str
    reason: str
    seen: str
    speaking: str
    counts: tuple[int, int, int, int]
    facts: tuple[tuple[str, bool], ...]
    note: str
    faces: tuple[FaceBox, ...]


def tiles(settings: Settings, bus: EventBus, now: float, tr: Translator) -> list[Tile]:
    """Of every camera that is shown."""
    health = {each.camera: each for each in bus.health()}
    return [
        tile(
            key,
            name,
            settings,
            health=health.get(key),
            observation=bus.observation(key),
            preview=bus.preview(key),
            now=now,
            tr=tr,
        )
        for key, name in display_names(settings, bus).cameras.items()
    ]


def tile(
    key: str,
    name: str,
    settings: Settings,
    *,
    health: CameraHealth | None,
    observation: Observation | None,
    preview: Preview | None,
    now: float,
    tr: Translator,
) -> Tile:
    """One camera at one time."""
    state = _state(key, settings, health)
    running = state is CameraState.RUNNING
    fresh = running and observation is not None and now - observation.time < STALE_FACES
    faces = observation.faces if fresh and observation is not None else ()
    return Tile(
        key=key,
        name=name,
        state=state.value,
        state_word=tr.gettext(labels.CAMERA_STATES[state.value]),
        reason="" if running else _reason(state, health, tr),
        seen=_seen(observation if fresh else None, running, tr),
        speaking=_speaking(faces, tr),
        counts=_counts(faces),
        facts=_statistics(health, settings, tr) if health is not None else (),
        note=_placeholder(state, settings, preview, now, tr),
        faces=boxes(faces, tr),
    )


def boxes(faces: Sequence[FaceState], tr: Translator) -> tuple[FaceBox, ...]:
    """The overlay of the faces."""
    return tuple(
        FaceBox(
            track=face.track,
            left=round(face.box[0], 4),
            top=round(face.box[1], 4),
            width=round(face.box[2] - face.box[0], 4),
            height=round(face.box[3] - face.box[1], 4),
            label=face.label.value,
            word=_word(face, tr),
            speaking=tr.gettext("speaking") if face.speaking else "",
        )
        for face in faces
    )


def _state(key: str, settings: Settings, health: CameraHealth | None) -> CameraState:
    camera = settings.cameras.get(key)
    if camera is not None and not camera.enabled:
        return CameraState.STOPPED
    return health.state if health is not None else CameraState.STARTING


def _reason(state: CameraState, health: CameraHealth | None, tr: Translator) -> str:
    reason = health.reason if health is not None else ""
    return tr.translate(reason or labels.STATE_REASONS[state.value])


def _word(face: FaceState, tr: Translator) -> str:
    if Flag.TURNED_AWAY in face.flags:
        return tr.gettext("turned away")
    return tr.gettext(labels.SENTIMENTS[face.label.value])


def _seen(now: Observation | None, running: bool, tr: Translator) -> str:
    if not running:
        return tr.gettext("Not watching")
    if now is None:
        return tr.gettext("No reading yet")
    count = len(now.faces) + now.left_out
    if not count:
        return tr.gettext("Nobody in view")
    sentence = tr.ngettext("1 face in view", "{n} faces in view", count)
    if now.left_out:
        left_out = tr.ngettext(
            "1 of them is not tracked (limit: {limit})",
            "{n} of them are not tracked (limit: {limit})",
            now.left_out,
            limit=now.max_faces,
        )
        sentence = f"{sentence}; {left_out}"
    return sentence


def _speaking(faces: Sequence[FaceState], tr: Translator) -> str:
    speakers = [face for face in faces if face.speaking]
    if not speakers:
        return ""
    sentence = tr.ngettext("1 speaking", "{n} speaking", len(speakers))
    shares = [face.voice_share for face in speakers if face.voice_share is not None]
    if shares:
        share = tr.percent(sum(shares) / len(shares))
        voice = tr.ngettext(
            "{share} of the answer came from the voice",
            "on average {share} of the answer came from the voice",
            len(speakers),
            share=share,
        )
        sentence = f"{sentence}; {voice}"
    return sentence


def _counts(faces: Sequence[FaceState]) -> tuple[int, int, int, int]:
    labels = [face.label.value for face in faces]
    positive, neutral, negative = (labels.count(sentiment) for sentiment in SENTIMENTS)
    return positive, neutral, negative, len(labels) - positive - neutral - negative


def _statistics(
    health: CameraHealth, settings: Settings, tr: Translator
) -> tuple[tuple[str, bool], ...]:
    facts: list[tuple[str, bool]] = []
    if health.state is CameraState.RUNNING:
        facts.append(
            (
                tr.ngettext(
                    "{rate} moment per second",
                    "{rate} moments per second",
                    round(health.moments_per_second),
                    rate=tr.number(health.moments_per_second),
                ),
                False,
            )
        )
        slower = health.tick / PROFILES[settings.profile].tick if health.tick > 0 else 1.0
        if slower < 1.25:
            facts.append((tr.gettext("full speed"), False))
        elif 1.75 <= slower <= 2.25:
            facts.append((tr.gettext("running at half speed"), True))
        else:
            facts.append(
                (tr.gettext("running at {share} of full speed", share=tr.percent(1 / slower)), True)
            )
        if health.latency >= 0.05:
            facts.append(
                (tr.gettext("{seconds} s behind", seconds=tr.number(health.latency, 1)), False)
            )
    if health.dropped:
        facts.append((tr.gettext("{n} dropped", n=tr.number(health.dropped)), False))
    if health.damaged:
        facts.append((tr.gettext("{n} damaged", n=tr.number(health.damaged)), False))
    if health.restarts:
        facts.append((tr.ngettext("restarted once", "restarted {n} times", health.restarts), False))
    facts += [(tr.translate(remark), False) for remark in health.remarks]
    return tuple(facts)


def _placeholder(
    state: CameraState, settings: Settings, preview: Preview | None, now: float, tr: Translator
) -> str:
    if state is not CameraState.RUNNING:
        return tr.gettext(labels.NO_PICTURE[state.value])
    if not settings.privacy.preview:
        return tr.gettext("Live pictures are turned off")
    if preview is None or now - preview.time > STALE_PICTURE:
        return tr.gettext("No picture yet")
    return ""
