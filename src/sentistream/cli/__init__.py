"""The command ``sentistream``: one module a command; thin: parse, call, print."""

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Watch and listen to people on video and say, in real time, how they feel."""
