"""A newcomer is unrecognizable from the first preview on, detected or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cameras.pipeline_harness import PipelineHarness, job
from cameras.preview_pixels import detail, pixels_of, shows_a_face
from sentistream.media.picture import RgbPicture
from sentistream.monitor.cameras.background import LEARN_AFTER, LONGEST_STEP, RELEARN_AFTER
from sentistream.monitor.cameras.preview import PreviewRenderer
from sentistream.monitor.cameras.worker_protocol import make_camera_job
from sentistream.monitor.observations import Preview
from sentistream.monitor.settings import Settings
from sentistream.types import Box, UInt8Array

WIDTH, HEIGHT = 640, 360
MEAN_FACE = (214, 178, 152)
"""The most common color of the portrait's skin."""


def room(kind: str) -> UInt8Array:
    """An empty room, shape (360, 640, 3): plain walls are the harder case."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    if kind == "like the skin":
        return np.broadcast_to(np.array(MEAN_FACE, np.uint8), (HEIGHT, WIDTH, 3)).copy()
    wall = np.stack([110 + x // 12, 120 + y // 9, 150 - x // 16], axis=2)
    wall[y > 250] = (96, 70, 50)
    shelves = (x // 40 + y // 30) % 5 == 0
    wall[shelves] = (170, 60, 40)
    return wall.astype(np.uint8)


class Camera:
    """Noisy pictures of a room with people pasted into it."""

    def __init__(self, kind: str, portrait: UInt8Array) -> None:
        self.room = room(kind)
        self._chance = np.random.default_rng(5)
        self._noise = self._chance.normal(0, 3, (4, HEIGHT, WIDTH, 3)).astype(np.float32)
        # head and neck, cut out as an oval
        self._head = portrait[30:190, 150:300]
        y, x = np.mgrid[:160, :150]
        self._oval = ((x - 76) / 64) ** 2 + ((y - 88) / 76) ** 2 < 1

    def picture(
        self, left: int | None = None, top: int = 90, size: float = 1.0, light: float = 1.0
    ) -> RgbPicture:
        """With a head at ``left`` (which may lie outside), or nobody."""
        pixels = self.room.copy()
        if left is not None:
            shape = round(150 * size), round(160 * size)
            head = np.asarray(Image.fromarray(self._head).resize(shape))
            oval = np.asarray(Image.fromarray(self._oval).resize(shape))
            begin, end = max(0, left), min(WIDTH, left + shape[0])
            part = pixels[top : top + shape[1], begin:end]
            mine = np.s_[: len(part), begin - left : end - left]
            part[oval[mine]] = head[mine][oval[mine]]
        noise = self._noise[self._chance.integers(len(self._noise))]
        return RgbPicture(np.clip(light * pixels + noise, 0, 255).astype(np.uint8))


@pytest.fixture(params=["shelves", "like the skin"])
def camera(request: pytest.FixtureRequest, portrait: UInt8Array) -> Camera:
    return Camera(request.param, portrait)


def learned_renderer(camera: Camera) -> tuple[PreviewRenderer, float]:
    """A renderer that has learned the room, and the current time."""
    renderer = PreviewRenderer(blur=True)
    pictures = [camera.picture().rgb() for _ in range(4)]
    now = 0.0
    while now < LEARN_AFTER + 15:
        now += LONGEST_STEP
        renderer.observe(RgbPicture(pictures[round(now / LONGEST_STEP) % 4]), (), now)
    return renderer, now


def preview_of(renderer: PreviewRenderer, picture: RgbPicture, now: float) -> UInt8Array:
    """The preview of a picture without a detected face."""
    renderer.observe(picture, (), now)
    return pixels_of(Preview(renderer.render(picture, now), 0.0))


def clear(picture: RgbPicture) -> UInt8Array:
    return pixels_of(Preview(PreviewRenderer(blur=False).render(picture, 0.0), 0.0))


@pytest.mark.parametrize("size", [0.3, 1.0, 1.6])
def test_newcomer_is_unrecognizable_in_the_first_preview(camera: Camera, size: float) -> None:
    renderer, now = learned_renderer(camera)
    picture = camera.picture(300, size=size)
    shown, was = preview_of(renderer, picture, now + 0.1), clear(picture)
    brow, chin = round(90 + 37 * size), round(90 + 145 * size)
    left, right = round(300 + 22 * size), round(300 + 130 * size)
    face = np.s_[brow:chin, left:right]
    assert detail(shown[face].astype(float)) < 0.2 * detail(was[face].astype(float))
    if size >= 1:
        place = Box(left, brow, right, chin)
        assert shows_a_face(Preview(_jpeg(was), 0.0), place)
        assert not shows_a_face(Preview(_jpeg(shown), 0.0), place)
    # and the rest of the room is as sharp as before
    assert np.abs(shown[:, :200].astype(float) - was[:, :200]).mean() < 2


def test_person_entering_at_the_edge_is_never_recognizable(camera: Camera) -> None:
    renderer, now = learned_renderer(camera)
    for step, left in enumerate(range(-100, 400, 100)):
        picture = camera.picture(left)
        shown, was = preview_of(renderer, picture, now + 0.2 * step), clear(picture)
        eyes = np.s_[140:200, max(0, left + 30) : left + 120]
        assert detail(shown[eyes].astype(float)) < 0.25 * detail(was[eyes].astype(float)) + 1
        assert not shows_a_face(Preview(_jpeg(shown), 0.0), Box(left + 22, 127, left + 130, 235))


def test_standing_still_does_not_reveal_a_person(portrait: UInt8Array) -> None:
    camera = Camera("shelves", portrait)
    renderer, now = learned_renderer(camera)
    pictures = [camera.picture(300).rgb() for _ in range(4)]
    ends = now + RELEARN_AFTER - 10
    while now < ends:
        now += LONGEST_STEP
        picture = RgbPicture(pictures[round(now / LONGEST_STEP) % 4])
        renderer.observe(picture, (), now)
        if round(now) % 120 < LONGEST_STEP or now + LONGEST_STEP >= ends:
            shown = pixels_of(Preview(renderer.render(picture, now), 0.0))
            assert not shows_a_face(Preview(_jpeg(shown), 0.0), Box(322, 127, 430, 235))


def test_light_change_pixelates_everything_for_a_while(portrait: UInt8Array) -> None:
    camera = Camera("shelves", portrait)
    renderer, now = learned_renderer(camera)
    was = detail(clear(camera.picture(light=0.5)).astype(float))
    pictures = [camera.picture(light=0.5).rgb() for _ in range(4)]
    for after in np.arange(0.2, 2 * LEARN_AFTER, LONGEST_STEP):
        picture = RgbPicture(pictures[round(after / LONGEST_STEP) % 4])
        shown = detail(preview_of(renderer, picture, now + after).astype(float))
        if after < LEARN_AFTER:
            assert shown < 0.1 * was
    assert shown > 0.9 * was


def test_first_previews_of_a_camera_show_nothing(camera: Camera) -> None:
    picture = camera.picture(300)
    shown = preview_of(PreviewRenderer(blur=True), picture, 100.0)
    assert detail(shown.astype(float)) < 1
    assert not shows_a_face(Preview(_jpeg(shown), 0.0), Box(322, 127, 430, 235))


def test_background_is_learned_without_viewers(portrait: UInt8Array) -> None:
    camera = Camera("shelves", portrait)
    harness = PipelineHarness(job())
    harness.feed(camera.room, 40.0, tick=LONGEST_STEP)
    assert not harness.published(Preview)
    harness.pipeline.request_preview()
    harness.feed(np.asarray(camera.picture(300).rgb()), 0.02, tick=0.02)
    (shown,) = harness.published(Preview)
    assert not shows_a_face(shown, Box(322, 127, 430, 235))
    assert np.abs(pixels_of(shown)[:, :200].astype(float) - camera.room[:, :200]).mean() < 4


def test_only_the_demonstration_skips_the_background_model(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"cameras": {"demo": {"source": "demo:"}, "door": {"source": "0"}, "file": {"source": "f"}}}
    )
    jobs = [make_camera_job(k, c, settings, tmp_path) for k, c in settings.cameras.items()]
    assert [(one.camera, one.blur, one.moving) for one in jobs] == [
        ("demo", True, True),
        ("door", True, False),
        ("file", True, False),
    ]


def _jpeg(pixels: UInt8Array) -> bytes:
    return PreviewRenderer(blur=False).render(RgbPicture(pixels), 0.0)
