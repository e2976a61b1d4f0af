"""``sentistream data``: get, inspect, prepare and label data."""

from __future__ import annotations

from collections.abc import Mapping

import click

from sentistream.cli import LazyGroup


class DataCommands(LazyGroup):
    """The commands about data."""

    table: Mapping[str, tuple[str, str]] = {
        "get": (
            "sentistream.cli.data_get:get",
            "Fetch RAVDESS or CREMA-D from their publisher.",
        ),
        "inspect": (
            "sentistream.cli.data_inspect:inspect",
            "Say what a data set holds and what is wrong with it.",
        ),
        "label-mouths": (
            "sentistream.cli.data_label:label_mouths",
            "Say of mouths whether they are open, on a small page.",
        ),
        "prepare": (
            "sentistream.cli.data_prepare:prepare",
            "Cut faces, mouths and voices out of raw data.",
        ),
    }


@click.group(cls=DataCommands)
def data() -> None:
    """Get, inspect, prepare and label data to train and evaluate with.

    \b
    Examples:
      sentistream data get ravdess ~/ravdess
      sentistream data inspect faces.parquet --out look
      sentistream data prepare ~/data --out runs/paper
      sentistream data label-mouths ~/clips --out mouths.csv
    """
