"""`telemetry smoke`: whether a deployment in an account does what it has to, seen by one object that goes all the way."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from telemetry_pipeline.cli.console import emit, progress_console, settings
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.layout import check_vehicle_id
from telemetry_pipeline.smoke.aws import Aws, faults
from telemetry_pipeline.smoke.deployment import Smoke, Wanted
from telemetry_pipeline.smoke.step import Outcome, run

_MARKS: Final = {"pass": "[green]pass[/]", "fail": "[red]FAIL[/]", "left out": "[yellow]left out[/]"}


def smoke(
    *,
    name: Annotated[str, typer.Option(help="What the names of the stacks begin with.")] = "can-telemetry",
    vehicle: Annotated[str, typer.Option(help="A vehicle that does not exist; it does meanwhile.")] = "SMOKE",
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with a token of the user pool that shows this vehicle.", show_default=False
        ),
    ] = None,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds that anything is waited for.")] = 300,
    credentials_endpoint: Annotated[
        str | None,
        typer.Option(help="The host of vehicles' credentials; default: as AWS IoT says.", show_default=False),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(help="Who signs for that host (PEM); default: as the system says.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Check a deployment in the account that you are signed in to; exit 1 if anything failed or was left out.

    Makes a vehicle with a certificate of its own, lands five seconds of frames as that vehicle, follows them to the
    service, and takes everything away again.
    """
    wanted = Wanted(
        name,
        check_vehicle_id(vehicle),
        _token(token_file),
        float(timeout),
        credentials_endpoint,
        ca,
        settings().endpoint_url,
    )
    console = progress_console()
    done: list[Outcome] = []
    for outcome in _all(wanted):
        done.append(outcome)
        if as_json:
            console.print(f"{outcome.step}: {outcome.state}", markup=False)
        else:
            emit({}, as_json=False, lines=lambda out, it=outcome: _tell(out, it))  # type: ignore[misc]
    bad = [outcome for outcome in done if outcome.state != "pass"]
    payload = {
        "name": name,
        "vehicle": vehicle,
        "passed": len(done) - len(bad),
        "failed": sum(outcome.state == "fail" for outcome in bad),
        "left_out": sum(outcome.state == "left out" for outcome in bad),
        "steps": [outcome.to_dict() for outcome in done],
    }
    summary = f"{payload['passed']} passed, {payload['failed']} failed, {payload['left_out']} left out"
    emit(payload, as_json=as_json, lines=lambda out: out.print(summary))
    if bad:
        raise typer.Exit(1)


def _all(wanted: Wanted) -> Iterator[Outcome]:
    """Every step, and whatever happens the removal."""
    with tempfile.TemporaryDirectory(prefix="telemetry-smoke-") as folder:
        check = Smoke(Aws(), wanted, Path(folder))
        try:
            yield from run(check.steps(), faults())
        finally:
            # an interrupted check has made things, too
            removed = list(run(check.removal(), faults()))
        yield from removed


def _token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(
            f"cannot be read ({error})", str(path), "Name a file that holds one token"
        ) from error
    if len(text.split(".")) != 3:
        raise BadSetting("it holds no token", str(path), "Write the access token or id token into it")
    return text


def _tell(console: Console, outcome: Outcome) -> None:
    console.print(
        f"{_MARKS[outcome.state]}  {outcome.step:<18} {outcome.seconds:7.2f} s  ",
        end="",
        soft_wrap=True,
    )
    console.print(outcome.said, markup=False, soft_wrap=True)
    if outcome.remedy:
        console.print(f"      {outcome.remedy}", markup=False, soft_wrap=True)
