"""The command ``sentistream``: one thin module per command, which parses, calls and prints."""

from __future__ import annotations

import errno
import importlib
import io
import signal
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from sentistream import __version__
from sentistream.cli.faults import told_of_fault
from sentistream.errors import OutputError, SentistreamError
from sentistream.redaction import without_secrets

COMMANDS = {
    "analyze": ("sentistream.cli.analyze:analyze", "Say how people on video come across."),
    "benchmark": (
        "sentistream.cli.benchmark:benchmark",
        "Measure speed, memory and streams here.",
    ),
    "data": ("sentistream.cli.data:data", "Get, inspect, prepare and label data."),
    "demo": ("sentistream.cli.demo:demo", "Try it on a generated clip."),
    "doctor": ("sentistream.cli.doctor:doctor", "Check that everything is in place."),
    "evaluate": ("sentistream.cli.evaluate:evaluate", "Measure the answers on labelled material."),
    "explain": ("sentistream.cli.explain:explain", "Show where an answer comes from."),
    "export": ("sentistream.cli.export:export", "Write the networks for other devices."),
    "models": ("sentistream.cli.models:models", "Show the networks, their cards and checksums."),
    "monitor": ("sentistream.cli.monitor:monitor", "Watch cameras around the clock, on a page."),
    "train": ("sentistream.cli.train:train", "Train the networks on your own data."),
}
"""Each command's module and its line in ``--help``, so that help loads none of them."""

USER_ERROR = 2
UNEXPECTED_ERROR = 1
INTERRUPTED = 128 + signal.SIGINT


class LazyGroup(click.Group):
    """Loads a command on first use.

    Attributes:
        table: Each command's module and its line in ``--help``.
    """

    table: Mapping[str, tuple[str, str]]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        home, _ = self.table[cmd_name]
        module, _, name = home.partition(":")
        try:
            command = getattr(importlib.import_module(module), name)
        except SentistreamError as error:
            raise _UserError(error) from None
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name][1]) for name in self.list_commands(ctx)])


class Commands(LazyGroup):
    """The whole program: reports errors in one sentence."""

    table: Mapping[str, tuple[str, str]] = COMMANDS

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SentistreamError as error:
            if ctx.params.get("debug"):
                raise
            raise _UserError(error) from None
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(INTERRUPTED)
        except click.ClickException as error:
            vars(error)["message"] = without_secrets(error.message)
            raise
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                full = OutputError(
                    "There is no space left where this writes to.", "Free some, or write elsewhere."
                )
                raise _UserError(full) from None
            _unexpected(ctx, error)


class _UserError(click.ClickException):
    exit_code = USER_ERROR

    def __init__(self, error: SentistreamError) -> None:
        super().__init__(str(error))


def _unexpected(ctx: click.Context, error: Exception) -> NoReturn:
    """A bug in the program: one sentence, with the details in a file."""
    click.echo(f"Error: {told_of_fault(error)}", err=True)
    ctx.exit(UNEXPECTED_ERROR)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `sentistream analyze VIDEO`; each command has its own --help.",
)
@click.version_option(__version__, prog_name="sentistream")
@click.option("--debug", is_flag=True, help="Show the full details of an error.")
def main(debug: bool) -> None:
    """Say in real time how people on video come across, from their faces and voices:
    positive, neutral or negative."""
    for stream in (sys.stdout, sys.stderr):
        # a name that the terminal cannot show must not end the program
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
