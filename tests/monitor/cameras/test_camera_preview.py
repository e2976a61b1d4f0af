from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from cameras.shown import detail, pixels_of, shows_a_face
from cameras.watching import Stage, job, square
from portrait import PORTRAIT_FACE
from sentistream.media.picture import RgbPicture
from sentistream.monitor.cameras.background import GAP, Background, Cells, Marks
from sentistream.monitor.cameras.messages import Shown
from sentistream.monitor.cameras.preview import HOLD, WIDTH
from sentistream.types import Box, UInt8Array


class NothingDiffers(Background):
    def see(self, cells: Cells, passed: float, faces: Sequence[Box] = ()) -> Marks:
        return np.zeros(cells.shape[:2], np.bool_)


def test_none_is_made_unless_somebody_looks(scene: UInt8Array) -> None:
    stage = Stage(job())
    stage.show(scene, 2.0)
    assert not stage.told(Shown)
    stage.watcher.look()
    stage.show(scene, 12.0)
    shown = stage.told(Shown)
    assert 15 <= len(shown) <= 26  # five a second for five seconds
    assert all(one.time < 1e9 + 7.5 for one in shown)


def test_none_is_made_where_none_may_be(scene: UInt8Array) -> None:
    stage = Stage(job(preview=False))
    stage.watcher.look()
    stage.show(scene, 1.0)
    assert not stage.told(Shown)


def test_faces_cannot_be_recognised(portrait: UInt8Array) -> None:
    blurred, clear = Stage(job()), Stage(job(blur=False))
    for stage in (blurred, clear):
        stage.show(portrait, 0.3)
        stage.show(portrait, 40.0, tick=GAP)  # all but the face is known by then
        stage.watcher.look()
        stage.show(portrait, 0.6)
    assert all(shows_a_face(one, PORTRAIT_FACE) for one in clear.told(Shown))
    assert not any(shows_a_face(one, PORTRAIT_FACE) for one in blurred.told(Shown))
    # of the face next to nothing is left: a few colours that run into each other
    face = pixels_of(blurred.told(Shown)[-1])[80:165, 180:275].astype(float)
    was = pixels_of(clear.told(Shown)[-1])[80:165, 180:275].astype(float)
    assert detail(face) < 0.15 * detail(was)
    # and the rest is as it was
    rest = [pixels_of(s.told(Shown)[-1])[350:].astype(float) for s in (blurred, clear)]
    assert abs(rest[0] - rest[1]).mean() < 2


def test_the_place_of_a_lost_face_stays_blurred(scene: UInt8Array) -> None:
    stage = Stage(job())
    stage.show(scene, 1.0)
    stage.watcher.look()
    # the analysis has lost it, it is there all the same, and the background knows nothing
    previewer = stage.watcher._previewer
    previewer._background = NothingDiffers()
    for after, is_shown in ((HOLD - 0.1, False), (HOLD + 0.1, True)):
        picture = RgbPicture(scene)
        previewer.see(picture, (), stage.now + after)
        jpeg = previewer.make(picture, stage.now + after)
        assert shows_a_face(Shown(jpeg, 0.0)) is is_shown


def test_masked_parts_are_black_in_it(scene: UInt8Array) -> None:
    stage = Stage(job(square("staff", 0, 0, 1, 0.5, masked="always"), blur=False))
    stage.watcher.look()
    stage.show(scene, 0.5)
    (*_, shown) = stage.told(Shown)
    assert pixels_of(shown)[:116].max() < 8
    assert pixels_of(shown)[130:].max() > 100


def test_it_is_small() -> None:
    wide = np.tile(np.arange(1920, dtype=np.uint16)[None, :, None] % 251, (1080, 1, 3))
    stage = Stage(job())
    stage.watcher.look()
    stage.show(wide.astype(np.uint8), 0.1)
    assert pixels_of(stage.told(Shown)[0]).shape == (360, WIDTH, 3)


def test_a_box_outside_the_picture_blurs_nothing(scene: UInt8Array) -> None:
    from sentistream.monitor.cameras.preview import _blur

    image = Image.fromarray(scene)
    _blur(image, Box(-200, -200, -100, -100), 1.0)
    assert np.array_equal(np.asarray(image), scene)
