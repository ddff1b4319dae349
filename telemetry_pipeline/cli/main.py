"""The `telemetry` program: how it is called, and how an error reads."""

import logging
import sys

import typer

from telemetry_pipeline.cli.commands import MARKUP, Commands
from telemetry_pipeline.errors import BadSetting, TelemetryError


def _no_options() -> None:
    """Take none: what the program does is its commands' business."""


app = typer.Typer(
    name="telemetry",
    cls=Commands,
    callback=_no_options,
    help="CAN-bus telemetry: from recordings and vehicles to decoded signals on screen.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=MARKUP,
)


def main() -> None:
    """Run the program; an error of ours is one line on stderr, with exit code 2 for a bad setting and 1 otherwise."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    # what it says about a database is among the warnings of `telemetry dbc check`
    logging.getLogger("cantools").setLevel(logging.ERROR)
    try:
        app()
    except TelemetryError as error:
        sys.stderr.write(f"telemetry: {error}\n")
        sys.exit(2 if isinstance(error, BadSetting) else 1)


if __name__ == "__main__":
    main()
