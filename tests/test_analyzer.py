"""The table of Figure 1, with stub networks and faces."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentistream.analyzer import Analyzer
from sentistream.decision.paper import PaperDecision
from sentistream.errors import InputError
from sentistream.media import open_source
from sentistream.media.picture import RgbPicture
from sentistream.profiles import PAPER
from sentistream.types import (
    Branch,
    Face,
    Flag,
    FloatArray,
    HeadPose,
    Label,
    Moment,
    Picture,
    Reading,
)
from sentistream.voice import spectrogram
from stub_networks import StubNetwork, StubTracker, make_face

FACE_ANSWER = (0.1, 0.7, 0.2)
FUSED_ANSWER = (0.6, 0.1, 0.3)
SOUND = np.sin(np.arange(1440, dtype=np.float32) / 5).astype(np.float32)


def blank() -> RgbPicture:
    return RgbPicture(np.full((480, 640, 3), 90, np.uint8))


class Harness:
    """An analyzer with stub networks and faces, fed with moments."""

    def __init__(self, *faces: Face, mouth: Sequence[float] = (0.2,)) -> None:
        self.mouth = StubNetwork(*((value,) for value in mouth))
        self.face = StubNetwork(FACE_ANSWER)
        self.fused = StubNetwork(FUSED_ANSWER)
        self.tracker = StubTracker(*faces)
        decision = PaperDecision(PAPER, mouth=self.mouth, face=self.face, fused=self.fused)
        self.analyzer = Analyzer(PAPER, decision=decision, tracker=self.tracker)

    def show(
        self,
        time: float = 0.0,
        *,
        picture: Picture | None = None,
        sound: FloatArray | None = SOUND,
    ) -> tuple[Reading, ...]:
        return self.analyzer.process(Moment(time, picture or blank(), time, sound))


@pytest.mark.parametrize(
    ("mouth", "sound", "branch", "answer", "flags"),
    [
        (0.2, SOUND, Branch.FACE, FACE_ANSWER, ()),
        (0.2, None, Branch.FACE, FACE_ANSWER, ()),
        (0.4999, SOUND, Branch.FACE, FACE_ANSWER, ()),
        (0.5, SOUND, Branch.FUSED, FUSED_ANSWER, ()),
        (0.9, SOUND, Branch.FUSED, FUSED_ANSWER, ()),
        (0.9, None, Branch.FACE, FACE_ANSWER, (Flag.NO_SOUND,)),
        (0.9, SOUND[:100], Branch.FACE, FACE_ANSWER, (Flag.NO_SOUND,)),
        (0.9, SOUND[:0], Branch.FACE, FACE_ANSWER, (Flag.NO_SOUND,)),
    ],
)
def test_mouth_and_sound_select_the_branch(
    mouth: float,
    sound: FloatArray | None,
    branch: Branch,
    answer: tuple[float, ...],
    flags: tuple[Flag, ...],
) -> None:
    harness = Harness(make_face(), mouth=[mouth])
    (reading,) = harness.show(sound=sound)
    assert reading.branch is branch
    assert reading.momentary is not None
    assert reading.momentary.as_tuple() == pytest.approx(answer)
    assert reading.smoothed == reading.momentary
    assert reading.label is (Label.POSITIVE if branch is Branch.FUSED else Label.NEUTRAL)
    assert reading.mouth_open == pytest.approx(mouth)
    assert reading.flags == flags
    assert len(harness.face.calls) == (branch is Branch.FACE)
    assert len(harness.fused.calls) == (branch is Branch.FUSED)


def test_voice_share_is_given_only_where_known() -> None:
    harness = Harness(make_face(), mouth=[0.2])
    shares = [harness.show()[0].voice_share]
    for time, mouth in ((0.03, 0.9), (0.06, 0.2)):
        harness.mouth.answers = ((mouth,),)
        shares.append(harness.show(time)[0].voice_share)
    # later answers contain some of the fused one
    assert shares == [0, None, None]
    harness.analyzer.reset()
    assert harness.show(0.09)[0].voice_share == 0


def test_without_a_face_there_is_one_no_face_reading() -> None:
    harness = Harness()
    assert harness.show(1.5) == (Reading(time=1.5, label=Label.NO_FACE),)
    assert harness.mouth.calls == harness.face.calls == harness.fused.calls == []


def test_networks_get_inputs_of_the_right_shape() -> None:
    harness = Harness(make_face(), mouth=[0.9])
    harness.show()
    assert harness.mouth.calls[0]["mouth"].shape == (1, 28, 28, 3)
    assert harness.fused.calls[0]["face"].shape == (1, 96, 96, 3)
    np.testing.assert_array_equal(
        harness.fused.calls[0]["spectrogram"], spectrogram.columns(SOUND)[np.newaxis]
    )


def test_only_the_end_of_longer_sound_is_read() -> None:
    harness = Harness(make_face(), mouth=[0.9])
    longer = np.concatenate([np.ones(500, np.float32), SOUND])
    harness.show(sound=longer)
    np.testing.assert_array_equal(
        harness.fused.calls[0]["spectrogram"][0], spectrogram.columns(SOUND)
    )


def test_several_faces_go_through_each_network_in_one_call() -> None:
    faces = [make_face(track, x=100 * track) for track in (1, 2, 3, 4)]
    harness = Harness(*faces, mouth=[0.1, 0.9, 0.2, 0.8])
    readings = harness.show()
    assert [reading.track for reading in readings] == [1, 2, 3, 4]
    assert [reading.branch for reading in readings] == [
        Branch.FACE,
        Branch.FUSED,
        Branch.FACE,
        Branch.FUSED,
    ]
    assert [len(harness.mouth.calls), len(harness.face.calls), len(harness.fused.calls)] == [
        1,
        1,
        1,
    ]
    assert harness.face.calls[0]["face"].shape[0] == harness.fused.calls[0]["face"].shape[0] == 2


def test_repeated_picture_is_not_analyzed_again() -> None:
    harness = Harness(make_face())
    picture = blank()
    first = harness.show(0.0, picture=picture)
    again = harness.show(0.03, picture=picture)
    assert harness.tracker.updates == len(harness.mouth.calls) == len(harness.face.calls) == 1
    assert first[0].flags == ()
    assert again[0].flags == (Flag.REPEATED_PICTURE,)
    assert again[0].face is first[0].face
    harness.show(0.06, picture=blank())
    assert harness.tracker.updates == len(harness.mouth.calls) == len(harness.face.calls) == 2


def test_sound_is_analyzed_again_with_a_repeated_picture() -> None:
    harness = Harness(make_face(), mouth=[0.9])
    picture = blank()
    harness.show(0.0, picture=picture)
    harness.show(0.03, picture=picture, sound=SOUND[::-1].copy())
    assert len(harness.mouth.calls) == 1
    assert len(harness.fused.calls) == 2
    assert not np.array_equal(
        harness.fused.calls[0]["spectrogram"], harness.fused.calls[1]["spectrogram"]
    )


def test_answers_accumulate_by_equation_1_for_each_track() -> None:
    harness = Harness(make_face(1), mouth=[0.2])
    harness.show(0.0)
    harness.mouth.answers = ((0.9,),)
    harness.tracker.faces = (make_face(1), make_face(2))
    old, new = harness.show(0.030)
    assert old.smoothed is not None and new.smoothed is not None
    expected = [0.9 * a + 0.1 * b for a, b in zip(FACE_ANSWER, FUSED_ANSWER, strict=True)]
    assert old.smoothed.as_tuple() == pytest.approx(expected)
    assert old.label is Label.NEUTRAL
    assert new.smoothed.as_tuple() == pytest.approx(FUSED_ANSWER)


def test_ended_tracks_are_forgotten() -> None:
    harness = Harness()
    for i in range(200):
        harness.tracker.faces = (make_face(i + 1),)
        harness.show(i * 1.0)
    assert len(harness.analyzer._smoothers) <= 3


def test_backward_time_step_resets_the_analyzer() -> None:
    harness = Harness(make_face())
    harness.show(10.0)
    harness.face.answers = (FUSED_ANSWER,)
    (reading,) = harness.show(0.0)
    assert reading.smoothed is not None
    assert reading.smoothed.as_tuple() == pytest.approx(FUSED_ANSWER)


@pytest.mark.parametrize(
    ("face", "flags"),
    [
        (make_face(), ()),
        (make_face(missed=True), (Flag.CARRIED,)),
        (make_face(size=20), (Flag.SMALL_FACE,)),
        (make_face(x=10), (Flag.AT_EDGE,)),
        (make_face(y=470), (Flag.AT_EDGE,)),
        (
            make_face(x=2, size=20, missed=True),
            (Flag.CARRIED, Flag.SMALL_FACE, Flag.AT_EDGE),
        ),
    ],
)
def test_quality_problems_are_flagged(face: Face, flags: tuple[Flag, ...]) -> None:
    (reading,) = Harness(face).show()
    assert reading.flags == flags


def test_mouth_threshold_is_the_profiles() -> None:

    network = StubNetwork((0.6,))
    answer = StubNetwork(FACE_ANSWER)
    strict = dataclasses.replace(PAPER, mouth_threshold=0.7)
    decision = PaperDecision(strict, mouth=network, face=answer, fused=answer)
    analyzer = Analyzer(strict, decision=decision, tracker=StubTracker(make_face()))
    (reading,) = analyzer.process(Moment(0.0, blank(), 0.0, SOUND))
    assert reading.branch is Branch.FACE


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(InputError, match="no profile 'none'"):
        Analyzer("none")


@pytest.mark.parametrize(
    ("clip", "share"),
    [
        ("clips/01-01-01-01-01-01-01.mp4", 1.0),
        ("clips/talking_590x590_25fps.mp4", 1.0),
        ("javased/clips/06-01-01_01.mp4", 1.0),
        ("javased/clips/03-02-01_01.mp4", 0.75),  # begins with 0.6 s of black
    ],
)
def test_real_clips_are_read_completely(real_data: Path, clip: str, share: float) -> None:
    answer = StubNetwork(FACE_ANSWER)
    decision = PaperDecision(
        PAPER, mouth=StubNetwork((0.9,)), face=answer, fused=StubNetwork(FUSED_ANSWER)
    )
    analyzer = Analyzer(PAPER, decision=decision)
    with open_source(real_data / clip, tick=PAPER.tick, sound_window=PAPER.sound_window) as source:
        readings = [analyzer.process(moment) for moment in source]
    assert all(len(answers) == 1 for answers in readings)
    faces = [answers[0].face for answers in readings if answers[0].face is not None]
    assert len(faces) >= share * len(readings)
    assert {face.track for face in faces} == {1}
    fused = sum(answers[0].branch is Branch.FUSED for answers in readings)
    assert fused >= 0.8 * len(faces)


def test_omitted_faces_are_reported_in_each_reading_of_the_moment() -> None:
    harness = Harness(make_face(1), make_face(2, x=100))
    assert [(one.flags, one.left_out) for one in harness.show(0.0)] == [((), 0)] * 2
    harness.tracker.left_out = 3
    shown = blank()
    cut = harness.show(0.03, picture=shown)
    assert [(one.flags, one.left_out) for one in cut] == [((Flag.MORE_FACES,), 3)] * 2
    again = harness.show(0.06, picture=shown)
    assert all(one.left_out == 3 and Flag.MORE_FACES in one.flags for one in again)
    harness.tracker.left_out, harness.tracker.faces = 1, ()
    (nobody,) = harness.show(0.09)
    assert (nobody.flags, nobody.left_out) == ((Flag.MORE_FACES,), 1)
    harness.tracker.left_out = 0
    assert harness.show(0.12)[0].flags == ()


@pytest.mark.parametrize(("flags", "left_out"), [((), 1), ((Flag.MORE_FACES,), 0), ((), -1)])
def test_omitted_count_is_given_exactly_where_flagged(
    flags: tuple[Flag, ...], left_out: int
) -> None:
    with pytest.raises(ValueError, match="left out"):
        Reading(0.0, flags=flags, left_out=left_out)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"pose": HeadPose(70, 0, 0)}, Flag.TURNED_AWAY),
        ({"pose": HeadPose(-61, 0, 0)}, Flag.TURNED_AWAY),
        ({"pose": HeadPose(0, 50, 0)}, Flag.TURNED_AWAY),
        ({"readable": False}, Flag.UNREADABLE),
        ({"readable": False, "pose": HeadPose(70, 0, 0)}, Flag.TURNED_AWAY),
    ],
)
def test_unreadable_face_gets_no_answer(changes: dict[str, Any], flag: Flag) -> None:
    hidden = dataclasses.replace(make_face(track=1), **changes)
    harness = Harness(hidden, make_face(track=2))
    first, second = harness.show()
    assert first.label is Label.UNKNOWN
    assert (first.momentary, first.smoothed, first.mouth_open) == (None, None, None)
    assert flag in first.flags
    assert second.momentary is not None
    assert flag not in second.flags


def test_tilted_head_is_read() -> None:
    tilted = dataclasses.replace(make_face(track=1), pose=HeadPose(20, -10, 80))
    (reading,) = Harness(tilted).show()
    assert reading.momentary is not None
