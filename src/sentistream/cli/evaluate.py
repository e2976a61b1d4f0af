"""``sentistream evaluate``: how good the answers are on labelled material."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sentistream.cli.evaluate_accumulation import TASK as ACCUMULATION
from sentistream.cli.evaluate_faces_found import TASK as FACES_FOUND
from sentistream.cli.evaluate_faces_found import measure_faces_found
from sentistream.cli.evaluate_predictions import measure_items, measure_protocol, measure_robustness
from sentistream.cli.prior import prior_option
from sentistream.datasets.manifest import Item, read_manifest
from sentistream.errors import InputError
from sentistream.evaluation.corruption_conditions import CLIP_CORRUPTIONS, PICTURE_CORRUPTIONS
from sentistream.evaluation.cross_validation import PROTOCOLS
from sentistream.evaluation.predictors import TASKS, card_ids, task_cards
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, PROFILES, get_profile
from sentistream.reports.summary_file import prior_dict
from sentistream.types import SENTIMENTS

_NO_SENTIMENT = ("mouths", FACES_FOUND)


@click.command()
@click.option(
    "--task",
    type=click.Choice((*TASKS, FACES_FOUND, ACCUMULATION)),
    default="clips",
    show_default=True,
    help="clips: whole videos by face and voice; faces: images; voices: recordings; "
    "mouths: crops of mouths; faces-found: pictures or videos whose faces are marked; "
    "accumulation: ways in which moments add up, on clips strung together.",
)
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns path, label and, if known, person; further columns group. For "
    "faces-found a CSV or Parquet file with boxes.",
)
@click.option(
    "--split",
    default="",
    metavar="NAME",
    help="faces-found: only rows of the manifest whose column split says so.",
)
@click.option(
    "--least-size",
    type=click.FloatRange(min=1),
    metavar="PX",
    help="faces-found: smaller faces need not be found; 12 in pictures, 24 in clips by default.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with RAVDESS or Java-SED, in place of a manifest.",
)
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    help="Measure the shipped networks on the test parts of a frozen split, apart by whom they "
    "learned from.",
)
@click.option(
    "--retrain",
    is_flag=True,
    help="With --task voices --protocol leave-one-corpus-out: train the voice network once "
    "without each corpus. --data is the folder that `sentistream train` takes.",
)
@click.option(
    "--robustness",
    is_flag=True,
    help="Corrupt clips or faces (rotated, covered, dark, blurred, small, noisy) and say how the "
    "answers hold up.",
)
@click.option(
    "--only",
    type=click.Choice(tuple(dict.fromkeys((*CLIP_CORRUPTIONS, *PICTURE_CORRUPTIONS)))),
    multiple=True,
    help="With --robustness: this corruption alone; may be given several times.",
)
@click.option(
    "--paper-tables",
    is_flag=True,
    help="Print Tables 5-10 of the paper with ours beside them; --data may hold RAVDESS for "
    "Table 9, --manifest video streams for Table 10.",
)
@click.option(
    "--appearance",
    is_flag=True,
    help="Also group clips or faces by the size, brightness and colour of the face as measured.",
)
@click.option(
    "--profile", type=click.Choice(tuple(PROFILES)), default=DEFAULT_PROFILE, show_default=True
)
@prior_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="evaluation",
    show_default=True,
    help="Folder for results.json, predictions.csv, report.html and plots.",
)
def evaluate(
    task: str,
    manifest: Path | None,
    split: str,
    least_size: float | None,
    data: Path | None,
    protocol: str | None,
    retrain: bool,
    robustness: bool,
    only: tuple[str, ...],
    paper_tables: bool,
    appearance: bool,
    profile: str,
    prior: Prior | None,
    out: Path,
) -> None:
    """Measure the answers on labelled clips, faces, voices or mouths, or how faces are found.

    The manifest's paths are relative to its folder. Labels are positive, neutral, negative (or
    the emotions happy, neutral, calm, angry, sad; surprise, fear and disgust are left out), and
    open or closed for mouths. Items that cannot be read, or have no usable face or voice, count
    as wrong and are counted separately. Name the people: figures on people that the networks
    were trained on say little about others.

    \b
    Examples:
      sentistream evaluate --task clips --manifest clips.csv
      sentistream evaluate --task faces --manifest faces.csv --appearance --out results/faces
      sentistream evaluate --protocol leave-one-speaker-out --data ~/javased
      sentistream evaluate --protocol speaker-folds --task voices --data ~/ravdess
      sentistream evaluate --protocol leave-one-corpus-out --task voices --retrain --data ~/data
      sentistream evaluate --robustness --manifest clips.csv --only roll --only noise
      sentistream evaluate --paper-tables --data ~/ravdess
      sentistream evaluate --task faces-found --manifest boxes.csv
      sentistream evaluate --task accumulation --manifest clips.csv
    """
    modes = {
        "--protocol": protocol is not None,
        "--robustness": robustness,
        "--paper-tables": paper_tables,
    }
    _check_options(modes, only, appearance)
    chosen = get_profile(profile).with_prior(prior)
    _check_corruption_names(task, only)
    if task == FACES_FOUND:
        for name, given in (
            ("--data", data is not None),
            ("--protocol", protocol is not None),
            ("--paper-tables", paper_tables),
            ("--appearance", appearance),
        ):
            if given:
                raise InputError(
                    f"{name} and --task {FACES_FOUND} do not go together.", f"Leave {name} away."
                )
        measure_faces_found(
            manifest,
            chosen,
            out,
            split=split,
            least_size=least_size,
            robustness=robustness,
            only=only,
        )
        return
    if prior is not None and task in _NO_SENTIMENT:
        raise InputError("--prior is for sentiments.", f"Leave it away with --task {task}.")
    if task == ACCUMULATION:
        refused = {**modes, "--data": data is not None, "--appearance": appearance}
        for name, given in (*refused.items(), ("--prior", prior is not None)):
            if given:
                raise InputError(
                    f"{name} and --task {ACCUMULATION} do not go together.", f"Leave {name} away."
                )
        from sentistream.cli.evaluate_accumulation import compare_accumulation

        compare_accumulation(manifest, chosen, out)
        return
    if split or least_size is not None:
        raise InputError(
            "--split and --least-size are for marked faces.", f"Add --task {FACES_FOUND}."
        )
    if paper_tables:
        from sentistream.cli.evaluate_paper_tables import print_tables

        streams = read_manifest(manifest, SENTIMENTS)[0] if manifest else []
        print_tables(data, streams, chosen, out)
        return
    if retrain:
        from sentistream.cli.evaluate_retrained import measure_retrained

        measure_retrained(task, protocol, data, chosen, out)
        return
    items, outside = _items(task, manifest, data)
    learned = chosen.voice_learned_shares if task == "voices" else chosen.learned_shares
    facts: dict[str, Any] = {
        "task": task,
        "manifest": str(manifest or data),
        "profile": profile,
        "prior": prior_dict(chosen, learned),
        "models": card_ids(task_cards(task, chosen)),
        "left_out": outside,
    }
    if protocol is not None:
        measure_protocol(protocol, items, facts, chosen, out, appearance=appearance)
    elif robustness:
        measure_robustness(items, facts, chosen, out, only)
    else:
        title = f"{task} of {(manifest or data or Path()).name}, {profile}"
        if measure_items(items, facts, chosen, out, title=title, appearance=appearance):
            click.get_current_context().exit(2)


def _check_options(modes: dict[str, bool], only: tuple[str, ...], appearance: bool) -> None:
    """Reject options that make no sense together.

    Raises:
        InputError: There are some.
    """
    chosen = [name for name, given in modes.items() if given]
    if appearance and chosen != ["--protocol"]:
        chosen.append("--appearance")
    if len(chosen) > 1:
        raise InputError(f"{' and '.join(chosen)} do not go together.", "Run them one by one.")
    if only and not modes["--robustness"]:
        raise InputError("--only chooses corruptions.", "Add --robustness.")


def _check_corruption_names(task: str, only: tuple[str, ...]) -> None:
    """Reject corruptions that the task does not have.

    Raises:
        InputError: One is chosen.
    """
    known = PICTURE_CORRUPTIONS if task == FACES_FOUND else CLIP_CORRUPTIONS
    for kind in only:
        if kind not in known:
            raise InputError(
                f"The task {task} has no corruption {kind}.", f"Choose of: {', '.join(known)}."
            )


def _items(task: str, manifest: Path | None, data: Path | None) -> tuple[list[Item], int]:
    if manifest is not None and data is None:
        return read_manifest(manifest, TASKS[task][1])
    if data is None or manifest is not None:
        raise InputError(
            "Labelled material is named by either --manifest or --data.",
            "Name a CSV with --manifest, or a folder with --data.",
        )
    from sentistream.evaluation.evaluation_inputs import FOLDER_TASKS, find_items

    if task not in FOLDER_TASKS:
        raise InputError(
            f"The task {task} cannot be measured on a folder of recordings.",
            "Name the images in a CSV with --manifest.",
        )
    return find_items(data, task)
