"""`telemetry rules`: look into threshold rules, put them into the lake, apply them, and list what they found."""

import datetime as dt
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.cli.console import emit, open_lake, progress_console
from telemetry_pipeline.cli.files import read_file
from telemetry_pipeline.decode.dbc import Dbc, load_dbc
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.duration import format_duration
from telemetry_pipeline.lake.instant import format_instant, parse_day, parse_instant
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.rules.apply import apply_rules
from telemetry_pipeline.rules.interval import Interval
from telemetry_pipeline.rules.load import load_rules
from telemetry_pipeline.rules.parse import parse_rules
from telemetry_pipeline.rules.rule import SEVERITIES, Rule

app = typer.Typer(help="Threshold rules: what they mean, and what they found.", no_args_is_help=True)

_MS: Final = 1_000_000
_LISTED: Final = 20
"""Signals of one rule that are printed for people; --json has all."""

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
RulesFile = Annotated[Path, typer.Argument(metavar="FILE", help="A rules.yaml.")]


@app.command()
def check(
    file: RulesFile,
    dbc: Annotated[
        list[Path] | None,
        typer.Option(help="CAN databases to look for the signals in; default: those of the lake."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what each rule means and which signals it is about. Exit code 1 when one is about none."""
    rules = parse_rules(read_file(file), str(file))
    dbcs = [load_dbc(read_file(path), path.name) for path in dbc] if dbc else _lake_databases()
    signals = [signal for item in dbcs for signal in _signals(item)]
    findings = [_finding(rule, signals) for rule in rules]
    payload = {"file": str(file), "databases": [item.name for item in dbcs], "rules": findings}
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload))
    if dbcs and any(not finding["signals"] for finding in findings):
        raise typer.Exit(1)


@app.command()
def add(file: RulesFile, as_json: AsJson = False) -> None:
    """Put rules into the lake, in place of those that are there. What cannot be read is refused."""
    body = read_file(file)
    rules = parse_rules(body, str(file))
    store = open_lake()
    store.put(layout.RULES, body)
    payload = {"lake": store.url, "rules": [rule.name for rule in rules]}
    emit(
        payload,
        as_json=as_json,
        lines=lambda console: console.print(
            f"{store.url}: {len(rules)} rules from now on; for what is decoded already: telemetry rules apply",
            soft_wrap=True,
        ),
    )


@app.command()
def apply(
    vehicle: Annotated[str | None, typer.Option(help="Only this vehicle.")] = None,
    day: Annotated[str | None, typer.Option(help="Only this UTC day, YYYY-MM-DD.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate the lake's rules over what is decoded already, without decoding it again."""
    store = open_lake()
    rules = load_rules(store)
    chosen = list(_partitions(store, vehicle, parse_day(day) if day else None))
    if not chosen:
        raise NotFound("nothing is decoded there", store.url, "See: telemetry status")
    shown = track(chosen, "Applying rules", console=progress_console(), transient=True)
    applied = [apply_rules(store, item, rules.of(item.vehicle_id)) for item in shown]
    payload: dict[str, Any] = {
        "lake": store.url,
        "rules": len(rules.rules),
        "partitions": len(applied),
        **{name: sum(getattr(item, name) for item in applied) for name in ("objects", "written", "removed")},
        "skipped": {key: why for item in applied for key, why in item.skipped.items()},
    }

    def lines(console: Console) -> None:
        console.print(
            f"{payload['rules']} rules over {payload['objects']:,} objects in {payload['partitions']:,} partitions: "
            f"{payload['written']:,} with events, {payload['removed']:,} with none any more",
            soft_wrap=True,
        )
        for key, why in payload["skipped"].items():
            console.print(f"skipped {key}: {why}", soft_wrap=True, markup=False)

    emit(payload, as_json=as_json, lines=lines)
    if payload["skipped"]:
        raise typer.Exit(1)


@app.command("events")
def list_events(
    vehicle: Annotated[str, typer.Argument(help="Vehicle id.")],
    start: Annotated[str, typer.Option(help="First instant, ISO 8601 with a zone.")],
    end: Annotated[str, typer.Option(help="First instant no longer wanted.")],
    severity: Annotated[list[str] | None, typer.Option(help=f"{', '.join(SEVERITIES)}; repeatable.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only the rules of these names.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the events that have a part in a range, whole."""
    found = EventReader(open_lake()).events(
        vehicle, parse_instant(start), parse_instant(end), severities=severity or (), rules=rule or ()
    )
    payload = {
        "vehicle": vehicle,
        "events": [_event(item) for item in found.events],
        "skipped_objects": found.skipped_objects,
    }

    def lines(console: Console) -> None:
        table = Table(
            "begins", "for", "rule", "severity", "signal", "worst", title=vehicle, title_justify="left"
        )
        for event in found.events:
            series = event.series
            table.add_row(
                format_instant(event.first_ns // _MS * _MS),
                format_duration(event.span_ns // _MS * _MS) + (" …" if event.open_end else ""),
                series.rule,
                series.severity,
                f"{series.message}.{series.signal} {series.condition}",
                f"{event.worst:g} {event.unit}".strip(),
            )
        console.print(table)
        if found.skipped_objects:
            console.print(f"{found.skipped_objects} objects could not be read")

    emit(payload, as_json=as_json, lines=lines)


@dataclass(frozen=True)
class _Signal:
    message: str
    signal: str
    unit: str
    cycle_ms: int | None

    def __str__(self) -> str:
        return f"{self.message}.{self.signal}"


def _signals(dbc: Dbc) -> Iterator[_Signal]:
    """The signals of a database under the names that they have when they are decoded."""
    cycles = {message.name: message.cycle_time for message in dbc.database.messages}
    for message in compile_plan([dbc]).messages:
        for signal in message.signals:
            yield _Signal(message.name, signal.name, signal.unit, cycles.get(message.name))


def _lake_databases() -> list[Dbc]:
    return [dbc for _, dbc in sorted(Databases.load(open_lake()).dbcs.items())]


def _finding(rule: Rule, signals: list[_Signal]) -> dict[str, Any]:
    watched = [signal for signal in signals if rule.watches(signal.message, signal.signal)]
    near: list[str] = []
    if not watched:
        names = {str(signal).lower(): str(signal) for signal in signals}
        names |= {signal.signal.lower(): str(signal) for signal in signals}
        near = [names[name] for name in difflib.get_close_matches(rule.signal.lower(), names, n=3)]
    hole_ms = rule.max_hole_ns / 1e6
    slow = [str(signal) for signal in watched if (signal.cycle_ms or 0) > hole_ms]
    return {
        "name": rule.name,
        "meaning": rule.meaning(),
        "signals": [{"name": str(signal), "unit": signal.unit} for signal in watched],
        "near": list(dict.fromkeys(near)),
        "warnings": [
            f"{name} is sent less often than every {format_duration(rule.max_hole_ns)}" for name in slow
        ],
    }


def _print(console: Console, payload: dict[str, Any]) -> None:
    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    databases = ", ".join(payload["databases"])
    for finding in payload["rules"]:
        say(f"{finding['name']}: {finding['meaning']}")
        for signal in finding["signals"][:_LISTED]:
            say(f"  {signal['name']}" + (f" ({signal['unit']})" if signal["unit"] else ""))
        if len(finding["signals"]) > _LISTED:
            say(f"  and {len(finding['signals']) - _LISTED} more: see --json")
        if databases and not finding["signals"]:
            near = f" Did you mean {' or '.join(finding['near'])}?" if finding["near"] else ""
            say(f"  MATCHES NO SIGNAL of {databases}.{near}")
        for warning in finding["warnings"]:
            say(f"  warning: {warning}: raise max_hole, or no two of its samples belong together")
    say(
        f"{len(payload['rules'])} rules can be read"
        + ("" if databases else "; the lake has no CAN database to look in")
    )


def _event(event: Interval) -> dict[str, Any]:
    series = event.series
    return {
        "rule": series.rule,
        "severity": series.severity,
        "description": series.description,
        "message": series.message,
        "signal": series.signal,
        "channel": series.channel,
        "condition": series.condition,
        "unit": event.unit,
        "start": format_instant(event.first_ns),
        "end": format_instant(event.last_ns),
        "duration_ms": event.span_ns / 1e6,
        "worst": event.worst,
        "worst_time": format_instant(event.worst_ns),
        "samples": event.samples,
        "open_start": event.open_start,
        "open_end": event.open_end,
    }


def _partitions(store: Store, vehicle: str | None, day: dt.date | None) -> Iterator[Partition]:
    zones = (layout.DECODED, layout.EVENTS)
    vehicles = {vehicle} if vehicle else {name for zone in zones for name in ledger.vehicles(store, zone)}
    for name in sorted(vehicles):
        layout.check_vehicle_id(name)
        days = {item for zone in zones for item in ledger.partitions(store, name, zone)}
        yield from (item for item in sorted(days) if day is None or item.date == day)
