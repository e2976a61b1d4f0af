"""Attribution of the voice to a face."""

from __future__ import annotations

import math

import pytest

from sentistream.voice.active_speaker import ActiveSpeakerDetector


def show(
    speakers: ActiveSpeakerDetector,
    mouths: dict[int, list[float]],
    *,
    speaking: bool = True,
    start: float = 0,
) -> None:
    for step in range(len(next(iter(mouths.values())))):
        now = {track: states[step] for track, states in mouths.items()}
        speakers.update(start + 0.03 * step, now, speaking=speaking)


def talking_mouth(steps: int = 60) -> list[float]:
    return [0.5 + 0.45 * math.sin(step / 2) for step in range(steps)]


def test_moving_mouth_gets_the_voice() -> None:
    speakers = ActiveSpeakerDetector()
    show(speakers, {1: talking_mouth(), 2: [0.02] * 60})
    assert speakers.share(1) > 0.7
    assert speakers.share(2) < 0.1


def test_still_open_mouth_is_not_speaking() -> None:
    speakers = ActiveSpeakerDetector()
    show(speakers, {1: talking_mouth(), 2: [0.95] * 60})
    assert speakers.share(1) > 0.7
    assert speakers.share(2) < 0.01


def test_smile_alone_in_the_picture_does_not_claim_the_voice() -> None:
    speakers = ActiveSpeakerDetector()
    jitter = [0.97 + 0.02 * (-1) ** step for step in range(60)]
    show(speakers, {1: jitter})
    assert speakers.share(1) < 0.1


@pytest.mark.parametrize("every", [1, 3, 6])
def test_lower_frame_rate_gives_similar_shares(every: int) -> None:
    speakers, all_of_them = ActiveSpeakerDetector(), ActiveSpeakerDetector()
    states = [0.5 + 0.45 * math.sin(step / 4) for step in range(120)]
    show(all_of_them, {1: states})
    for step in range(0, 120, every):
        speakers.update(0.03 * step, {1: states[step]}, speaking=True)
    assert speakers.share(1) == pytest.approx(all_of_them.share(1), abs=0.1)


def test_voice_from_elsewhere_belongs_to_nobody() -> None:
    speakers = ActiveSpeakerDetector()
    show(speakers, {1: [0.01] * 60})
    assert speakers.share(1) < 0.1


def test_mouths_moving_in_silence_claim_nothing() -> None:
    speakers = ActiveSpeakerDetector()
    show(speakers, {1: talking_mouth()}, speaking=False)
    assert speakers.share(1) == 0


def test_shares_never_exceed_one_and_unknown_tracks_have_none() -> None:
    speakers = ActiveSpeakerDetector()
    show(speakers, {1: talking_mouth(), 2: talking_mouth(), 3: talking_mouth()})
    assert sum(speakers.share(track) for track in (1, 2, 3)) <= 1
    assert speakers.share(4) == 0


def test_change_of_speaker_is_followed() -> None:
    speakers = ActiveSpeakerDetector()
    show(speakers, {1: talking_mouth(), 2: [0.02] * 60})
    show(speakers, {1: [0.02] * 90, 2: talking_mouth(90)}, start=1.8)
    assert speakers.share(2) > 2 * speakers.share(1)
