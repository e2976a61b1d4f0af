"""Evaluation items in a user's folder: recordings, and still frames with speech."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentistream.datasets.corpus_people import sex_of
from sentistream.datasets.images import read_images
from sentistream.datasets.labels import class_number
from sentistream.datasets.manifest import Item
from sentistream.datasets.recordings import Recording, java_sed, ravdess
from sentistream.errors import DataError
from sentistream.media import Faults, MediaInfo, Source
from sentistream.media.picture import RgbPicture
from sentistream.types import SOUND_RATE, Box, FloatArray, Moment, UInt8Array
from sentistream.values import ByValue
from sentistream.voice.sound_file import read_sound

_READERS: dict[str, Callable[[Path, tuple[str, ...]], list[Recording]]] = {
    "ravdess": ravdess,
    "java-sed": java_sed,
}
_SUFFIXES = {"clips": (".mp4",), "voices": (".flac", ".wav")}
_WITH_SOUND_AND_PICTURE = "01"

FOLDER_TASKS = tuple(_SUFFIXES)
"""Tasks that data sets can be found for."""


def find_items(folder: Path, task: str) -> tuple[list[Item], int]:
    """RAVDESS and Java-SED recordings below a folder, and how many others were left out.

    Emotions outside the three classes are left out. Items are grouped by ``sex`` and
    ``source``; RAVDESS clips without sound are skipped.

    Raises:
        DataError: There are none.
        ValueError: The task needs something other than recordings.
    """
    if task not in _SUFFIXES:
        raise ValueError(f"Recordings do not serve the task {task}.")
    items, outside = [], 0
    for source, read in _READERS.items():
        try:
            recordings = read(folder, _SUFFIXES[task])
        except DataError:  # the other data set may be there
            continue
        for recording in recordings:
            if source == "ravdess" and task == "clips" and not _has_both(recording.path):
                continue
            if recording.sentiment is None:
                outside += 1
                continue
            groups = {"sex": sex_of(recording.person), "source": source}
            label = class_number(recording.sentiment)
            items.append(Item(recording.path, label, recording.person, source, groups))
    if not items:
        raise DataError(
            f"There are no {task} of RAVDESS or Java-SED below {folder}.",
            "Name the folder that holds them, or name your own material with --manifest.",
        )
    return items, outside


def _has_both(path: Path) -> bool:
    return path.stem.split("-")[0] == _WITH_SOUND_AND_PICTURE


WORKING_SIZE = 300
"""Longer side, in pixels, of an image that is mostly face, with what is added around it."""

_SURROUNDINGS = 1.5


class StillSource(Source):
    """Pictures shown one after the other, evenly, with sound.

    Args:
        name: Its name.
        pictures: RGB, at least one, all of one size.
        seconds: How long they are shown in total.
        tick: Seconds between moments; there is at least one moment.
        sound: Mono at 48 kHz from second 0; None without sound.
        sound_window: Seconds of sound that each moment carries; a moment without that much
            sound has none.

    Raises:
        ValueError: There is no picture.
    """

    def __init__(
        self,
        name: str,
        pictures: Sequence[UInt8Array],
        *,
        seconds: float,
        tick: float,
        sound: FloatArray | None = None,
        sound_window: float = 0.0,
    ) -> None:
        if not pictures:
            raise ValueError("A source of stills needs a picture.")
        self._pictures = [RgbPicture(pixels) for pixels in pictures]
        self._each = seconds / len(pictures)
        self._tick = tick
        self._count = max(1, math.ceil(seconds / tick - 1e-9))
        self._sound = sound
        self._window = round(sound_window * SOUND_RATE)
        self._next = 0
        first = self._pictures[0]
        self.faults: Faults = Faults()
        self.info: MediaInfo = MediaInfo(
            name=name,
            container="stills",
            duration=seconds,
            width=first.width,
            height=first.height,
            frame_rate=1 / self._each,
            rotation=0,
            video_codec="stills",
            audio_codec=None if sound is None else "pcm",
            audio_rate=None if sound is None else SOUND_RATE,
            audio_channels=None if sound is None else 1,
            live=False,
        )

    def __next__(self) -> Moment:
        if self._next >= self._count:
            raise StopIteration
        time = round(self._next * self._tick, 9)
        self._next += 1
        shown = min(int(time / self._each + 1e-9), len(self._pictures) - 1)
        return Moment(time, self._pictures[shown], shown * self._each, self._heard(time))

    def _heard(self, time: float) -> FloatArray | None:
        stop = round(time * SOUND_RATE)
        start = stop - self._window
        if self._sound is None or start < 0 or stop > len(self._sound):
            return None
        return self._sound[start:stop]

    def close(self) -> None:
        self._next = self._count


def pad_face_image(pixels: UInt8Array) -> UInt8Array:
    """An image that shows little more than a face, with its edges repeated around it.

    The face gets the size and surroundings that a detector for whole pictures needs.

    Args:
        pixels: RGB, shape (height, width, 3).

    Returns:
        RGB whose longer side is ``WORKING_SIZE``.
    """
    rows, columns = pixels.shape[:2]
    scale = WORKING_SIZE / max(rows, columns)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return RgbPicture(pixels).crop(Box(0, 0, columns, rows).scaled(_SURROUNDINGS), *size)


FRAMES = "*frames*.parquet"
"""Image sets that may hold frames: named ``01-01-EE-II-SS-RR-AA/NN``, source ``ravdess``."""

_AUDIOVISUAL = "01-"


@dataclass(frozen=True, slots=True, eq=False)
class Take(ByValue):
    """One take's frames and speech.

    Attributes:
        item: Its path is the speech's.
        frames: RGB, in order of time, evenly spread over the take.
    """

    item: Item
    frames: list[UInt8Array] = field(repr=False)

    def source(self, *, tick: float, sound_window: float) -> StillSource:
        """The frames, each for as long as any other, with the speech.

        Raises:
            InputError: The speech cannot be read.
        """
        sound = read_sound(self.item.path)
        return StillSource(
            self.item.path.name,
            [pad_face_image(pixels) for pixels in self.frames],
            seconds=len(sound) / SOUND_RATE,
            tick=tick,
            sound=sound,
            sound_window=sound_window,
        )


def find_takes(folder: Path) -> list[Take]:
    """Takes of the three classes with both frames and speech below ``folder``, by name.

    Raises:
        DataError: A set of frames cannot be read.
    """
    frames: dict[str, list[tuple[str, UInt8Array]]] = {}
    for path in sorted(folder.rglob(FRAMES)):
        for image in read_images(path):
            take, _, number = image.name.partition("/")
            if image.source == "ravdess" and take.startswith(_AUDIOVISUAL):
                frames.setdefault(take[len(_AUDIOVISUAL) :], []).append((number, image.pixels))
    try:
        speech = ravdess(folder, (".flac", ".wav")) if frames else []
    except DataError:
        speech = []
    takes = []
    for recording in speech:
        # modality 03 is sound alone of what 01 shows and sounds
        shown = frames.get(recording.path.stem[len("03-") :])
        if shown is None or recording.sentiment is None:
            continue
        label = class_number(recording.sentiment)
        item = Item(recording.path, label, recording.person, "ravdess")
        takes.append(Take(item, [pixels for _, pixels in sorted(shown, key=lambda one: one[0])]))
    return takes
