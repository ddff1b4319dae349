"""`telemetry import`: recorded logs of other tools become raw objects in the lake."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from telemetry_pipeline.cli.console import emit, open_lake, progress_console
from telemetry_pipeline.errors import BadLog, TransientError
from telemetry_pipeline.formats.reader import read_log
from telemetry_pipeline.formats.report import LogReport
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.lake.instant import parse_instant
from telemetry_pipeline.lake.land import Landed, land
from telemetry_pipeline.lake.layout import check_vehicle_id
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.windows import split_windows


def import_log(
    logs: Annotated[
        list[Path],
        typer.Argument(metavar="LOG...", help="candump, ASC, TRC, BLF, MF4 or CSV; text also gzipped."),
    ],
    vehicle: Annotated[str, typer.Option(help="The vehicle that the frames are of.")],
    channel: Annotated[
        str | None,
        typer.Option(
            help="Keep only this channel of logs that name their channels; the channel's name for logs that name none."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="When the first frame was, such as 2026-11-22T08:00:00Z; needed for logs that count from their own start."
        ),
    ] = None,
    window: Annotated[str, typer.Option(help="The longest time that one raw object covers.")] = "60s",
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Import recorded logs as raw objects. Exit code 1 when a log could not be imported; the others still are.

    Where the lake itself fails, the logs after that one are not tried, and are named. Importing a log twice writes nothing
    the second time.
    """
    check_vehicle_id(vehicle)
    start_ns = None if start is None else parse_instant(start)
    window_ns = parse_duration(window)
    store = open_lake()
    findings = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f} frames"))
    with Progress(*columns, TimeElapsedColumn(), console=progress_console(), transient=True) as progress:
        for path in logs:
            task = progress.add_task(path.name, total=None)
            report = LogReport()
            tables = read_log(path, vehicle_id=vehicle, channel=channel, start_ns=start_ns, report=report)
            windows = split_windows(_watched(tables, progress, task), window_ns, vehicle)
            finding, goes_on = _import(store, path, windows, report)
            findings.append(finding)
            progress.remove_task(task)
            if not goes_on:
                break
    not_tried = [str(path) for path in logs[len(findings) :]]
    payload = {"lake": store.url, "vehicle": vehicle, "logs": findings, "not_tried": not_tried}
    emit(payload, as_json=as_json, lines=lambda console: _print(console, findings, not_tried))
    if any(finding["error"] for finding in findings):
        raise typer.Exit(1)


def _import(
    store: Store, path: Path, windows: Iterator[Any], report: LogReport
) -> tuple[dict[str, Any], bool]:
    """What became of one log, and whether others have a chance: they have where it was the log that failed."""
    landed = Landed()
    error: str | None
    try:
        # no footer: the same frames give the same bytes, whatever the log is called or packed with
        land(store, windows, landed=landed)
        error, goes_on = None, True
    except (BadLog, TransientError) as failure:
        error, goes_on = str(failure), isinstance(failure, BadLog)
    return {"log": str(path), "error": error, **asdict(report), **asdict(landed)}, goes_on


def _watched(tables: Iterator[pa.Table], progress: Progress, task: TaskID) -> Iterator[pa.Table]:
    for table in tables:
        yield table
        progress.advance(task, table.num_rows)


def _print(console: Console, findings: list[dict[str, Any]], not_tried: list[str]) -> None:
    for item in findings:
        if item["error"]:
            console.print(item["error"], soft_wrap=True, markup=False)
        for note in _landed_before(item) if item["error"] else _notes(item):
            console.print(f"{item['log']}: {note}", soft_wrap=True, markup=False)
    for log in not_tried:
        console.print(f"{log}: not tried", soft_wrap=True, markup=False)


def _landed_before(item: dict[str, Any]) -> Iterator[str]:
    if item["objects"] or item["already_there"]:
        yield (
            f"before it failed, {item['objects']:,} raw objects of {item['rows']:,} frames were written, "
            f"{item['already_there']:,} were already there; they stay in the lake"
        )


def _notes(item: dict[str, Any]) -> Iterator[str]:
    if not item["frames"]:
        yield f"{item['format']}, no CAN frames in it"
    else:
        yield (
            f"{item['format']}, {item['frames']:,} frames ({item['error_frames']:,} error, "
            f"{item['remote_frames']:,} remote) from {_instant(item['first_ns'])} to {_instant(item['last_ns'])}: "
            f"{item['objects']:,} raw objects written, {item['already_there']:,} already there"
        )
    if item["damage"]:
        yield f"{item['damage']}; what could be read is imported"
    if item["bad_lines"]:
        more = " …" if item["bad_lines"] > len(item["bad_line_numbers"]) else ""
        yield f"{item['bad_lines']:,} lines are no frames: {', '.join(map(str, item['bad_line_numbers']))}{more}"
    if item["out_of_order"]:
        yield f"{item['out_of_order']:,} frames lie too far back in time to be sorted in; they are imported as they come"
    if item["other_channels"]:
        yield f"{item['other_channels']:,} frames of other channels left out"


def _instant(ns: int) -> str:
    return str(np.datetime64(ns // 1_000, "us")) + "Z"
