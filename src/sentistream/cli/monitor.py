"""``sentistream monitor``: watches cameras and serves a page."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from sentistream.errors import MissingExtraError, OutputError, StorageError

if TYPE_CHECKING:
    from sentistream.monitor.runner import Address
    from sentistream.monitor.settings import Settings

TEMPORARY = 75
"""Exit code if the database cannot be reached: worth a retry."""


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "sentistream"


class _Subcommands(click.Group):
    """``join``, ``leave`` and ``link``, loaded on first use."""

    names = ("join", "leave", "link")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from sentistream.cli import monitor_fleet

        return getattr(monitor_fleet, cmd_name) if cmd_name in self.names else None


@click.group(cls=_Subcommands, invoke_without_command=True)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="YAML file of settings (docs/settings.md), never written; the page saves its changes "
    "beside it, in FILE's name with .changes.yaml. [default: monitor.yaml in the state folder]",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder of the database; made if need be. [default: ~/.local/state/sentistream]",
)
@click.option("--host", help="Listen on this address; 0.0.0.0 for the whole network.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen on this port; 0 for any.")
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
@click.option(
    "--no-guard",
    is_flag=True,
    help="Do not start again after a crash; for service managers that do so themselves.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Say whether the settings are valid and what was changed on the page, and end.",
)
@click.option(
    "--discard-changes",
    is_flag=True,
    help="Undo what was changed on the page, so that the YAML file alone counts, and end; "
    "stop the monitor first.",
)
@click.option(
    "--notice",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the notice for the people in the picture (HTML), and end.",
)
@click.option(
    "--assessment",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the data protection impact assessment (HTML), and end.",
)
@click.option(
    "--digest",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the digest of the last week (PDF), and end; the monitor may run. At a headquarters "
    "it is that of the shops.",
)
@click.option(
    "--digest-of",
    type=click.Choice(["week", "month"]),
    default="week",
    show_default=True,
    help="What the digest is of: the newest calendar week or month that is over.",
)
@click.option(
    "--new-password",
    metavar="USER",
    help="Ask for a new password for somebody who forgot theirs, and end; the monitor may run.",
)
@click.option("--schema", is_flag=True, help="Print the JSON schema of the settings, and end.")
@click.pass_context
def monitor(
    context: click.Context,
    config: Path | None,
    state: Path | None,
    host: str | None,
    port: int | None,
    no_browser: bool,
    no_guard: bool,
    check: bool,
    discard_changes: bool,
    notice: Path | None,
    assessment: Path | None,
    digest: Path | None,
    digest_of: Literal["week", "month"],
    new_password: str | None,
    schema: bool,
) -> None:
    """Watch cameras around the clock and show on a page how people come across.

    Without settings it starts on the first webcam, or on the demo clip where there is
    none. The terminal prints the page's address; at the first start it is a link for setting the
    first password. Pictures are analyzed and dropped: none is stored.

    Ctrl-C stops it; the readings until then are stored. docs/monitor.md is the guide.

    \b
    Examples:
      sentistream monitor
      sentistream monitor --config shop.yaml --state /var/lib/sentistream
      sentistream monitor --config shop.yaml --check
      sentistream monitor --config shop.yaml --discard-changes
      sentistream monitor --config shop.yaml --notice notice.html
      sentistream monitor --config shop.yaml --digest month.pdf --digest-of month
      sentistream monitor --new-password ada
      sentistream monitor join CODE
    """
    if context.invoked_subcommand is not None:
        context.obj = state or _state_folder()
        _check_extra()
        return
    from sentistream.monitor.auto_restart import run_with_restarts, stop_with_parent

    documents = notice or assessment or digest
    once = check or discard_changes or documents or schema or new_password is not None
    if not (once or no_guard or os.environ.get("NOTIFY_SOCKET")):
        sys.exit(run_with_restarts([*sys.argv[1:], "--no-guard"]))
    stop_with_parent()
    _check_extra()
    from sentistream.monitor.settings import load_settings

    folder = state or _state_folder()
    file = config or folder / "monitor.yaml"
    server = {"host": host, "port": port}
    overrides = {"server": {key: value for key, value in server.items() if value is not None}}
    if schema:
        _print_schema()
        return
    if discard_changes:
        _discard_changes(file)
        return
    if check:
        _check(file, overrides)
        return
    settings = load_settings(file, overrides, optional=config is None)
    if notice or assessment:
        _write_documents(settings, folder, notice, assessment)
        return
    if digest:
        _write_digest(settings, folder, digest, digest_of)
        return
    if new_password is not None:
        _set_password(settings, folder, new_password)
        return
    _run(settings, file, folder, browser=not no_browser)


def _check_extra() -> None:
    try:
        import sentistream.monitor.settings  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("The monitor", "monitor") from error


def _run(settings: Settings, config: Path, state: Path, *, browser: bool) -> None:
    try:
        from sentistream.monitor.runner import run_monitor
    except ModuleNotFoundError as error:
        raise MissingExtraError("The monitor", "monitor") from error
    from sentistream.monitor.auto_restart import RESTARTS_VARIABLE

    is_first = os.environ.get(RESTARTS_VARIABLE, "0") == "0"

    def ready(address: Address) -> None:
        click.echo(f"The page: {address.page}")
        if address.setup is not None:
            click.echo(f"Choose the first password (once, within the hour): {address.setup}")
        if browser and is_first and _has_display():
            webbrowser.open(address.setup or address.page)

    try:
        run_monitor(settings, config=config, state=state, ready=ready)
    except StorageError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(TEMPORARY)


def _check(file: Path, overrides: Mapping[str, Any]) -> None:
    from sentistream.monitor.settings import (
        InvalidSettingsError,
        describe_changes,
        load_settings,
        overlay_path,
    )

    try:
        settings = load_settings(file, overrides)
    except InvalidSettingsError as error:
        for message in error.messages:
            click.echo(message, err=True)
        click.echo(error.way_out, err=True)
        sys.exit(2)
    count = len(settings.cameras)
    click.echo(f"The settings are valid: {count} camera{'' if count == 1 else 's'}.")
    if changes := describe_changes(file):
        click.echo(f"Changed on the page ({overlay_path(file)}):")
        for change in changes:
            click.echo(f"  {change}")
        click.echo("--discard-changes undoes these; deleting a line of that file undoes one.")


def _discard_changes(file: Path) -> None:
    from sentistream.monitor.settings import discard_changes, overlay_path

    if discard_changes(file):
        click.echo(f"Deleted: {overlay_path(file)}. The next start reads {file} alone.")
    else:
        click.echo(f"Nothing was changed on the page: there is no {overlay_path(file)}.")


def _set_password(settings: Settings, state: Path, name: str) -> None:
    from sentistream.monitor.accounts.password_reset import reset_password

    password = click.prompt(f"New password for {name}", hide_input=True, confirmation_prompt=True)
    reset_password(settings, state, name, password)
    click.echo(f"{name} has the new password, and is logged out everywhere.")


def _write_digest(
    settings: Settings, state: Path, path: Path, period: Literal["week", "month"]
) -> None:
    import time

    from sentistream.monitor.digest import digest_pdf, make_digest
    from sentistream.monitor.digest.digest_content import last_day_of
    from sentistream.monitor.display_names import DisplayNames
    from sentistream.monitor.headquarters.fleet_queries import FleetQueries
    from sentistream.monitor.headquarters.headquarters import MIGRATIONS
    from sentistream.monitor.headquarters.shops_digest import make_shops_digest
    from sentistream.monitor.store import DatabaseStore, database_url, migrate, open_database
    from sentistream.monitor.translation import translator

    engine = open_database(database_url(settings, state))
    migrate(engine)
    now = time.time()
    store, tr = DatabaseStore(engine, lambda: settings), translator(settings.language)
    day = last_day_of(period, now)
    if settings.headquarters.host and not settings.cameras:
        migrate(engine, MIGRATIONS)
        made = make_shops_digest(
            period,
            day,
            queries=FleetQueries(engine, settings.headquarters.silent_minutes),
            store=store,
            settings=settings,
            user=None,
            now=now,
            tr=tr,
        )
    else:
        names = DisplayNames.of(settings)
        made = make_digest(period, day, store=store, settings=settings, names=names, now=now, tr=tr)
    engine.dispose()
    try:
        path.write_bytes(digest_pdf(made))
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).", "Choose another place."
        ) from None
    click.echo(f"Written: {path}")


def _has_display() -> bool:
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) and sys.stdout.isatty()


def _print_schema() -> None:
    import json

    from sentistream.monitor.settings.settings_docs import schema

    click.echo(json.dumps(schema(), indent=2))


def _write_documents(
    settings: Settings, state: Path, notice: Path | None, assessment: Path | None
) -> None:
    from sentistream.monitor.privacy import PrivacyState, render_assessment, render_notice
    from sentistream.monitor.site_link.link_state import read_link
    from sentistream.monitor.translation import translator

    link = read_link(state)
    link = link if link is not None and link.joined is not None else None

    described = PrivacyState.of(settings, headquarters=link)
    documents: list[tuple[Path | None, Any]] = [
        (notice, render_notice),
        (assessment, render_assessment),
    ]
    for path, render in documents:
        if path is None:
            continue
        try:
            path.write_text(render(described, translator(settings.language)), "utf-8")
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written ({error.strerror}).", "Choose another place."
            ) from None
        click.echo(f"Written: {path}")
