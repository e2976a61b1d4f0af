"""Download sources of RAVDESS and CREMA-D: terms, files and checksums."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sentistream.datasets.download import Downloader, RemoteFile
from sentistream.errors import DataError, OutputError

Media = Literal["sound", "video"]

_LFS = "application/vnd.git-lfs+json"
_BATCH = 100
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)
_TREES = {"AudioWAV/": "sound", "VideoFlash/": "video"}
_TABLE = "VideoDemographics.csv"


@dataclass(frozen=True, slots=True)
class Publication:
    """A data set that can be fetched from its publisher.

    Attributes:
        title: Its full name.
        home: Its page for people.
        base: The address that a mirror replaces.
        terms: What its licence permits, in words.
        actors: The numbers of its first and last actor.
        plan: Returns what to fetch, given a downloader, the base address, the target folder,
            and the media and actors wanted.
    """

    title: str
    home: str
    base: str
    terms: str
    actors: tuple[int, int]
    plan: Callable[[Downloader, str, Path, Collection[Media], Collection[int]], Plan]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch.

    Attributes:
        files: All files, with sizes.
        ready: Yields the same, in order, with addresses that are valid when they are taken;
            files that are there already may be missing.
    """

    files: Sequence[RemoteFile]
    ready: Callable[[], Iterator[RemoteFile]]


def _plan_ravdess(
    downloader: Downloader,
    base: str,
    folder: Path,
    media: Collection[Media],
    actors: Collection[int],
) -> Plan:
    """One zip per person with video, one zip with all sound; checksums from Zenodo's record."""
    url = f"{base}/api/records/1188976"
    record = downloader.json(url)
    files = []
    for entry in record.get("files", []) if isinstance(record, dict) else []:
        name = str(entry.get("key", ""))
        match = re.fullmatch(r"Video_Speech_Actor_(\d\d)\.zip", name)
        wanted = (match is not None and "video" in media and int(match[1]) in actors) or (
            name == "Audio_Speech_Actors_01-24.zip" and "sound" in media
        )
        if wanted:
            files.append(_zenodo_file(entry, name, url))
    if not files:
        raise DataError(f"{url} names none of RAVDESS's files.", "Try again later.")
    files.sort(key=lambda file: file.name)
    return Plan(files, lambda: iter(files))


def _zenodo_file(entry: dict[str, Any], name: str, url: str) -> RemoteFile:
    try:
        return RemoteFile(
            url=str(entry["links"]["self"]),
            name=name,
            size=int(entry["size"]),
            digest=str(entry["checksum"]),
        )
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{url} says nothing usable of {name}.", "Try again later.") from None


def _plan_crema_d(
    downloader: Downloader,
    base: str,
    folder: Path,
    media: Collection[Media],
    actors: Collection[int],
) -> Plan:
    """The repository's zip holds Git LFS pointers: a checksum and a size for every file."""
    listing = RemoteFile(url=f"{base}/archive/refs/heads/master.zip", name="repository.listing")
    path = downloader.fetch(listing, folder)
    try:
        files = _pointed_to(path, folder, media, actors)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        path.unlink()
        raise DataError(
            f"{listing.url} cannot be read ({error}).", "Give the same command again."
        ) from None
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error}).", "Name another.") from None

    def ready() -> Iterator[RemoteFile]:
        missing = [file for file in files if not file.is_complete(folder)]
        for start in range(0, len(missing), _BATCH):
            yield from _addressed(downloader, base, missing[start : start + _BATCH])

    return Plan(files, ready)


def _pointed_to(
    path: Path, folder: Path, media: Collection[Media], actors: Collection[int]
) -> list[RemoteFile]:
    files = []
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.partition("/")[2]
            if name == _TABLE:
                (folder / _TABLE).write_bytes(archive.read(entry))
                continue
            match = re.fullmatch(r"([A-Za-z]+/)(1\d{3})_\w+\.(wav|flv)", name)
            if match is None or _TREES.get(match[1]) not in media or int(match[2]) not in actors:
                continue
            pointer = _POINTER.fullmatch(archive.read(entry)) if entry.file_size < 300 else None
            if pointer is None:
                raise DataError(
                    f"{name} in {path} is no Git LFS pointer.",
                    "The repository has changed; unpack its archive by hand.",
                )
            files.append(
                RemoteFile(
                    url="", name=name, size=int(pointer[2]), digest=f"sha256:{pointer[1].decode()}"
                )
            )
    if not files:
        raise DataError(f"{path} names none of CREMA-D's recordings.", "Try again later.")
    return sorted(files, key=lambda file: file.name)


def _addressed(
    downloader: Downloader, base: str, files: Sequence[RemoteFile]
) -> Iterator[RemoteFile]:
    """Files with the addresses that the LFS server gives them, valid for about an hour."""
    url = f"{base}.git/info/lfs/objects/batch"
    objects = [{"oid": file.digest.partition(":")[2], "size": file.size} for file in files]
    answer = downloader.json(
        url,
        {"operation": "download", "transfers": ["basic"], "objects": objects},
        {"Accept": _LFS, "Content-Type": _LFS},
    )
    given = {
        entry.get("oid"): entry
        for entry in (answer.get("objects", []) if isinstance(answer, dict) else [])
    }
    for file in files:
        entry = given.get(file.digest.partition(":")[2], {})
        action = entry.get("actions", {}).get("download", {})
        if "href" not in action:
            why = entry.get("error", {}).get("message", "no address")
            raise DataError(
                f"The server gives no address for {file.name} ({why}).",
                "It may be over its monthly limit: try later, or name a mirror with --mirror.",
            )
        yield RemoteFile(
            url=str(action["href"]),
            name=file.name,
            size=file.size,
            digest=file.digest,
            headers={str(key): str(value) for key, value in action.get("header", {}).items()},
        )


PUBLICATIONS = {
    "ravdess": Publication(
        title="RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song",
        home="https://zenodo.org/records/1188976",
        base="https://zenodo.org",
        terms=(
            "CC BY-NC-SA 4.0: not for commercial use; name the authors (Livingstone and Russo "
            "2018, doi:10.1371/journal.pone.0196391); share what you make of it under the same "
            "terms. https://creativecommons.org/licenses/by-nc-sa/4.0/"
        ),
        actors=(1, 24),
        plan=_plan_ravdess,
    ),
    "crema-d": Publication(
        title="CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset",
        home="https://github.com/CheyneyComputerScience/CREMA-D",
        base="https://github.com/CheyneyComputerScience/CREMA-D",
        terms=(
            "Open Database License 1.0, its contents under the Database Contents License 1.0: "
            "name the source (Cao and others 2014, doi:10.1109/TAFFC.2014.2336244); share "
            "databases made of it under the same terms. "
            "https://opendatacommons.org/licenses/odbl/1-0/"
        ),
        actors=(1001, 1091),
        plan=_plan_crema_d,
    ),
}
"""Data sets that can be fetched, by name."""
