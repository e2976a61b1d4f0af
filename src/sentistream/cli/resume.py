"""``--resume``: which clips need not be analyzed again, because their results are complete."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentistream.cli.clip_analysis import Options
from sentistream.cli.inputs import Clip
from sentistream.values import ByValue

_SETTINGS_OF_OLD = {"report_video": "link"}
"""Settings missing from earlier versions, with the equivalent value."""


@dataclass(frozen=True, slots=True, eq=False)
class Earlier(ByValue):
    """Results of earlier runs.

    Attributes:
        complete: The summary of each clip whose results are complete.
        again: How many of the others have results that do not count, by reason.
    """

    complete: dict[Clip, dict[str, Any]] = field(default_factory=dict)
    again: Counter[str] = field(default_factory=Counter)

    def summary_lines(self) -> list[str]:
        """Sentences for the terminal."""
        lines = [f"Skipped, as their results are complete: {len(self.complete)}."]
        lines += [f"Analyzed again, as {reason}: {count}." for reason, count in self.again.items()]
        return lines


def find_earlier(folders: Mapping[Clip, Path], options: Options) -> Earlier:
    """Searches the result folders.

    Results are complete if the run finished and every file is complete, the analyzed file has
    the same size and time as then, and options, profile settings and networks were the same.
    Those of cameras and streams never are.

    Args:
        folders: Where each clip's results go.
        options: What the user asks for now.

    Raises:
        ModelError: A network's card is missing.
    """
    wanted = what_is_wanted(options)
    earlier = Earlier()
    for clip, folder in folders.items():
        facts, reason = _look(clip, folder, wanted)
        if reason:
            earlier.again[reason] += 1
        elif facts is not None:
            earlier.complete[clip] = facts
    return earlier


def what_is_wanted(options: Options) -> dict[str, Any]:
    """Options, profile settings and networks that determine results, as plain values.

    Raises:
        ModelError: A network's card is missing.
    """
    from sentistream.profiles import get_profile
    from sentistream.runtime import load_card

    profile = get_profile(options.profile).with_prior(options.prior)
    wanted = {
        "settings": options.settings(),
        "profile": dataclasses.asdict(profile),
        "models": {name: load_card(name).sha256 for name in profile.models},
    }
    plain: dict[str, Any] = json.loads(json.dumps(wanted))
    return plain


def _look(
    clip: Clip, folder: Path, now: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, str | None]:
    """The summary of complete results, or why existing ones are incomplete; neither if none."""
    from sentistream.reports.formats import FORMATS
    from sentistream.reports.result_folder import FILES, SUMMARY
    from sentistream.reports.source_file import file_facts

    if clip.path is None or not any((folder / name).exists() for name in FILES):
        return None, None
    incomplete = "they were not complete"
    try:
        facts = json.loads((folder / SUMMARY).read_text("utf-8"))
        models = {model["name"]: model["sha256"] for model in facts["models"]}
        if facts["complete"] is not True or not _is_whole(folder, facts["settings"]):
            return None, incomplete
        name, file = facts["input"]["name"], facts.get("file")
        was = {
            "settings": _SETTINGS_OF_OLD | facts["settings"],
            "profile": facts["profile"],
            "models": models,
        }
    except (OSError, ValueError, TypeError, KeyError):
        return None, incomplete
    if file is None or name != clip.path.name or file != file_facts(clip.path):
        return None, "the file has changed"
    earlier, wanted = (dict(made["settings"]) for made in (was, now))
    # more formats than requested do no harm
    earlier.pop("formats", None)
    missing = [name for name in wanted.pop("formats") if not (folder / FORMATS[name].file).exists()]
    if {**was, "settings": earlier} != {**now, "settings": wanted}:
        return None, "options or networks were others"
    if missing:
        return None, f"there was no {', '.join(FORMATS[name].file for name in missing)}"
    return facts, None


def _is_whole(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Whether every file is there under its final name."""
    from sentistream.reports.output_files import partial_name
    from sentistream.reports.result_folder import CSV, FILES, PAGE, VIDEO

    needed = [CSV, PAGE, *([VIDEO] if settings["video"] else [])]
    return all((folder / name).exists() for name in needed) and not any(
        partial_name(folder / name).exists() for name in FILES
    )
