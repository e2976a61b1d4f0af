from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from cameras.pipeline_harness import PipelineHarness, job, square
from portrait_geometry import PORTRAIT_FACE
from sentistream.analyzer import Analyzer
from sentistream.media.picture import RgbPicture
from sentistream.monitor.cameras.zones import Mask, contains, layout_at
from sentistream.monitor.observations import EVERYWHERE, Observation
from sentistream.types import (
    Box,
    Flag,
    HeadPose,
    Label,
    Moment,
    Picture,
    Reading,
    UInt8Array,
)
from synthetic_readings import reading

FACE = (0.25, 0.1, 0.8, 0.9)
"""Around the face in the scene, as shares."""


class RecordingAnalyzer(Analyzer):
    """Records the moments it receives."""

    def __init__(self) -> None:
        super().__init__("lite")
        self.shown: list[Picture] = []

    def process(self, moment: Moment) -> tuple[Reading, ...]:
        self.shown.append(moment.picture)
        return super().process(moment)


def test_faces_get_random_names_and_zones(scene: UInt8Array) -> None:
    harness = PipelineHarness(job(square("till", *FACE), square("all", 0, 0, 1, 1)))
    harness.feed(scene, 1.5)
    ((track, zone),) = set(harness.faces)
    assert zone == "till"
    assert len(track) == 16
    other = PipelineHarness(job(square("far", 0.8, 0.8, 1, 1)))
    other.feed(scene, 1.5)
    ((another, zone),) = set(other.faces)
    assert zone == EVERYWHERE
    assert another != track


def test_returning_person_gets_another_name(scene: UInt8Array) -> None:
    harness = PipelineHarness(job())
    for pixels in (scene, np.zeros_like(scene), scene):
        harness.feed(pixels, 3.0)
    assert len({track for track, _ in harness.faces}) == 2


class ScriptedAnalyzer(Analyzer):
    """Returns the same readings for every moment."""

    def __init__(self, *readings: Reading) -> None:
        super().__init__("lite")
        self.readings = readings

    def process(self, moment: Moment) -> tuple[Reading, ...]:
        return tuple(dataclasses.replace(each, time=moment.time) for each in self.readings)


def test_poses_flags_and_omitted_faces_are_published(scene: UInt8Array) -> None:
    flags = (Flag.TURNED_AWAY, Flag.MORE_FACES)
    front = reading(0.0, box=Box(40, 60, 120, 150), flags=(Flag.SMALL_FACE,), left_out=2)
    assert front.face is not None
    pose = HeadPose(yaw=-71.0, pitch=2.0, roll=0.5)
    turned = dataclasses.replace(front.face, track=2, pose=pose)
    aside = Reading(time=0.0, face=turned, label=Label.UNKNOWN, flags=flags, left_out=2)
    harness = PipelineHarness(
        dataclasses.replace(job(), max_faces=2), ScriptedAnalyzer(front, aside)
    )
    harness.feed(scene, 1.5)
    seen = harness.published(Observation)[-1]
    assert (seen.max_faces, seen.left_out) == (2, 2)
    one, other = seen.faces
    assert (one.flags, one.pose) == ((Flag.SMALL_FACE, Flag.MORE_FACES), None)
    assert (other.flags, other.pose, other.label) == (flags, pose, Label.UNKNOWN)
    assert (other.smoothed, other.mouth_open, other.speaking) == (None, None, False)
    # only the face that is read is stored
    stored = {reading.track for second in harness.seconds for reading in second.readings}
    assert stored == {one.track}


def test_real_face_has_its_pose(scene: UInt8Array) -> None:
    harness = PipelineHarness(job())
    harness.feed(scene, 1.5)
    (face,) = harness.published(Observation)[-1].faces
    assert face.pose is not None
    assert abs(face.pose.yaw) < 45 and abs(face.pose.pitch) < 30 and abs(face.pose.roll) < 20


def test_masked_face_is_never_seen(scene: UInt8Array) -> None:
    recorder = RecordingAnalyzer()
    harness = PipelineHarness(job(square("staff", *FACE, masked="always")), recorder)
    harness.feed(scene, 3.0)
    assert not harness.faces
    assert harness.seconds
    assert not any(second.readings for second in harness.seconds)
    # not excluded afterwards: the analyzer never received it
    left, top, right, bottom = 80, 24, 256, 216
    for picture in recorder.shown:
        assert not picture.luma[top:bottom, left:right].any()
        assert not picture.rgb()[top:bottom, left:right].any()
        assert not picture.crop(Box(left, top, right, bottom).scaled(0.9), 64, 64).any()
        assert picture.luma[:, right + 4 :].any()


def test_scheduled_mask_starts_and_ends_without_a_restart(scene: UInt8Array) -> None:
    # from two seconds before a full minute on; the zone is masked from that minute on
    begin = datetime.fromtimestamp(1_750_000_020).replace(second=0) + timedelta(minutes=1)
    hours = {
        "begin": begin.time().isoformat(),
        "end": (begin + timedelta(minutes=1)).time().isoformat(),
    }
    zone = square("till", *FACE, masked="scheduled", hours=[hours])
    harness = PipelineHarness(job(zone), wall=begin.timestamp() - 2)
    harness.feed(scene, 1.9)
    assert {zone for _, zone in harness.faces} == {"till"}
    before = len(harness.faces)
    harness.feed(scene, 0.2)
    harness.messages.clear()
    harness.feed(scene, 2.0)
    assert before
    assert not harness.faces
    harness.now += 57.0
    harness.feed(scene, 2.0)
    assert {zone for _, zone in harness.faces} == {"till"}


def test_masked_pixels_do_not_bleed_over_the_edge() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[:, :50] = 255
    covered = Mask([square("half", 0, 0, 0.5, 1).points]).apply(RgbPicture(pixels))
    assert not covered.crop(Box(0, 0, 100, 100), 10, 10).any()
    assert not covered.luma.any()


def test_unmasked_pictures_are_not_copied(scene: UInt8Array) -> None:
    picture = RgbPicture(scene)
    assert Mask(()).apply(picture) is picture


def test_repeated_picture_stays_identical_when_masked(scene: UInt8Array) -> None:
    mask = Mask([square("half", 0, 0, 0.5, 1).points])
    picture = RgbPicture(scene)
    assert mask.apply(picture) is mask.apply(picture)


def test_zones_may_have_any_shape() -> None:
    arrow = ((0.1, 0.1), (0.9, 0.5), (0.1, 0.9), (0.5, 0.5))
    assert contains(arrow, 0.7, 0.5)
    assert not contains(arrow, 0.2, 0.5)  # inside its bounding box, outside of it
    both = layout_at((square("a", 0, 0, 0.5, 1), square("b", 0, 0, 1, 1)), 0.0)
    assert [both.zone_of(x, 0.5) for x in (0.2, 0.7, 1.5)] == ["a", "b", EVERYWHERE]


def test_seconds_follow_the_wall_clock(scene: UInt8Array) -> None:
    harness = PipelineHarness(job(), wall=1e9 + 0.5)
    harness.feed(scene, 4.0)
    harness.pipeline.flush()
    assert [one.second for one in harness.seconds] == list(range(10**9, 10**9 + 5))
    assert harness.seconds[0].readings[0].seen == pytest.approx(0.5, abs=0.1)
    (reading,) = harness.seconds[2].readings
    assert reading.seen == pytest.approx(1.0)
    assert reading.speaking == 0
    assert reading.label in (Label.POSITIVE, Label.NEUTRAL, Label.NEGATIVE, Label.UNKNOWN)


@pytest.mark.parametrize("step", [7200.0, -7200.0])
def test_clock_changes_neither_repeat_nor_block_seconds(scene: UInt8Array, step: float) -> None:
    harness = PipelineHarness(job())
    harness.feed(scene, 2.0)
    harness.wall += step
    harness.feed(scene, 3.0)
    harness.wall -= step
    harness.feed(scene, 4.0)
    harness.pipeline.flush()
    seconds = [one.second for one in harness.seconds]
    assert len(seconds) == len(set(seconds))
    there = [one for one in seconds if abs(one - 1e9 - step) < 60]
    back = [one for one in seconds if 2 <= one - 1e9 < 60]
    assert len(there) >= 2
    assert len(back) >= 3
    assert all(0 < r.seen <= 1 for one in harness.seconds for r in one.readings)


def test_unobserved_time_is_not_attributed(scene: UInt8Array) -> None:
    harness = PipelineHarness(job())
    harness.feed(scene, 2.0)
    harness.now += 5.0
    harness.pipeline.flush_overdue()
    harness.feed(scene, 2.0)
    harness.pipeline.flush()
    seconds = [one.second - 10**9 for one in harness.seconds]
    assert {0, 1, 7, 8} <= set(seconds)
    assert not {3, 4, 5} & set(seconds)
    assert sum(r.seen for one in harness.seconds for r in one.readings) <= 4.1


def test_observations_are_published_several_times_a_second(scene: UInt8Array) -> None:
    harness = PipelineHarness(job())
    harness.feed(scene, 3.0)
    observations: Sequence[Observation] = harness.published(Observation)
    assert 15 <= len(observations) <= 30
    box = observations[-1].faces[0].box
    left, top, right, bottom = box
    seen = Box(60 + left * 320, top * 240, 60 + right * 320, bottom * 240)
    assert seen.iou(PORTRAIT_FACE) > 0.4
