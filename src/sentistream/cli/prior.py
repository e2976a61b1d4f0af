"""The option ``--prior`` of several commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from sentistream.errors import InputError
from sentistream.prior import AS_LEARNED, HELP, Prior, get_prior


class _PriorType(click.ParamType[Prior]):
    name = "prior"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Prior:
        if isinstance(value, Prior):
            return value
        try:
            return get_prior(str(value))
        except InputError as error:
            self.fail(str(error), param, ctx)


_Command = TypeVar("_Command", bound=Callable[..., Any] | click.Command)


def prior_option(command: _Command) -> _Command:
    """The option, as a decorator."""
    option = click.option(
        "--prior",
        type=_PriorType(),
        metavar="NAME|P,N,N",
        help=f"{HELP}  [default: {AS_LEARNED}]",
    )
    return option(command)
