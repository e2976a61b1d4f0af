"""The decision of profile lite, with stub networks."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sentistream.analyzer import Analyzer
from sentistream.decision.lite import VOICE_INTERVAL, LiteDecision
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE, Profile
from sentistream.types import SOUND_RATE, Branch, Flag, FloatArray, Label, Moment, Reading
from sentistream.vision.alignment import VIEW_SIZE
from sentistream.voice.functionals import NAMES
from stub_networks import StubNetwork, StubTracker, make_face
from synthetic_readings import talk

BY_FACE = (0.2, 0.6, 0.2)
BY_VOICE = (0.1, 0.1, 0.8)


class Trusting:
    """Fuses by the share of trust alone, so that tests can see it."""

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        trust = inputs["trust"]
        joined: FloatArray = (1 - trust) * inputs["face"] + trust * inputs["voice"]
        return joined


class TalkingMouths(StubNetwork):
    """Mouths that open and close five times a second, to given degrees."""

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        share = 0.55 + 0.45 * math.cos(2 * math.pi * 5 * LITE.tick * len(self.calls))
        return super().run(**inputs) * np.float32(share)


class Harness:
    def __init__(
        self,
        *faces: Any,
        mouths: tuple[float, ...] = (0.9,),
        moving: bool = True,
        profile: Profile = LITE,
    ) -> None:
        self.face, self.voice = StubNetwork(BY_FACE), StubNetwork((*BY_VOICE, 1.0))
        kind = TalkingMouths if moving else StubNetwork
        self.mouth = kind(*((value,) for value in mouths))
        decision = LiteDecision(
            profile, mouth=self.mouth, face=self.face, voice=self.voice, fusion=Trusting()
        )
        self.analyzer = Analyzer(profile, decision=decision, tracker=StubTracker(*faces))

    def show(self, sound: FloatArray | None, seconds: float) -> list[tuple[Reading, ...]]:
        readings = []
        for step in range(1, round(seconds / LITE.tick) + 1):
            time = step * LITE.tick
            stop = round(time * SOUND_RATE)
            start = max(0, stop - round(LITE.sound_window * SOUND_RATE))
            piece = None if sound is None else sound[start:stop]
            picture = RgbPicture(np.full((480, 640, 3), step % 250, np.uint8))
            readings.append(self.analyzer.process(Moment(time, picture, time, piece)))
        return readings


def test_without_sound_the_face_decides_alone() -> None:
    harness = Harness(make_face(), moving=False)
    (reading,) = harness.show(None, 1.0)[-1]
    assert reading.branch is Branch.FACE
    assert reading.flags == (Flag.NO_SOUND,)
    assert reading.momentary is not None
    assert reading.momentary.as_tuple() == pytest.approx(BY_FACE)
    assert not harness.voice.calls


def test_silence_has_no_effect() -> None:
    harness = Harness(make_face())
    (reading,) = harness.show(np.zeros(2 * SOUND_RATE, np.float32), 2.0)[-1]
    assert reading.branch is Branch.FACE
    assert not harness.voice.calls


def test_voice_counts_for_the_moving_mouth() -> None:
    harness = Harness(make_face(1), make_face(2, x=500), mouths=(0.95, 0.02))
    speaker, listener = harness.show(talk(3.0), 3.0)[-1]
    assert speaker.branch is Branch.FUSED
    assert speaker.momentary is not None
    assert listener.momentary is not None
    assert speaker.momentary.negative > 0.6
    assert listener.momentary.negative < 0.3


def test_still_open_mouth_gets_less_voice_than_a_moving_one() -> None:
    harness = Harness(make_face(1), make_face(2, x=500), mouths=(0.95, 0.02))
    moved = harness.show(talk(3.0), 3.0)[-1][0].voice_share
    harness = Harness(make_face(1), make_face(2, x=500), mouths=(0.95, 0.02), moving=False)
    held = harness.show(talk(3.0), 3.0)[-1][0].voice_share
    assert moved is not None
    assert held is not None
    assert held < 0.1 < 0.4 < moved


def test_moving_lips_with_visible_teeth_count_as_talking() -> None:
    """The mouth network says open throughout; the landmarks say how far."""
    still, moving = make_face(1), make_face(2, x=500)
    harness, tracker = Harness(moving=False), StubTracker(still, moving)
    decision = LiteDecision(
        LITE, mouth=harness.mouth, face=harness.face, voice=harness.voice, fusion=Trusting()
    )
    analyzer = Analyzer(LITE, decision=decision, tracker=tracker)
    sound = talk(3.0)
    for step in range(100):
        points = moving.landmarks.copy()
        points[[67, 66, 65]] = points[[61, 62, 63]] + (0, 10 + 8 * math.sin(step / 2))
        tracker.faces = (still, dataclasses.replace(moving, landmarks=points))
        stop = round((step + 1) * LITE.tick * SOUND_RATE)
        piece = sound[stop - round(LITE.sound_window * SOUND_RATE) : stop]
        picture = RgbPicture(np.full((480, 640, 3), step % 250, np.uint8))
        time = (step + 1) * LITE.tick
        readings = analyzer.process(Moment(time, picture, time, piece))
    shares = [reading.voice_share for reading in readings]
    assert shares[0] is not None
    assert shares[1] is not None
    assert shares[1] > 0.4 > 0.1 > shares[0]


def test_voice_share_is_the_change_in_the_answer() -> None:
    harness = Harness(make_face(1), make_face(2, x=500), mouths=(0.95, 0.02))
    speaker, listener = harness.show(talk(3.0), 3.0)[-1]
    assert speaker.smoothed is not None
    assert speaker.voice_share is not None
    assert speaker.voice_share == pytest.approx(speaker.smoothed.negative - BY_FACE[2], abs=1e-5)
    assert speaker.voice_share > 0.4
    assert listener.voice_share is not None
    assert listener.voice_share < 0.1


def test_agreeing_voice_and_silence_have_no_share() -> None:
    harness = Harness(make_face())
    harness.voice.answers = ((*BY_FACE, 1.0),)
    (agreed,) = harness.show(talk(3.0), 3.0)[-1]
    assert agreed.branch is Branch.FUSED
    assert agreed.voice_share == pytest.approx(0, abs=1e-6)
    (silent,) = Harness(make_face()).show(None, 1.0)[-1]
    assert silent.voice_share == 0


def test_recorded_fusion_inputs_are_of_the_first_face_and_its_voice() -> None:
    pytest.importorskip("torch")
    from sentistream.training.fusion_task import FusionInputRecorder

    harness, recorder = Harness(mouths=(0.95, 0.02)), FusionInputRecorder()
    decision = LiteDecision(
        LITE, mouth=harness.mouth, face=harness.face, voice=harness.voice, fusion=recorder
    )
    tracker = StubTracker(make_face(1), make_face(2, x=500))
    harness.analyzer = Analyzer(LITE, decision=decision, tracker=tracker)
    harness.show(talk(3.0), 3.0)
    assert recorder.inputs[-1]["trust"].item() > 0.5


def test_voice_network_runs_a_few_times_a_second() -> None:
    harness = Harness(make_face())
    harness.show(talk(3.0), 3.0)
    assert 5 <= len(harness.voice.calls) <= 3.0 / VOICE_INTERVAL + 1
    voice_inputs = harness.voice.calls[-1]
    # against the baseline of the place, and against that of the visible speaker
    assert {name: values.shape for name, values in voice_inputs.items()} == {
        "functionals": (2, len(NAMES)),
        "mean": (2, len(NAMES)),
        "spread": (2, len(NAMES)),
        "heard": (2, 1),
    }
    assert all(values.dtype == np.float32 for values in voice_inputs.values())


def test_voice_is_judged_against_its_baseline() -> None:
    harness = Harness(make_face())
    harness.show(talk(16.0), 16.0)
    counts = [call["heard"][:, 0].tolist() for call in harness.voice.calls]
    assert counts[0] == [0, 0]
    # current speech does not count yet, and each stretch counts once
    assert counts[-1] == [4, 4]
    assert all(later[0] >= sooner[0] for sooner, later in itertools.pairwise(counts))


def test_voice_baseline_is_forgotten_with_the_track() -> None:
    harness = Harness(make_face())
    harness.show(talk(8.0), 8.0)
    assert harness.voice.calls[-1]["heard"][1, 0] > 0
    harness.analyzer.reset()
    harness.show(talk(2.0), 2.0)
    assert not harness.voice.calls[-1]["heard"].any()


def test_networks_get_only_brightness() -> None:
    harness = Harness(make_face(1), make_face(2, x=500))
    harness.show(None, 0.1)
    assert harness.face.calls[0]["face"].shape == (
        4,
        VIEW_SIZE,
        VIEW_SIZE,
        1,
    )  # and their mirror images
    assert harness.mouth.calls[0]["mouth"].shape == (2, 32, 32, 1)


def test_repeated_picture_is_not_analyzed_again() -> None:
    harness = Harness(make_face())
    picture = RgbPicture(np.zeros((480, 640, 3), np.uint8))
    for time in (0.0, 0.03, 0.06):
        harness.analyzer.process(Moment(time, picture, 0.0))
    assert len(harness.face.calls) == len(harness.mouth.calls) == 1


def test_sound_before_a_face_appeared_counts() -> None:
    harness = Harness()
    harness.show(talk(2.0), 2.0)
    assert harness.voice.calls


def test_reset_forgets_the_voice() -> None:
    harness = Harness(make_face())
    harness.show(talk(3.0), 3.0)
    harness.analyzer.reset()
    (reading,) = harness.show(None, 0.03)[-1]
    assert reading.branch is Branch.FACE


def test_face_accumulates_while_the_latest_voice_answer_stands() -> None:
    harness = Harness(make_face())
    harness.face.answers = ((0.05, 0.9, 0.05),)
    harness.show(None, 1.0)
    harness.face.answers = ((0.05, 0.05, 0.9),)
    for step in range(34, 67):
        picture = RgbPicture(np.full((480, 640, 3), step, np.uint8))
        (reading,) = harness.analyzer.process(Moment(0.03 * step, picture, 0.03 * step))
    assert reading.momentary is not None
    assert reading.smoothed is not None
    assert reading.momentary.negative > 0.8
    assert 0.3 < reading.smoothed.negative < 0.8


def test_weak_evidence_is_unknown() -> None:
    harness = Harness(make_face())
    harness.face.answers = ((0.36, 0.33, 0.31),)
    (reading,) = harness.show(None, 0.3)[-1]
    assert reading.label is Label.UNKNOWN


def test_face_decides_alone_if_no_mouth_counts_as_open() -> None:
    face_only = dataclasses.replace(LITE, mouth_threshold=math.inf)
    harness = Harness(make_face(), profile=face_only)
    (reading,) = harness.show(talk(2.0), 2.0)[-1]
    assert reading.branch is Branch.FACE
    assert reading.momentary is not None
    assert reading.momentary.as_tuple() == pytest.approx(BY_FACE)
