"""Statistics and faults of a whole data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from sentistream.cores import usable_cores
from sentistream.datasets.dataset import Dataset, Fault, Sample
from sentistream.datasets.near_duplicates import connected_groups, near_duplicate_pairs
from sentistream.datasets.sample_inspection import (
    SampleInspection,
    inspect_image,
    inspect_recording,
)
from sentistream.types import UInt8Array
from sentistream.values import ByValue

PICTURES_PER_LABEL = 24
"""How many pictures are kept for the contact sheet, spread over the people."""

_SIZES = 10
"""How many of the most common picture sizes are reported."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, eq=False)
class Inspection(ByValue):
    """Everything found out about a data set.

    Attributes:
        dataset: What was inspected.
        examinations: One for each sample.
        faults: Of names and contents.
        pictures: By label, some to look at.
    """

    dataset: Dataset
    examinations: tuple[SampleInspection, ...]
    faults: tuple[Fault, ...]
    pictures: dict[str, list[UInt8Array]]

    def as_dict(self) -> dict[str, Any]:
        """The content of ``inspect.json``."""
        samples = self.dataset.samples
        seconds = [entry.seconds for entry in self.examinations if entry.seconds]
        sizes = Counter(entry.size for entry in self.examinations if entry.size != (0, 0))
        return {
            "kind": self.dataset.kind,
            "name": self.dataset.name,
            "path": str(self.dataset.root),
            "samples": len(samples),
            "media": _counts(sample.medium for sample in samples),
            "labels": _counts(sample.label or "none" for sample in samples),
            "sentiments": _counts(sample.sentiment or "none" for sample in samples),
            "splits": _table((sample.split or "none", sample.label) for sample in samples),
            "sources": _table((sample.source or "none", sample.label) for sample in samples),
            "people": _table((sample.person or "(unknown)", sample.label) for sample in samples),
            "people_on_several_sides": _people_on_several_sides(samples),
            "seconds": {
                "total": round(sum(seconds), 1),
                "least": round(min(seconds), 3),
                "median": round(float(np.median(seconds)), 3),
                "most": round(max(seconds), 3),
            }
            if seconds
            else None,
            "sizes": {
                f"{width}x{height}": count for (width, height), count in sizes.most_common(_SIZES)
            },
            "other_sizes": max(0, len(sizes) - _SIZES),
            "faults": _counts(fault.kind for fault in self.faults),
            "across_splits": self._across_splits(),
            "fault_list": [
                {
                    "kind": fault.kind,
                    "name": fault.name,
                    "note": fault.note,
                    "others": list(fault.others),
                }
                for fault in self.faults
            ],
        }

    def _across_splits(self) -> dict[str, int]:
        """How many duplicates and near-duplicates are in several parts of a split."""
        split = {sample.name: sample.split for sample in self.dataset.samples}
        return _counts(
            fault.kind
            for fault in self.faults
            if len({split[name] for name in (fault.name, *fault.others) if name in split}) > 1
        )


def inspect(
    dataset: Dataset,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    jobs: int | None = None,
) -> Inspection:
    """Reads every sample of a data set.

    Args:
        on_progress: Called with samples read and all samples.
        jobs: Threads that read (decoding runs beside Python); None for one per core.
    """
    total = len(dataset.samples)
    chosen = _chosen(dataset.samples)
    examinations: list[SampleInspection] = []
    pictures: dict[str, list[UInt8Array]] = defaultdict(list)
    thumbnails: list[UInt8Array] = []
    pictured: list[int] = []
    work = _images(dataset) if _all_images(dataset) else _recordings(dataset, chosen)
    with ThreadPoolExecutor(jobs or usable_cores()) as pool:
        for position, found in enumerate(_in_order(pool, work)):
            sample = dataset.samples[position]
            if found.thumbnail is not None:
                thumbnails.append(found.thumbnail)
                pictured.append(position)
            if position in chosen and found.picture is not None:
                pictures[sample.label or "none"].append(found.picture)
            # only a few pictures are kept: all of a large set would fill the memory
            examinations.append(
                SampleInspection(
                    found.digest,
                    found.sound_digest,
                    found.seconds,
                    found.size,
                    fault=found.fault,
                )
            )
            on_progress(position + 1, total)
    names = [sample.name for sample in dataset.samples]
    faults = [*dataset.faults, *(found.fault for found in examinations if found.fault)]
    same = _same(names, [found.digest for found in examinations], "The same file.")
    faults += same
    known = {name for fault in same for name in (fault.name, *fault.others)}
    faults += [
        fault
        for fault in _same(names, [found.sound_digest for found in examinations], "The same sound.")
        if not {fault.name, *fault.others} <= known
    ]
    if thumbnails:
        faults += _near(names, pictured, np.stack(thumbnails), known)
    return Inspection(dataset, tuple(examinations), tuple(faults), dict(pictures))


def _all_images(dataset: Dataset) -> bool:
    return all(sample.medium == "image" for sample in dataset.samples)


def _images(dataset: Dataset) -> Iterator[Callable[[], SampleInspection]]:
    for sample, content in dataset.images():
        yield partial(inspect_image, sample, content)


def _recordings(
    dataset: Dataset, chosen: frozenset[int]
) -> Iterator[Callable[[], SampleInspection]]:
    for position, sample in enumerate(dataset.samples):
        yield partial(_examine_file, sample, pictured=position in chosen)


def _examine_file(sample: Sample, *, pictured: bool) -> SampleInspection:
    if sample.medium != "image":
        return inspect_recording(sample, pictured=pictured)
    try:
        return inspect_image(sample, sample.path.read_bytes())
    except OSError:
        return inspect_image(sample, b"")


def _in_order(pool: ThreadPoolExecutor, work: Iterable[Callable[[], _T]]) -> Iterator[_T]:
    """Yields results in the order of the work, which is only submitted a little ahead."""
    waiting: list[Future[_T]] = []
    for one in work:
        waiting.append(pool.submit(one))
        if len(waiting) >= 64:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _chosen(samples: Sequence[Sample]) -> frozenset[int]:
    """Positions of the samples to look at: of each label, spread evenly."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for position, sample in enumerate(samples):
        by_label[sample.label].append(position)
    return frozenset(
        positions[at]
        for positions in by_label.values()
        for at in np.linspace(0, len(positions) - 1, PICTURES_PER_LABEL).astype(int).tolist()
    )


def _same(names: list[str], digests: list[str], note: str) -> list[Fault]:
    by_digest: dict[str, list[str]] = defaultdict(list)
    for name, digest in zip(names, digests, strict=True):
        if digest:
            by_digest[digest].append(name)
    return [
        Fault("duplicate", group[0], note, tuple(group[1:]))
        for group in by_digest.values()
        if len(group) > 1
    ]


def _near(
    names: list[str], positions: list[int], thumbnails: UInt8Array, known: set[str]
) -> list[Fault]:
    groups = [
        [names[positions[member]] for member in group]
        for group in connected_groups(near_duplicate_pairs(thumbnails))
    ]
    return [
        Fault("near-duplicate", group[0], "They look the same.", tuple(group[1:]))
        for group in groups
        if not set(group) <= known
    ]


def _people_on_several_sides(samples: Sequence[Sample]) -> list[str]:
    sides: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.person and sample.split:
            sides[sample.person].add(sample.split)
    return sorted(person for person, splits in sides.items() if len(splits) > 1)


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _table(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for row, column in pairs:
        rows[row][column or "none"] += 1
    return {row: dict(sorted(rows[row].items())) for row in sorted(rows)}
