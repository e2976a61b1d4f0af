"""``sentistream models``: the networks, their cards, and whether they are intact."""

from __future__ import annotations

from pathlib import Path

import click

from sentistream.cli.columns import columns
from sentistream.errors import ModelError, OutputError
from sentistream.reports.model_cards import (
    cards_page,
    facts,
    interval,
    licence_word,
    main_figure,
    people,
    recipe_words,
)
from sentistream.runtime import list_models, load_card
from sentistream.runtime.model_card import ModelCard
from sentistream.runtime.model_store import check_model, models_folder

ALTERED = 1


@click.group(invoke_without_command=True)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write all cards as one page to FILE; - for the terminal.",
)
@click.pass_context
def models(context: click.Context, markdown: str | None) -> None:
    """Show the bundled networks, and check them.

    Each has a card: its training data and their terms, how it was trained, how good it is on
    people it was not trained on, its known weaknesses, and what it must not be used for. If
    SENTISTREAM_MODELS is set, the networks in that folder are used.

    \b
    Examples:
      sentistream models
      sentistream models show paper/mouth
      sentistream models verify
      sentistream models --markdown cards.md
    """
    if markdown is not None:
        _write(markdown, cards_page(_cards()))
    elif context.invoked_subcommand is None:
        context.invoke(list_)


@models.command("list")
def list_() -> None:
    """One line for each network."""
    names = ("network", "parameters", "multiply-adds", "licence", "right, on people not trained on")
    rows = [
        (
            card.name,
            f"{card.parameters:,}",
            f"{card.multiply_adds / 1e6:,.1f} M",
            licence_word(card),
            main_figure(card),
        )
        for card in _cards()
    ]
    click.echo(columns([names, *rows], right=(1, 2)))


@models.command()
@click.argument("name")
def show(name: str) -> None:
    """The complete card of the network NAME, such as paper/mouth."""
    known = _names()
    if name not in known:
        raise ModelError(
            f"There is no network {name!r} in {models_folder()}.",
            f"Choose one of: {', '.join(known)}.",
        )
    card = load_card(name)
    click.secho(card.name, bold=True)
    rows = [
        *facts(card),
        ("recipe", recipe_words(card.recipe)),
        ("", card.recipe.get("note", "")),
    ]
    click.echo(columns([each for each in rows if each[1]]))
    data = [
        (entry.get("name", ""), f"{entry.get('examples', '')}", entry.get("terms", ""))
        for entry in card.data
    ]
    click.echo("\n" + columns([("data", "examples", "terms"), *data]))
    figures = [
        (
            row["source"],
            people(row),
            f"{row['n']} {row.get('unit', '')}".rstrip(),
            interval(row, "accuracy"),
            interval(row, "uar"),
        )
        for row in card.figures
    ]
    names = ("measured on", "people", "n", "accuracy", "unweighted recall")
    click.echo("\n" + columns([names, *figures]))
    click.echo("\nknown weaknesses")
    click.echo(columns([("-", text) for text in card.weaknesses], gap=1))


@models.command()
@click.pass_context
def verify(context: click.Context) -> None:
    """Check that each network is the one its card was written for.

    Exits with 1 if one is not.
    """
    broken = 0
    for name in _names():
        try:
            left_out = check_model(load_card(name))
        except ModelError as error:
            broken += 1
            click.echo(f"fail  {name}: {error}")
        else:
            note = f" ({', '.join(left_out)} is not part of the package)" if left_out else ""
            click.echo(f"ok    {name}{note}")
    if broken:
        context.exit(ALTERED)


def _cards() -> list[ModelCard]:
    """All cards.

    Raises:
        ModelError: There are none, or one cannot be read.
    """
    return [load_card(name) for name in _names()]


def _names() -> list[str]:
    names = list_models()
    if not names:
        raise ModelError(
            f"There are no networks in {models_folder()}.", "Correct SENTISTREAM_MODELS."
        )
    return names


def _write(target: str, text: str) -> None:
    if target == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(target).write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error.strerror}).", "Choose another --markdown."
        ) from None
    click.echo(f"The cards of {len(_names())} networks are in {target}.")
