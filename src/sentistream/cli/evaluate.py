"""``sentistream evaluate``: how good the answers are on labelled material."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sentistream.accumulation import is_sure
from sentistream.cli.evaluate_accumulation import TASK as ACCUMULATION
from sentistream.cli.evaluate_faces_found import TASK as FACES_FOUND
from sentistream.cli.evaluate_faces_found import measure_faces_found
from sentistream.cli.prior import prior_option
from sentistream.cli.progress import tracked
from sentistream.datasets.manifest import Item, read_manifest
from sentistream.errors import InputError
from sentistream.evaluation.answers import TASKS, Probabilities
from sentistream.evaluation.conditions import KINDS
from sentistream.evaluation.face_conditions import FACE_KINDS
from sentistream.evaluation.models import cards_of, named
from sentistream.evaluation.outcomes import Outcome, ask
from sentistream.evaluation.priors import under_priors
from sentistream.evaluation.protocols import PROTOCOLS
from sentistream.evaluation.report import write_report
from sentistream.evaluation.results import summarize
from sentistream.evaluation.voices import EARLIER, with_history
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, PROFILES, Profile, get_profile
from sentistream.reports.summary import prior_dict
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
    help="faces-found: smaller faces need not be found; 12 in pictures, 24 in clips unless told.",
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
    help="Disturb clips or faces (turned, covered, dark, blurred, small, noisy) and say how the "
    "answers hold up.",
)
@click.option(
    "--only",
    type=click.Choice(tuple(dict.fromkeys((*KINDS, *FACE_KINDS)))),
    multiple=True,
    help="With --robustness: this disturbance alone; can be given again.",
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
    open or closed for mouths. What cannot be read, or shows no usable face or voice, counts as
    wrong and is counted apart. Name the people: figures on people that the networks learned
    from say little about others.

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
    _refuse_unfit(modes, only, appearance)
    chosen = get_profile(profile).with_prior(prior)
    _refuse_unknown_kinds(task, only)
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
        from sentistream.cli.evaluate_tables import print_tables

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
        "models": named(cards_of(task, chosen)),
        "left_out": outside,
    }
    if protocol is not None:
        from sentistream.cli.evaluate_protocol import measure

        measure(protocol, items, facts, chosen, out, appearance=appearance)
        return
    if robustness:
        from sentistream.cli.evaluate_robustness import disturb

        disturb(items, facts, chosen, out, only)
        return
    outcomes = answers(items, task, chosen, appearance=appearance)
    facts.update(summarize(outcomes, TASKS[task][1], sure_from(task, chosen)))
    if task not in _NO_SENTIMENT:
        facts["priors"] = under_priors(outcomes, chosen, learned)
    click.echo(in_a_sentence(facts))
    tell_coverage(facts)
    if task == "voices" and chosen.decision == "lite":
        _add_history(facts, outcomes, chosen)
    finish(out, f"{task} of {(manifest or data or Path()).name}, {profile}", facts, outcomes)
    unread = sum(bool(outcome.problem) for outcome in outcomes)
    if unread:
        click.echo(f"{unread} of {len(outcomes)} could not be read; they count as wrong.", err=True)
        click.get_current_context().exit(2)


def answers(items: list[Item], task: str, profile: Profile, *, appearance: bool) -> list[Outcome]:
    """What the profile's networks say of each item, with a bar."""
    if appearance:
        items = _with_appearance(items, task)
    make_answer, _ = TASKS[task]

    def sure(values: Probabilities) -> bool:
        return is_sure(float(values.max()), profile)

    return ask(
        tracked(items, task),
        make_answer(profile),
        is_sure=None if sure_from(task, profile) is None else sure,
        on_problem=lambda problem: click.echo(f"Warning: {problem}", err=True),
    )


def sure_from(task: str, profile: Profile) -> float | None:
    """The confidence from which the profile is sure of an answer; None where it sets none."""
    return None if task in _NO_SENTIMENT else profile.unknown_below or None


def tell_coverage(facts: dict[str, Any]) -> None:
    """How right the most confident answers are."""
    if facts["coverage_area"] is None:
        return
    shown = [point for place, point in enumerate(facts["coverage"]) if place % 4 == 3]
    points = ", ".join(f"{point['coverage']:.0%}: {point['accuracy']:.1%}" for point in shown)
    click.echo(
        f"Right of the most confident answers, by the share answered: {points}. Area under the "
        f"risk-coverage curve {facts['coverage_area']:.3f} "
        f"({facts['coverage_area_best']:.3f} at best with as many right)."
    )


def _add_history(facts: dict[str, Any], outcomes: list[Outcome], profile: Profile) -> None:
    """The same voices judged as those of people who were heard before."""
    known = with_history(outcomes, profile)
    if known:
        facts["with_history"] = summarize(known, SENTIMENTS)
        click.echo(
            f"With up to {EARLIER} other recordings of the same person heard before: "
            f"{in_a_sentence(facts['with_history'])}"
        )


def in_a_sentence(facts: dict[str, Any]) -> str:
    """The figures that matter most."""
    low, high = facts["accuracy_ci95"]
    said = (
        f"{facts['accuracy']:.1%} of {facts['n']} right (95 % interval {low:.1%} to {high:.1%}), "
        f"unweighted average recall {facts['uar']:.1%}, {facts['unusable']} without an answer."
    )
    if facts["sure"]:
        sure = facts["sure"]
        said += f" Sure of {facts['sure_share']:.1%}, and of these {sure['accuracy']:.1%} right."
    return said


def finish(
    out: Path, title: str, facts: dict[str, Any], outcomes: list[Outcome], *notes: str
) -> None:
    """Write all files and say where they are."""
    missing = write_report(out, title, facts, outcomes, notes)
    click.echo(f"More in {out / 'report.html'} and {out / 'results.json'}.")
    if missing:
        click.echo(f"There are no plots. {missing}", err=True)


def _refuse_unfit(modes: dict[str, bool], only: tuple[str, ...], appearance: bool) -> None:
    """Options that make no sense together.

    Raises:
        InputError: There are some.
    """
    asked = [name for name, given in modes.items() if given]
    if appearance and asked != ["--protocol"]:
        asked.append("--appearance")
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)} do not go together.", "Run them one by one.")
    if only and not modes["--robustness"]:
        raise InputError("--only chooses disturbances.", "Add --robustness.")


def _refuse_unknown_kinds(task: str, only: tuple[str, ...]) -> None:
    """Disturbances that there are for other tasks only.

    Raises:
        InputError: One is chosen.
    """
    known = FACE_KINDS if task == FACES_FOUND else KINDS
    for kind in only:
        if kind not in known:
            raise InputError(
                f"The task {task} has no disturbance {kind}.", f"Choose of: {', '.join(known)}."
            )


def _items(task: str, manifest: Path | None, data: Path | None) -> tuple[list[Item], int]:
    if manifest is not None and data is None:
        return read_manifest(manifest, TASKS[task][1])
    if data is None or manifest is not None:
        raise InputError(
            "Labelled material is named by either --manifest or --data.",
            "Name a CSV with --manifest, or a folder with --data.",
        )
    from sentistream.evaluation import material

    if task not in material.TASKS:
        raise InputError(
            f"The task {task} cannot be measured on a folder of recordings.",
            "Name the images in a CSV with --manifest.",
        )
    return material.find_items(data, task)


def _with_appearance(items: list[Item], task: str) -> list[Item]:
    from sentistream.evaluation import appearance

    if task not in appearance.TASKS:
        raise InputError(
            f"The task {task} shows no whole faces to compare.",
            f"Use --appearance with {' or '.join(appearance.TASKS)}.",
        )
    return appearance.add_appearance(tracked(items, "looking at faces"), task)
