"""The `telemetry` program: which commands there are, and how an error reads."""

import logging
import sys

import typer

from telemetry_pipeline.cli import (
    catalog,
    compact,
    dbc,
    decode,
    demo,
    fleet,
    import_log,
    query,
    rules,
    serve,
    simulate,
    smoke,
    stale,
    status,
    verify,
)
from telemetry_pipeline.errors import BadSetting, TelemetryError

app = typer.Typer(
    name="telemetry",
    help="CAN-bus telemetry: from recordings and vehicles to decoded signals on screen.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("demo")(demo.demo)
app.command("simulate")(simulate.simulate)
app.command("import")(import_log.import_log)
app.command("decode")(decode.decode)
app.command("compact")(compact.compact)
app.command("status")(status.status)
app.command("stale")(stale.stale)
app.command("verify")(verify.verify)
app.command("query")(query.query)
app.command("serve")(serve.serve)
app.command("smoke")(smoke.smoke)
app.command("fleet")(fleet.fleet)
app.add_typer(catalog.app, name="catalog")
app.add_typer(dbc.app, name="dbc")
app.add_typer(rules.app, name="rules")


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
