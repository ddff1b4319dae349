"""`telemetry demo`: vehicles, lake, Dagster, API and dashboard on this machine, and proof that they work together.

Everything is a process of its own, started the way a user would start it; this file only starts, watches, asks
over HTTP and ends them.
"""

import contextlib
import http.client
import json
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from telemetry_pipeline.cli.demo_dagster import DemoDagster
from telemetry_pipeline.cli.processes import Processes, free_port
from telemetry_pipeline.errors import AlreadyExists, PermanentError
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.service_settings import ServiceSettings
from telemetry_pipeline.settings import Settings, child_env
from telemetry_pipeline.shipped import shipped

_SIGNAL: Final = ("MotorCtrl_Status", "Motor_RPM")
_START_S: Final = 180.0
_FIRST_QUERY_S: Final = 240.0
_LAST_PORTS: Final = 65_000
"""Nothing is looked for above it: of the last ports there may be no next one."""


@dataclass(frozen=True)
class _Plan:
    """Where everything of a demo is."""

    folder: Path
    settings: Settings
    vehicles: list[str]
    api: str
    dagster: DemoDagster


def demo(
    stop: Annotated[
        bool, typer.Option("--exit", help="Stop after the first query succeeded, with a summary.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where the demo's lake, logs and Dagster home lie.")] = Path(
        ".demo"
    ),
    vehicles: Annotated[int, typer.Option(min=1, max=20, help="How many vehicles drive.")] = 2,
    port: Annotated[int, typer.Option(help="Dashboard and API; the next free one if taken.")] = 8000,
    dagster_port: Annotated[int, typer.Option(help="Dagster's UI; the next free one if taken.")] = 3000,
    window: Annotated[float, typer.Option(help="Seconds of each live raw object.")] = 10.0,
) -> None:
    """Everything at once on this machine: two vehicles drive, Dagster decodes, the dashboard shows it."""
    console = Console(highlight=False, soft_wrap=True)
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    plan = _prepare(folder.resolve(), vehicles, port, dagster_port)
    processes = Processes(plan.folder / "logs")
    env = child_env(
        **plan.settings.to_env(),
        TELEMETRY_AUTH_ISSUER="",  # the demo is this machine's, whatever else is set up here
        **plan.dagster.env(),
        PYTHONUNBUFFERED="1",
    )
    store = Store.open(plan.settings.lake)
    try:
        console.print(f"Lake: {plan.settings.lake}")
        _start(plan, processes, env, window, console)
        for name, url in (
            ("Dashboard", plan.api),
            ("API", f"{plan.api}/docs"),
            ("Dagster", plan.dagster.url),
        ):
            console.print(f"[bold]{name:<10}[/bold] {url}", soft_wrap=True)
        answer = _first_query(plan, processes, store, console)
        if stop:
            _summary(plan, store, answer, time.monotonic() - started, console)
            return
        console.print("Everything runs. Ctrl-C ends it; the lake stays for the next start.")
        for _ in _ticks(float("inf"), 10.0):
            processes.check()
            console.print(_counts(plan, store))
    except KeyboardInterrupt:
        console.print("\nEnding all processes.")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
        processes.stop()


def _prepare(folder: Path, vehicles: int, port: int, dagster_port: int) -> _Plan:
    api_port = free_port(port)
    ui_port = _port_beside(dagster_port, {api_port})
    code_port = _port_beside(min(ui_port + 1, _LAST_PORTS), {api_port, ui_port})
    dagster = DemoDagster(folder / "dagster", ui_port, code_port)
    dagster.make_home()
    settings = replace(
        Settings.from_env(),
        lake=(folder / "lake").as_uri(),
        endpoint_url=None,
        service=ServiceSettings(auth="off"),
    )
    return _Plan(
        folder=folder,
        settings=settings,
        vehicles=[f"EV_{number:03d}" for number in range(1, vehicles + 1)],
        api=f"http://127.0.0.1:{api_port}",
        dagster=dagster,
    )


def _port_beside(wanted: int, taken: set[int]) -> int:
    """A free port that none of the demo's own is; those do not listen yet."""
    while (port := free_port(wanted)) in taken:
        wanted = port + 1
    return port


def _start(plan: _Plan, processes: Processes, env: dict[str, str], window: float, console: Console) -> None:
    """Start every process and wait until each answers."""
    python = [sys.executable, "-m"]
    lake = Store.open(plan.settings.lake)
    with contextlib.suppress(AlreadyExists):  # whoever changed them keeps them
        lake.put(layout.RULES, shipped(layout.RULES).read_bytes(), create_only=True)
    plan.dagster.start_code(processes, env)
    known = set(ledger.vehicles(lake))
    if fresh := [vehicle for vehicle in plan.vehicles if vehicle not in known]:
        console.print(f"Simulating how {', '.join(fresh)} came here")
    for number, vehicle in enumerate(plan.vehicles):
        since = []
        if vehicle in fresh:
            # each is some way into its drive, so that the first screen shows one
            began = datetime.now(UTC) - timedelta(minutes=15 + 3 * number)
            start, seconds = began.isoformat(timespec="milliseconds"), 60 * (15 + 3 * number)
            drive = ["simulate", "--vehicle", vehicle, "--start", start, "--duration", f"{seconds}s"]
            processes.run(f"drive-{vehicle}", [*python, "telemetry_pipeline.cli.main", *drive], env)
            since = ["--since", start]
        processes.start(
            f"edge-{vehicle}",
            [
                *(*python, "edge_agent", "--simulate", "--vehicle", vehicle, "--lake", plan.settings.lake),
                *("--window", str(window), "--spool", str(plan.folder / "spool" / vehicle), *since),
            ],
            env,
        )
    console.print("Starting Dagster, API and dashboard")
    plan.dagster.make_books(processes, env)
    _until(plan.dagster.code_answers, processes, _START_S, "Dagster's code server to answer")
    plan.dagster.start(processes, env)
    processes.start(
        "api", [*python, "telemetry_pipeline.cli.main", "serve", "--port", plan.api.rpartition(":")[2]], env
    )
    _until(lambda: _get(f"{plan.api}/health"), processes, _START_S, "the API to answer")
    _until(lambda: _get(f"{plan.dagster.url}/server_info"), processes, _START_S, "Dagster's UI to answer")


def _first_query(plan: _Plan, processes: Processes, store: Store, console: Console) -> dict[str, Any]:
    """Ask the API for a live signal until Dagster has decoded some of it."""
    vehicle, (message, name) = plan.vehicles[0], _SIGNAL
    since = datetime.now(UTC)
    last = ""

    def ask() -> dict[str, Any] | None:
        nonlocal last
        if (counts := _counts(plan, store)) != last:
            last = counts
            console.print(counts)
        body = {
            "signals": [{"message_name": message, "signal_name": name}],
            "start_time": since.isoformat(),
            "end_time": (datetime.now(UTC) + timedelta(minutes=1)).isoformat(),
        }
        answer = _get(f"{plan.api}/vehicles/{vehicle}/query", body)
        return answer if answer and answer["signals"][0]["data"] else None

    answer: dict[str, Any] = _until(
        ask, processes, _FIRST_QUERY_S, f"Dagster to decode live frames of {vehicle}"
    )
    shown = _until(
        lambda: _materialized(plan), processes, _FIRST_QUERY_S, "Dagster to show a materialization"
    )
    console.print(f"Dagster has materialized {shown} partitions of decoded_signals")
    points = len(answer["signals"][0]["data"])
    console.print(
        f"First live query: {vehicle} {message}.{name}, {points:,} points in {answer['query_stats']['duration_ms']} ms"
    )
    return answer


def _materialized(plan: _Plan) -> int:
    """How many partitions Dagster shows as materialized."""
    query = '{ assetNodes(assetKeys: [{path: ["decoded_signals"]}]) { partitionStats { numMaterialized } } }'
    answer = _get(f"{plan.dagster.url}/graphql", {"query": query})
    nodes = (answer or {}).get("data", {}).get("assetNodes") or []
    return sum(node["partitionStats"]["numMaterialized"] for node in nodes if node["partitionStats"])


def _counts(plan: _Plan, store: Store) -> str:
    """One line: what each vehicle has landed, what is decoded, and how many frames the API knows of."""
    vehicles = _get(f"{plan.api}/vehicles") or []
    frames = {item["vehicle_id"]: item["frame_count"] for item in vehicles}
    books = [ledger.read_ledger(store, partition) for partition in ledger.all_partitions(store)]
    parts = []
    for vehicle in plan.vehicles:
        own = [book for book in books if book.partition.vehicle_id == vehicle]
        raw, done = sum(len(book.raw) for book in own), sum(len(book.decoded) for book in own)
        parts.append(f"{vehicle}: {raw} raw objects, {done} decoded, {frames.get(vehicle, 0):,} frames")
    return " | ".join(parts)


def _summary(plan: _Plan, store: Store, answer: dict[str, Any], seconds: float, console: Console) -> None:
    console.print(f"\n[bold]It works.[/bold] {_counts(plan, store)}")
    signal_ = answer["signals"][0]
    console.print(
        f"Query of {signal_['name']} in {signal_['unit']}: {len(signal_['data']):,} points, "
        f"{answer['query_stats']['rows_scanned']:,} rows scanned. Demo took {seconds:.0f} s."
    )
    console.print("To keep it running and open the dashboard: [bold]telemetry demo[/bold], or make demo.")


def _until(ask: Callable[[], Any], processes: Processes, seconds: float, what: str) -> Any:  # noqa: ANN401
    """Ask until the answer is true.

    Raises:
        PermanentError: A process ended, or the time is up.
    """
    for _ in _ticks(seconds, 1.0):
        processes.check()
        if answer := ask():
            return answer
    raise PermanentError(
        f"waited {seconds:.0f} s in vain for {what}", remedy="See the logs folder of the demo"
    )


def _ticks(seconds: float, pause: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(pause)


def _get(url: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401  JSON
    """The JSON that a URL answers with, or None while it does not."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310  our own loopback
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return json.load(response)
    except (OSError, ValueError, http.client.HTTPException):
        return None


def _interrupt(*_: object) -> None:
    """SIGTERM, and a terminal that is closed, end the demo like Ctrl-C: children first."""
    raise KeyboardInterrupt
