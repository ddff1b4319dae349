"""`telemetry decode`: one raw object anywhere, or what waits in the lake."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.cli.console import emit, open_lake, progress_console, settings
from telemetry_pipeline.cli.files import read_file, writing
from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import Decoder
from telemetry_pipeline.decode.match import Match
from telemetry_pipeline.decode.plan import Plan, compile_plan
from telemetry_pipeline.decode.report import CLASSES, Report
from telemetry_pipeline.decode.transport.carriers import Transport
from telemetry_pipeline.decode.transport.stitch import Stitcher
from telemetry_pipeline.drain import tally
from telemetry_pipeline.errors import BadSetting, NotFound
from telemetry_pipeline.lake import decoded_file, ledger, parquet
from telemetry_pipeline.lake.instant import parse_day
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.scratch import scratch_folder


def decode(
    raw: Annotated[
        Path | None, typer.Argument(help="A raw Parquet file to decode, in the lake or not.")
    ] = None,
    dbc: Annotated[list[Path] | None, typer.Option(help="CAN databases for RAW; repeat for several.")] = None,
    match: Annotated[
        Match | None,
        typer.Option(help="How ids find the messages of --dbc, whatever the databases themselves state."),
    ] = None,
    transport: Annotated[
        list[Transport] | None,
        typer.Option(help="Reassemble a multi-frame protocol of RAW first; repeat for several."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the decoded Parquet of RAW goes.")] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Decode everything in the lake that waits.")
    ] = False,
    vehicle: Annotated[str | None, typer.Option(help="Decode a vehicle's day again (with --day).")] = None,
    day: Annotated[str | None, typer.Option(help="The UTC day, YYYY-MM-DD.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Decode raw frames: `RAW --dbc F`, `--pending`, or `--vehicle V --day D`."""
    for option, given in (("--match", match), ("--transport", transport)):
        if given and raw is None:
            raise BadSetting(
                f"{option} is for one RAW file", "telemetry decode", "In the lake dbc/bindings.yaml decides"
            )
    if raw is not None and not pending and vehicle is None:
        _decode_file(raw, _plan(raw, dbc or [], match, transport or []), out, as_json=as_json)
    elif pending and raw is None and vehicle is None:
        store = open_lake()
        waiting = [
            item for part in ledger.all_partitions(store) for item in ledger.read_ledger(store, part).pending
        ]
        _decode_lake(waiting, as_json=as_json)
    elif vehicle is not None and day is not None and raw is None:
        partition = Partition(vehicle, parse_day(day))
        raws = sorted(ledger.read_ledger(open_lake(), partition).raw)
        if not raws:
            raise NotFound(f"no raw objects of {vehicle} on {day}", settings().lake, "See: telemetry status")
        _decode_lake(raws, as_json=as_json)
    else:
        raise BadSetting(
            "say what to decode", "telemetry decode", "RAW --dbc F, or --pending, or --vehicle V --day D"
        )


def _plan(raw: Path, dbcs: list[Path], match: Match | None, transport: list[Transport]) -> Plan:
    if not dbcs:
        raise BadSetting("no CAN database given", str(raw), "Add --dbc FILE.dbc")
    return compile_plan(
        [load_dbc(read_file(path), path.name) for path in dbcs],
        strict_length=settings().strict_length,
        match=match,
        transport=[str(protocol) for protocol in transport],
    )


def _decode_file(raw: Path, plan: Plan, out: Path | None, *, as_json: bool) -> None:
    with scratch_folder() as folder:
        decoder, stitcher = Decoder(plan, folder), Stitcher(plan)
        for frames in parquet.read_raw_batches(read_file(raw), str(raw)):
            decoder.add(stitcher.add(frames))
        sizes = decoded_file.row_group_sizes(decoder.runs())
        body = decoded_file.write_decoded_groups(decoder.parts(sizes), dict)
        report = Report.merge([decoder.report(), stitcher.report()])
        if out is not None:
            with writing(out):
                out.write_bytes(body)
    payload = {"raw": str(raw), "out": str(out) if out else None, "report": report.to_dict()}
    emit(payload, as_json=as_json, lines=lambda console: print_report(console, report, str(raw)))


def _decode_lake(raws: Iterable[RawObject], *, as_json: bool) -> None:
    store = open_lake()
    databases = Databases.load(store, strict_length=settings().strict_length)
    items = list(raws)
    outcomes = process_objects(store, databases, items)
    shown = track(outcomes, "Decoding", total=len(items), console=progress_console(), transient=True)
    tallies = tally(shown)
    total = sum((item.report for item in tallies.values()), start=Report())
    failed = {key: why for item in tallies.values() for key, why in item.failed.items()}
    quarantined = {key: why for item in tallies.values() for key, why in item.quarantined.items()}
    payload: dict[str, Any] = {
        "objects": len(items),
        "decoded": sum(item.decoded for item in tallies.values()),
        "quarantined": quarantined,
        "still_pending": failed,
        "report": total.to_dict(),
    }

    def lines(console: Console) -> None:
        console.print(
            f"{len(items)} raw objects: {payload['decoded']} decoded, {len(quarantined)} quarantined, {len(failed)} still pending"
        )
        print_report(console, total, store.url)
        for key, why in {**quarantined, **failed}.items():
            console.print(f"  {key}\n    {why}", soft_wrap=True)

    emit(payload, as_json=as_json, lines=lines)
    if failed:
        raise typer.Exit(1)


def print_report(console: Console, report: Report, title: str) -> None:
    """Print what became of the rows of a report, with the largest unknown ids and errors."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name in CLASSES:
        table.add_row(name.replace("_", " "), f"{getattr(report, name):,}")
    for name in ("outside_day", "other_vehicle"):
        if count := getattr(report, name):
            table.add_row(name.replace("_", " "), f"{count:,}")
    console.print(table)
    for heading, counts in (
        ("unknown ids", report.unknown_ids),
        ("decode errors", report.decode_errors),
        ("transfers", report.transfers),
    ):
        if counts:
            top = sorted(counts.items(), key=lambda item: -item[1])[:5]
            console.print(
                f"{heading}: " + ", ".join(f"{name} × {count:,}" for name, count in top), soft_wrap=True
            )
