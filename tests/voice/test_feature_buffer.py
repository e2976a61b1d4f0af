"""Overlapping windows become one signal: nothing lost, nothing repeated, gaps kept."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.media.picture import RgbPicture
from sentistream.types import SOUND_RATE, FloatArray, Moment
from sentistream.voice import features
from sentistream.voice.feature_buffer import SPAN, FeatureBuffer
from sentistream.voice.utterance import utterance, utterance_of
from sentistream.voice.voice_activity import VoiceActivity
from synthetic_readings import talk

PICTURE = RgbPicture(np.zeros((4, 4, 3), np.uint8))


def add(listener: FeatureBuffer, sound: FloatArray, tick: float, window: float) -> None:
    time = tick
    while round(time * SOUND_RATE) <= len(sound):
        stop = round(time * SOUND_RATE)
        start = max(0, stop - round(window * SOUND_RATE))
        listener.add(Moment(time, PICTURE, time, sound[start:stop]))
        time += tick


@pytest.mark.parametrize(("tick", "window"), [(0.03, 0.24), (0.0333, 0.24), (0.2, 0.24)])
def test_windows_give_the_same_features_as_the_whole(tick: float, window: float) -> None:
    sound, listener = talk(2.0), FeatureBuffer()
    add(listener, sound, tick, window)
    whole = features.extract_features(sound)
    assert len(listener.frames) > 150
    difference = listener.frames.astype(int) - whole[: len(listener.frames)]
    assert np.abs(difference).max() <= 1  # rounding


def test_memory_is_bounded() -> None:
    listener = FeatureBuffer()
    add(listener, talk(12.0), 0.1, 0.24)
    assert len(listener.frames) == len(listener.speech) == round(SPAN / features.FRAME_STEP)


def test_lost_sound_is_silence_of_its_length() -> None:
    sound, listener = talk(2.0), FeatureBuffer()
    for time in (0.2, 0.4, 1.2, 1.4):
        stop = round(time * SOUND_RATE)
        piece = sound[stop - round(0.2 * SOUND_RATE) : stop]
        listener.add(Moment(time, PICTURE, time, piece))
    assert len(listener.frames) == features.frame_count(round(1.4 * SOUND_RATE))
    assert not listener.frames[50:90, : features.BANDS].any()


def test_moments_without_sound_reset_the_buffer() -> None:
    listener = FeatureBuffer()
    add(listener, talk(2.0), 0.1, 0.24)
    assert listener.speech_seconds > 0.5
    assert not listener.add(Moment(2.5, PICTURE, 2.5))
    assert len(listener.frames)
    listener.add(Moment(3.6, PICTURE, 3.6))
    assert not len(listener.frames)


def test_speech_is_detected_and_steady_noise_is_not() -> None:
    spoken = VoiceActivity().update(features.extract_features(talk(3.0)))
    assert 0.4 < spoken.mean() < 0.95
    steady = np.random.default_rng(0).normal(0, 0.05, 3 * SOUND_RATE).astype(np.float32)
    assert VoiceActivity().update(features.extract_features(steady)).mean() < 0.02
    assert (
        not VoiceActivity()
        .update(features.extract_features(np.zeros(SOUND_RATE, np.float32)))
        .any()
    )


def test_utterance_covers_the_speech_and_little_more() -> None:
    quiet = np.random.default_rng(1).normal(0, 1e-4, SOUND_RATE).astype(np.float32)
    found = utterance_of(np.concatenate([quiet, talk(1.0), quiet]))
    assert found is not None
    assert 0.9 < len(found) * features.FRAME_STEP < 1.5
    assert utterance_of(quiet) is None
    assert utterance_of(np.zeros(0, np.float32)) is None


def test_long_recording_uses_its_middle() -> None:
    found = utterance_of(talk(20.0))
    assert found is not None
    assert len(found) * features.FRAME_STEP == pytest.approx(4.4, abs=0.02)


def test_short_word_is_padded_to_the_networks_length() -> None:
    frames = np.zeros((200, 112), np.uint8)
    speech = np.zeros(200, bool)
    speech[160:195] = True
    found = utterance(frames, speech)
    assert found is not None
    assert found.shape == (60, 112, 1)
