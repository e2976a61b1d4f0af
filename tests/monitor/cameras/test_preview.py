from __future__ import annotations

import numpy as np

from cameras.pipeline_harness import PipelineHarness, job, square
from cameras.preview_pixels import FACE, detail, pixels_of, shows_a_face
from portrait_geometry import PORTRAIT_FACE
from sentistream.media.picture import RgbPicture
from sentistream.monitor.cameras.background import LONGEST_STEP
from sentistream.monitor.cameras.preview import HOLD, WIDTH, PreviewRenderer
from sentistream.monitor.observations import Preview
from sentistream.types import Box, UInt8Array
from synthetic_readings import reading


def test_no_preview_is_made_unless_requested(scene: UInt8Array) -> None:
    harness = PipelineHarness(job())
    harness.feed(scene, 2.0)
    assert not harness.published(Preview)
    harness.pipeline.request_preview()
    harness.feed(scene, 12.0)
    shown = harness.published(Preview)
    assert 15 <= len(shown) <= 26  # five a second for five seconds
    assert all(one.time < 1e9 + 7.5 for one in shown)


def test_no_preview_is_made_when_forbidden(scene: UInt8Array) -> None:
    harness = PipelineHarness(job(preview=False))
    harness.pipeline.request_preview()
    harness.feed(scene, 1.0)
    assert not harness.published(Preview)


def test_faces_are_unrecognizable(portrait: UInt8Array) -> None:
    blurred, clear = PipelineHarness(job()), PipelineHarness(job(blur=False))
    for harness in (blurred, clear):
        harness.feed(portrait, 0.3)
        harness.feed(
            portrait, 40.0, tick=LONGEST_STEP
        )  # everything but the face is background by then
        harness.pipeline.request_preview()
        harness.feed(portrait, 0.6)
    assert all(shows_a_face(one, PORTRAIT_FACE) for one in clear.published(Preview))
    assert not any(shows_a_face(one, PORTRAIT_FACE) for one in blurred.published(Preview))
    # next to nothing is left of the face: a few colors blending into each other
    face = pixels_of(blurred.published(Preview)[-1])[80:165, 180:275].astype(float)
    was = pixels_of(clear.published(Preview)[-1])[80:165, 180:275].astype(float)
    assert detail(face) < 0.15 * detail(was)
    # and the rest is unchanged
    rest = [pixels_of(s.published(Preview)[-1])[350:].astype(float) for s in (blurred, clear)]
    assert abs(rest[0] - rest[1]).mean() < 2


def test_place_of_a_lost_face_stays_blurred(scene: UInt8Array) -> None:
    picture = RgbPicture(scene)
    for after, is_shown in ((HOLD - 0.1, False), (HOLD + 0.1, True)):
        # a moving camera has no background model: only the face is blurred
        renderer = PreviewRenderer(blur=True, moving=True)
        renderer.observe(picture, (reading(0.0, box=FACE),), 100.0)
        # lost by the tracker, but still in the picture
        renderer.observe(picture, (), 100.0 + after)
        jpeg = renderer.render(picture, 100.0 + after)
        assert shows_a_face(Preview(jpeg, 0.0)) is is_shown


def test_masked_parts_are_black(scene: UInt8Array) -> None:
    harness = PipelineHarness(job(square("staff", 0, 0, 1, 0.5, masked="always"), blur=False))
    harness.pipeline.request_preview()
    harness.feed(scene, 0.5)
    (*_, shown) = harness.published(Preview)
    assert pixels_of(shown)[:116].max() < 8
    assert pixels_of(shown)[130:].max() > 100


def test_preview_is_small() -> None:
    wide = np.tile(np.arange(1920, dtype=np.uint16)[None, :, None] % 251, (1080, 1, 3))
    harness = PipelineHarness(job())
    harness.pipeline.request_preview()
    harness.feed(wide.astype(np.uint8), 0.1)
    assert pixels_of(harness.published(Preview)[0]).shape == (360, WIDTH, 3)


def test_box_outside_the_picture_blurs_nothing(scene: UInt8Array) -> None:
    picture = RgbPicture(scene)
    blurred = PreviewRenderer(blur=True, moving=True)
    blurred.observe(picture, (reading(0.0, box=Box(-200, -200, -100, -100)),), 100.0)
    clear = PreviewRenderer(blur=False)
    assert blurred.render(picture, 100.0) == clear.render(picture, 100.0)
