"""RAVDESS takes of which there are still frames and the speech, but no clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sentistream.datasets.images import read_images
from sentistream.datasets.labels import class_number
from sentistream.datasets.manifest import Item
from sentistream.datasets.recordings import ravdess
from sentistream.errors import DataError
from sentistream.evaluation.stills import StillSource, framed
from sentistream.types import SOUND_RATE, UInt8Array
from sentistream.values import ByValue
from sentistream.voice.sound_file import read_sound

FRAMES = "*frames*.parquet"
"""Image sets that may hold frames: named ``01-01-EE-II-SS-RR-AA/NN``, source ``ravdess``."""

_WITH_SOUND = "01-"


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
            [framed(pixels) for pixels in self.frames],
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
            if image.source == "ravdess" and take.startswith(_WITH_SOUND):
                frames.setdefault(take[len(_WITH_SOUND) :], []).append((number, image.pixels))
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
