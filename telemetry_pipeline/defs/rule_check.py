"""The asset check `rule_events`: what threshold rules found in each partition, by severity.

It fails with an error on critical events and with a warning on others that are more than information. What stands is
kept in the lake under `_state/`, so that one evaluation tells of all recent partitions; a lost memory comes back with
what lands next. Events of a partition are counted every five minutes at most. What an event is, is `rules`' business.
"""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.defs.findings import SHOWN, is_unspoken
from telemetry_pipeline.defs.partitions import from_key, to_key
from telemetry_pipeline.errors import BadKey, BadSetting, NotFound
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.rules.interval import Interval
from telemetry_pipeline.rules.load import load_rules
from telemetry_pipeline.rules.rule import SEVERITIES

NAME: Final = "rule_events"
CRITICAL: Final = "critical"
WARNING: Final = "warning"

_STATE_KEY: Final = f"{layout.STATE}rule_events.json"
_KEPT_DAYS: Final = 7
_KEPT: Final = 5000
"""Partitions that are remembered: those of the newest days."""

_AGAIN_S: Final = 300.0
"""A partition is looked at once in this time, however often something lands in it."""
_BUDGET_S: Final = 10.0
"""Seconds of one evaluation; what is not reached waits for the next one, in this run or another."""

Counts = Mapping[str, int]


def spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of an asset whose partitions rules are evaluated in."""
    return dg.AssetCheckSpec(NAME, asset=asset, description="No threshold rule found anything to warn of.")


def evaluate(
    context: dg.AssetExecutionContext, asset: dg.AssetKey, store: Store, partitions: Collection[Partition]
) -> None:
    """Tell what has changed in the partitions that a run touched, and how all recent ones stand.

    Args:
        context: The run.
        asset: The checked asset.
        store: The lake.
        partitions: What the run touched.
    """
    standing = _Standing.read(store)
    looker = _looker(store)
    with_events = set(ledger.vehicles(store, layout.EVENTS))
    # one whose events are all gone is looked at, too
    touched = {to_key(p) for p in partitions if p.vehicle_id in with_events or standing.of(p)}
    waiting = touched | standing.waiting
    changed = False
    for partition in looker.due(waiting):
        events = looker.events(partition)
        waiting.discard(to_key(partition))
        counts = count(events)
        if counts != standing.of(partition):
            standing.put(partition, counts)
            changed = True
            context.log_event(
                dg.AssetCheckEvaluation(
                    asset_key=asset,
                    check_name=NAME,
                    partition=to_key(partition),
                    **_verdict(counts),
                    metadata={**counts, "events": _event_table(events)},
                )
            )
    if changed or waiting != standing.waiting:
        standing.waiting = waiting
        standing.write(store)
    if changed or is_unspoken(context.instance, dg.AssetCheckKey(asset, NAME)):
        context.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=asset, check_name=NAME, **_overall(store, standing))
        )


def result(asset: dg.AssetKey, store: Store) -> dg.AssetCheckResult:
    """How all recent partitions stand, for a run of the check by itself: the events of the last days, counted anew."""
    standing, looker = _Standing(), _looker(store)
    today = dt.datetime.now(dt.UTC).date()
    for vehicle_id in ledger.vehicles(store, layout.EVENTS):
        for partition in ledger.partitions(store, vehicle_id, layout.EVENTS):
            if (today - partition.date).days < _KEPT_DAYS:
                standing.put(partition, count(looker.events(partition)))
    standing.write(store)
    return dg.AssetCheckResult(asset_key=asset, check_name=NAME, **_overall(store, standing))


def count(events: Collection[Interval]) -> dict[str, int]:
    """Events by severity, the most severe first; only severities that there are."""
    found = Counter(event.series.severity for event in events)
    return {severity: found[severity] for severity in reversed(SEVERITIES) if found[severity]}


@dataclass
class _Standing:
    """Events by severity of each partition that has any, and partitions to look at again, by the partition's key."""

    found: dict[str, dict[str, int]] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, store: Store) -> "_Standing":
        try:
            kept = json.loads(store.get(_STATE_KEY))
            found = {
                to_key(from_key(key)): {str(name): int(number) for name, number in counts.items()}
                for key, counts in kept["found"].items()
            }
            return cls(found, {to_key(from_key(key)) for key in kept["waiting"]})
        except (NotFound, BadKey, LookupError, ValueError, TypeError, AttributeError):
            return cls()

    def of(self, partition: Partition) -> Counts:
        return self.found.get(to_key(partition), {})

    def put(self, partition: Partition, counts: Counts) -> None:
        self.found.pop(to_key(partition), None)
        if counts:
            self.found[to_key(partition)] = dict(counts)

    def write(self, store: Store) -> None:
        # keys begin with the day
        newest = sorted(self.found, reverse=True)[:_KEPT]
        first = (
            dt.date.fromisoformat(newest[0][:10]) - dt.timedelta(days=_KEPT_DAYS) if newest else dt.date.min
        )
        self.found = {key: self.found[key] for key in newest if key[:10] > first.isoformat()}
        state = {"found": self.found, "waiting": sorted(self.waiting)}
        store.put(_STATE_KEY, json.dumps(state).encode())


class _Looker:
    """Reads events for one run: what it has read once, it need not read again, and nothing too often."""

    def __init__(self, store: Store) -> None:
        self._reader = EventReader(store)
        self._looked_at: dict[str, float] = {}

    def due(self, waiting: Collection[str]) -> Iterator[Partition]:
        """Partitions that were not looked at lately, those first that never were, for as long as the time lasts."""
        until = time.monotonic() + _BUDGET_S
        for key in sorted(waiting, key=lambda key: (self._looked_at.get(key, 0.0), key)):
            now = time.monotonic()
            if now > until:
                return
            if now - self._looked_at.get(key, -_AGAIN_S) >= _AGAIN_S:
                self._looked_at[key] = now
                yield from_key(key)

    def events(self, partition: Partition) -> list[Interval]:
        """The events that have a part in a day."""
        try:
            return self._reader.events(partition.vehicle_id, partition.start_ns, partition.end_ns).events
        except NotFound:
            return []


@lru_cache(maxsize=2)
def _looker(store: Store) -> _Looker:
    return _Looker(store)


def _verdict(counts: Counts) -> dict[str, Any]:
    said = ", ".join(f"{number} {severity}" for severity, number in counts.items())
    return {
        "passed": not counts.get(CRITICAL) and not counts.get(WARNING),
        "severity": dg.AssetCheckSeverity.ERROR if counts.get(CRITICAL) else dg.AssetCheckSeverity.WARN,
        "description": f"Events: {said}." if said else "No events.",
    }


def _overall(store: Store, standing: _Standing) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for counts in standing.found.values():
        total.update(counts)
    verdict = _verdict({severity: total[severity] for severity in reversed(SEVERITIES) if total[severity]})
    try:
        rules = len(load_rules(store).rules)
    except BadSetting as error:
        verdict |= {"passed": False, "description": f"No rule is evaluated: {error}"}
        rules = 0
    newest = sorted(standing.found.items(), reverse=True)
    newest.sort(key=lambda item: not item[1].get(CRITICAL))
    rows = [
        dg.TableRecord({"partition": key, **{name: counts.get(name, 0) for name in reversed(SEVERITIES)}})
        for key, counts in newest[:SHOWN]
    ]
    return {
        **verdict,
        "metadata": {
            "rules": rules,
            "partitions_with_events": len(standing.found),
            **{severity: total[severity] for severity in reversed(SEVERITIES)},
            **({"partitions": dg.MetadataValue.table(rows)} if rows else {}),
        },
    }


def _event_table(events: list[Interval]) -> dg.MetadataValue:
    ordered = sorted(events, key=lambda event: (-SEVERITIES.index(event.series.severity), -event.first_ns))
    columns = ("severity", "rule", "begins", "seconds", "signal", "worst")
    rows = [
        dg.TableRecord(
            dict(
                zip(
                    columns,
                    (
                        event.series.severity,
                        event.series.rule,
                        format_instant(event.first_ns // 1_000_000 * 1_000_000),
                        round(event.span_ns / 1e9, 3),
                        f"{event.series.message}.{event.series.signal} {event.series.condition}",
                        f"{event.worst:g} {event.unit}".strip(),
                    ),
                    strict=True,
                )
            )
        )
        for event in ordered[:SHOWN]
    ]
    types = dict.fromkeys(columns, "string") | {"seconds": "float"}
    schema = dg.TableSchema(columns=[dg.TableColumn(name, type=types[name]) for name in columns])
    return dg.MetadataValue.table(rows, schema=schema)
