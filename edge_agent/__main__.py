"""`edge-agent`: the door of the agent. Reads the settings, starts what is asked for, ends on SIGTERM and SIGINT."""

import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from edge_agent.agent import Agent
from edge_agent.capture import BusSource
from edge_agent.check import run_checks
from edge_agent.config import AgentConfig
from edge_agent.database import BUNDLED, read_database
from edge_agent.live import show_rate, show_values
from edge_agent.notify import ServiceManager
from edge_agent.panel import Panel
from edge_agent.settings_folder import SettingsFolder
from edge_agent.source import FrameSource
from edge_agent.surroundings import Service
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.lake.instant import parse_instant

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def edge_agent(
    *,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings.")] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Drive a simulated vehicle, no bus.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show frames per second, store nothing.")
    ] = False,
    decode_live: Annotated[
        bool, typer.Option("--decode-live", help="Show decoded values, store nothing.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Try everything a run needs, then end.")] = False,
    vehicle: Annotated[str | None, typer.Option(help="Vehicle id.")] = None,
    lake: Annotated[str | None, typer.Option(help="file:///abs/path or s3://bucket/prefix.")] = None,
    interface: Annotated[str | None, typer.Option(help="python-can interface, such as socketcan.")] = None,
    channel: Annotated[
        str | None, typer.Option(help="Its channel, such as can0, or several: can0,can1.")
    ] = None,
    filters: Annotated[str | None, typer.Option(help="Wanted ids and masks: 7E8,18FEF100:1FFFFF00.")] = None,
    dbc: Annotated[Path | None, typer.Option(help="CAN database to simulate or decode with.")] = None,
    spool: Annotated[Path | None, typer.Option(help="Folder in which windows wait for their upload.")] = None,
    window: Annotated[float | None, typer.Option(help="Seconds of one raw object.")] = None,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    rate: Annotated[float | None, typer.Option(help="Times as many simulated frames.")] = None,
    seed: Annotated[int | None, typer.Option(help="Which simulated drive.")] = None,
    since: Annotated[str | None, typer.Option(help="When the simulated drive began; default: now.")] = None,
) -> None:
    """Bring the frames of a CAN bus to the lake, one raw object a minute."""
    service = Service.read()
    errors = Console(stderr=True, highlight=False)
    is_watched = errors.is_terminal and not service.has_journal
    _begin_log(errors if is_watched else None, has_journal=service.has_journal)
    options = {
        "vehicle_id": vehicle,
        "lake": lake,
        "interface": interface,
        "channel": channel,
        "filters": filters,
        "dbc": dbc,
        "spool": spool,
        "window_seconds": window,
        "rate": rate,
        "seed": seed,
    }
    chosen = AgentConfig.read(config, options)
    if check:
        raise typer.Exit(_report(chosen, simulate=simulate))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if dry_run or decode_live:  # the agent itself reads them when the spool is its own
        chosen, _ = SettingsFolder(chosen.spool / "settings").applied_to(chosen)
    source = _source(chosen, since, simulate=simulate)
    if dry_run:
        show_rate(source, chosen, stop, Console(highlight=False), duration)
    elif decode_live:
        _, database = read_database(chosen.dbc or BUNDLED)
        show_values(source, database.database, stop, Console(highlight=False), duration)
    else:
        manager = ServiceManager(service.notify_socket, service.watchdog_s)
        panel = Panel(errors)
        try:
            Agent(chosen, source, manager, panel.show if is_watched else None).run(stop, duration)
        finally:
            panel.close()


def main() -> None:
    """Run the command line; a fault of ours is one line on stderr and exit code 1."""
    try:
        app()
    except TelemetryError as error:
        sys.stderr.write(f"edge-agent: {error}\n")
        sys.exit(1)


def _source(config: AgentConfig, since: str | None, *, simulate: bool) -> FrameSource:
    if not simulate:
        return BusSource(config)
    # who listens needs no memory for what drives
    from edge_agent.simulate import Simulator  # noqa: PLC0415
    from edge_agent.simulated_bus import SimulatedSource  # noqa: PLC0415

    _, database = read_database(config.dbc or BUNDLED)
    now_ns = time.time_ns()
    start_ns = parse_instant(since) if since else now_ns
    simulator = Simulator(
        database.database,
        config.vehicle_id,
        config.seed,
        start_ns,
        rate=config.rate,
        channel=config.channels[0],
    )
    return SimulatedSource(simulator, now_ns)


def _begin_log(terminal: Console | None, *, has_journal: bool) -> None:
    """Log above what is drawn on a terminal; else as lines, without a time where a journal has it."""
    if terminal:
        handler = RichHandler(console=terminal, show_path=False, log_time_format="%H:%M:%S", markup=False)
        logging.basicConfig(format="%(message)s", handlers=[handler])
    else:
        at = "" if has_journal else "%(asctime)s "
        logging.basicConfig(format=f"{at}%(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("edge_agent").setLevel(logging.INFO)


def _report(config: AgentConfig, *, simulate: bool) -> int:
    """Print every finding; the exit code."""
    findings = run_checks(config, simulate=simulate)
    for finding in findings:
        sys.stdout.write(f"{'pass' if finding.ok else 'FAIL'}  {finding.name:<11} {finding.detail}\n")
        if finding.remedy:
            sys.stdout.write(f"{'':<18}→ {finding.remedy}\n")
    return 0 if all(finding.ok for finding in findings) else 1


if __name__ == "__main__":
    main()
