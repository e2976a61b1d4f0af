"""Write the product's accuracy on whole clips into the card of its fusion network.

Run `sentistream evaluate --task clips --manifest LIST --out FOLDER` on clips of people not trained
on, then `python scripts/update_clip_figures.py FOLDER=SOURCE ...`, such as `out/acted=java-sed`,
then `sentistream models --markdown docs/model-cards.md`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from sentistream.profiles import DEFAULT_PROFILE, get_profile
from sentistream.runtime.model_card import read_card

MODELS = Path(__file__).parent.parent / "src" / "sentistream" / "models"


def figure(results: dict[str, Any], source: str) -> dict[str, Any]:
    """A row of the card from the results of an evaluation."""
    kept = ("n", "accuracy", "accuracy_ci95", "uar", "macro_f1", "confusion", "ece")
    return {
        "source": source,
        "split": "people not trained on",
        "unit": "whole clips",
        "people": len(results["per_person"]),
        **{name: results[name] for name in kept},
    }


def main() -> None:
    """Replace the figures on the card of the default profile's fusion network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("evaluations", nargs="+", metavar="FOLDER=SOURCE")
    rows = []
    for argument in parser.parse_args().evaluations:
        folder, _, source = argument.rpartition("=")
        results = json.loads((Path(folder) / "results.json").read_text("utf-8"))
        rows.append(figure(results, source))
    path = MODELS / f"{get_profile(DEFAULT_PROFILE).fused_model}.json"
    dataclasses.replace(read_card(path), figures=rows).write(path)


if __name__ == "__main__":
    main()
