"""`telemetry simulate`: drives that nobody drove, landed in the lake as a vehicle would have landed them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import pyarrow as pa
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from telemetry_pipeline.cli.console import emit, open_lake, progress_console
from telemetry_pipeline.errors import AlreadyExists, BadSetting
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.lake.instant import parse_instant
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.windows import split_windows

if TYPE_CHECKING:
    from edge_agent.simulate import Simulator

CHUNK_NS: Final = 60_000_000_000
FOOTER: Final = {"origin": "simulation"}
"""What tells a simulated raw object from a recorded one."""


def simulate(
    *,
    vehicle: Annotated[str, typer.Option(help="Vehicle id.")],
    vehicles: Annotated[
        int,
        typer.Option(min=1, max=9999, help="How many; above 1 they are called VEHICLE_001, VEHICLE_002 …"),
    ] = 1,
    start: Annotated[str, typer.Option(help="When the drives begin, ISO 8601 with a zone.")],
    duration: Annotated[str, typer.Option(help="How long they last: 90s, 10m, 1h30m.")] = "10m",
    dbc: Annotated[
        Path | None,
        typer.Option(help="CAN database; default: the synthetic EV powertrain.", show_default=False),
    ] = None,
    rate: Annotated[float, typer.Option(help="Times as many frames as the cycle times ask for.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another number is another drive.")] = 0,
    window: Annotated[str, typer.Option(help="Length of one raw object.")] = "60s",
    channel: Annotated[str, typer.Option(help="Name of the bus.")] = "can0",
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Simulate drives and land their raw objects in the lake, as fast as possible.

    The same arguments give the same bytes under the same keys; what is in the lake already is left alone.
    """
    from edge_agent.database import BUNDLED, read_database  # noqa: PLC0415  cantools is slow to import
    from edge_agent.simulate import Simulator  # noqa: PLC0415

    start_ns, length_ns, window_ns = parse_instant(start), parse_duration(duration), parse_duration(window)
    body, database = read_database(dbc or BUNDLED)
    simulators = {
        name: Simulator(database.database, name, seed, start_ns, rate=rate, channel=channel)
        for name in vehicle_names(vehicle, vehicles)
    }
    lake = open_lake()
    dbc_added = provide_dbc(lake, database.name, body)
    landed = {"objects": 0, "already_there": 0, "frames": 0, "bytes": 0}
    with _progress() as progress:
        task = progress.add_task("simulating", total=len(simulators))
        for name, simulator in simulators.items():
            progress.update(task, description=name)
            for raw, table in split_windows(
                _chunks(simulator, start_ns, start_ns + length_ns), window_ns, name
            ):
                written = land(lake, raw, table)
                landed["objects" if written else "already_there"] += 1
                landed["bytes"] += written
                landed["frames"] += table.num_rows
            progress.advance(task)
    answer = {
        "lake": lake.url,
        "vehicles": list(simulators),
        "dbc": database.name,
        "dbc_added": dbc_added,
        **landed,
    }
    emit(answer, as_json=as_json, lines=lambda console: _tell(console, answer))


def vehicle_names(vehicle: str, count: int) -> list[str]:
    """The ids of `count` vehicles: the id itself, or the id with `_001`, `_002` … after it.

    Raises:
        BadKey: The id is none, or is none once it has its number.
    """
    if count == 1:
        return [layout.check_vehicle_id(vehicle)]
    return [layout.check_vehicle_id(f"{vehicle}_{number:03d}") for number in range(1, count + 1)]


def provide_dbc(lake: Store, name: str, body: bytes) -> bool:
    """Put a CAN database into the lake unless one of its name is there; whether it was put.

    Raises:
        BadSetting: One of that name is there and has other contents.
    """
    key = f"{layout.DBC}{name}"
    try:
        lake.put(key, body, create_only=True)
    except AlreadyExists:
        if lake.get(key) != body:
            raise BadSetting(
                "the lake has another database of that name",
                f"{lake.url}/{key}",
                "Rename yours, or use the lake's",
            ) from None
        return False
    return True


def land(lake: Store, raw: RawObject, table: pa.Table) -> int:
    """Write a window as a raw object unless it is there; the bytes written, 0 if it was.

    Raises:
        AlreadyExists: Another object has its key.
    """
    body = write_raw(table, FOOTER)
    try:
        lake.put(raw.key, body, create_only=True)
    except AlreadyExists as error:
        if lake.get(raw.key) != body:
            raise AlreadyExists(
                "another object has this key",
                error.where,
                "Use another vehicle, start or lake for another simulation",
            ) from error
        return 0
    return len(body)


def _chunks(simulator: "Simulator", start_ns: int, end_ns: int) -> Iterator[pa.Table]:
    for at in range(start_ns, end_ns, CHUNK_NS):
        yield simulator.frames(at, min(at + CHUNK_NS, end_ns))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=progress_console(),
        transient=True,
    )


def _tell(console: Console, answer: dict[str, object]) -> None:
    console.print(
        f"{answer['objects']} raw objects landed in {answer['lake']}, {answer['already_there']} already there "
        f"({answer['frames']:,} frames, {answer['bytes']:,} bytes written)"
    )
    if answer["dbc_added"]:
        console.print(f"added dbc/{answer['dbc']} to the lake, so that it can be decoded")
