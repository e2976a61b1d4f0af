"""``sentistream evaluate --paper-tables``: Tables 5-10, the paper's figures beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sentistream.cli.progress import counting, write_line
from sentistream.datasets.manifest import Item
from sentistream.errors import DataError
from sentistream.evaluation import paper_tables
from sentistream.evaluation.cross_validation import load_protocol, recording_of
from sentistream.evaluation.evaluation_inputs import Take, find_items, find_takes
from sentistream.evaluation.paper_tables import correct_by_class, predict_branches
from sentistream.evaluation.predictors import task_cards, trained_on
from sentistream.profiles import Profile
from sentistream.reports.output_files import make_output_folder, write_atomically, write_json
from sentistream.runtime import load_card

_STREAMS_NOTE = "Ours: the clips named with --manifest, as many as there are."
_NO_STREAMS_NOTE = (
    "The paper's nine video streams are not published; name your own with --manifest."
)


def print_tables(data: Path | None, streams: list[Item], profile: Profile, out: Path) -> None:
    """Measure what the data permits, print the tables and write them."""
    clips, takes = _in_sample(data)
    with counting("clips", len(clips) + len(takes) + len(streams)) as bar:

        def measure(items: list[Item], stills: list[Take]) -> dict[str, Any] | None:
            if not items and not stills:
                return None
            predictions = predict_branches(
                items,
                stills,
                profile,
                on_item=bar.update,
                on_problem=lambda problem: write_line(f"Warning: {problem}", err=True),
            )
            return {branch: correct_by_class(each) for branch, each in predictions.items()}

        in_sample, out_of_sample = measure(clips, takes), measure(streams, [])
    mouth, face = load_card(profile.mouth_model), load_card(profile.face_model)
    voice, fused = load_card(profile.voice_model), load_card(profile.fused_model)
    theirs_9 = paper_tables.paper_counts(paper_tables.IN_SAMPLE, 18)
    theirs_10 = paper_tables.paper_counts(paper_tables.OUT_OF_SAMPLE, 3)
    streams_note = _STREAMS_NOTE if streams else _NO_STREAMS_NOTE
    tables = [
        paper_tables.table_5(mouth),
        paper_tables.table_6(face, voice, len(clips) + len(takes)),
        paper_tables.table_7(face, voice, fused),
        paper_tables.table_8(fused),
        paper_tables.table_of_clips(9, theirs_9, in_sample, _note(clips, takes, profile)),
        paper_tables.table_of_clips(10, theirs_10, out_of_sample, streams_note),
    ]
    text = "\n".join(table.markdown() for table in tables)
    click.echo(text)
    facts = {"profile": profile.name, "tables": [table.as_dict() for table in tables]}
    make_output_folder(out)
    write_atomically(out / "paper_tables.md", text)
    write_json(out / "paper_tables.json", facts)
    click.echo(f"Written to {out / 'paper_tables.md'} and {out / 'paper_tables.json'}.")


def _in_sample(data: Path | None) -> tuple[list[Item], list[Take]]:
    """Those of the list of 54 that there are: as clips, else as frames with speech."""
    if data is None:
        return [], []
    listed = set(load_protocol("paper").content["test_recordings"])
    try:
        items, _ = find_items(data, "clips")
    except DataError:  # there may be frames
        items = []
    clips = [item for item in items if item.source == "ravdess" and recording_of(item) in listed]
    missing = listed - {recording_of(item) for item in clips}
    return clips, [take for take in find_takes(data) if recording_of(take.item) in missing]


def _note(clips: list[Item], takes: list[Take], profile: Profile) -> str:
    items = [*clips, *(take.item for take in takes)]
    if not items:
        return (
            "None of the 54 clips of our list is there; name a folder that has RAVDESS with --data."
        )
    cards = [*task_cards("clips", profile), *task_cards("voices", profile)]
    learned = sum(trained_on(item.person, item.source, cards) for item in items)
    people = sorted({item.person for item in items})
    return (
        f"Ours: {len(items)} of the 54 clips of our list (the paper's own is not published), of "
        f"{', '.join(people)}: {len(clips)} as video, {len(takes)} as still frames with the "
        f"speech; {learned} of them of people that the networks learned from."
    )
