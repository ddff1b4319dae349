"""How well a vehicle's days were decoded: frames by class, and raw objects by what became of them.

Frames are counted by the footers of the decoded objects, objects by listings. A day that the table `fleet_daily` has, made
from the objects as they are now, is taken from there.
"""

import datetime as dt
import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import BadKey, BadRaw, NotFound
from telemetry_pipeline.fleet.table import read_day
from telemetry_pipeline.fleet.vehicle_day import Inputs
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache

_KEPT: Final = 100_000
"""Footers that are remembered: about a kilobyte each."""

_TABLE_S: Final = 60.0
"""The table of a day is believed for so long; whether a row still holds is told by its fingerprint either way."""

COUNTS: Final = (
    *("rows", "decoded_frames", "truncated", "unknown_id", "decode_error", "skipped", "bad_rows"),
    *("quarantined", "pending", "unreadable"),
)


@dataclass(frozen=True)
class DayHealth:
    """One vehicle's day.

    Attributes:
        date: The UTC day.
        objects: Raw objects of the day.
        counts: By the names of `COUNTS`: frames by class as in `Report`, raw objects that are quarantined or pending,
            decoded objects that cannot be read.
    """

    date: dt.date
    objects: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Quarantined:
    """A raw object that was set aside: its key, and why and when (ISO 8601) as far as that is known."""

    key: str
    reason: str
    when: str


@dataclass(frozen=True)
class Details:
    """What went wrong in some days of a vehicle: the report of all their frames, and what was set aside."""

    report: Report
    quarantined: list[Quarantined]


class HealthReader:
    """Reads the health of vehicles from a lake; may be called from several threads at once.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        workers = min(4, os.cpu_count() or 1) if store.root else 16
        self._pool: Final = ThreadPoolExecutor(workers, thread_name_prefix="health")
        self._reports: WeightedCache[ObjectInfo, Report | None] = WeightedCache(_KEPT)
        self._tables: WeightedCache[dt.date, tuple[float, dict[str, dict[str, Any]]]] = WeightedCache(64)

    def vehicles(self) -> list[str]:
        """The ids of all vehicles with raw or decoded objects, sorted."""
        return sorted({*ledger.vehicles(self._store), *ledger.vehicles(self._store, layout.DECODED)})

    def days(self, vehicle_ids: Iterable[str], first: dt.date, last: dt.date) -> dict[str, list[DayHealth]]:
        """The days from `first` to `last` on which a vehicle has objects, newest first, by vehicle.

        Raises:
            BadKey: One is not a vehicle id.
            TransientError: The store does not answer.
        """
        ids = list(vehicle_ids)
        dates = [last - dt.timedelta(days=back) for back in range((last - first).days + 1)]
        found = self._pool.map(self._day, [Partition(v, date) for v in ids for date in dates])
        by_vehicle: dict[str, list[DayHealth]] = {vehicle_id: [] for vehicle_id in ids}
        for vehicle_id, _ in ((v, date) for v in ids for date in dates):
            if (day := next(found)) is not None:
                by_vehicle[vehicle_id].append(day)
        return by_vehicle

    def details(self, vehicle_id: str, first: dt.date, last: dt.date) -> Details:
        """What went wrong from `first` to `last`, both included.

        Raises:
            BadKey: It is not a vehicle id.
            TransientError: The store does not answer.
        """
        days = [Partition(vehicle_id, first + dt.timedelta(days=i)) for i in range((last - first).days + 1)]
        inputs = list(self._pool.map(lambda day: Inputs.read(self._store, day), days))
        reports = self._pool.map(self._report, [info for day in inputs for info in day.decoded])
        jailed = [raw for day in inputs for raw in _quarantined(day)]
        return Details(
            Report.merge(report for report in reports if report is not None),
            list(self._pool.map(self._reason, jailed)),
        )

    def _day(self, partition: Partition) -> DayHealth | None:
        inputs = Inputs.read(self._store, partition)
        if not inputs:
            return None
        row = self._table(partition.date).get(partition.vehicle_id)
        if row is not None and row["inputs"] == inputs.fingerprint:
            return DayHealth(partition.date, len(inputs.raw), {name: int(row[name]) for name in COUNTS})
        reports = [self._report(info) for info in inputs.decoded]
        total = Report.merge(report for report in reports if report is not None)
        raws = [RawObject.parse(info.key) for info in inputs.raw]
        receipts = {info.key for info in inputs.decoded}
        refused = len(_quarantined(inputs))
        done = sum(r.decoded_key in receipts and r.quarantine_key not in inputs.quarantined for r in raws)
        objects = {
            "quarantined": refused,
            "pending": len(raws) - refused - done,
            "unreadable": sum(report is None for report in reports),
        }
        counts = {name: getattr(total, name) for name in COUNTS if name not in objects}
        return DayHealth(partition.date, len(raws), counts | objects)

    def _report(self, info: ObjectInfo) -> Report | None:
        """What a decoded object says of its raw object's frames, nothing of a spilled neighbour; None if damaged."""
        if (known := self._reports.get(info)) is not None:
            return known
        try:
            footer = footer_at(self._store, info.key)
            # a day's rows that lie with a neighbour are counted by the object that they came from
            plain = json.loads(footer.get("total", "{}"))
            report = replace(Report.from_dict({**plain, "signals": ()}), signals=())
        except (BadRaw, NotFound, TypeError, ValueError):
            return None
        self._reports.put(info, report, 1)
        return report

    def _table(self, date: dt.date) -> dict[str, dict[str, Any]]:
        known = self._tables.get(date)
        if known is not None and time.monotonic() - known[0] < _TABLE_S:
            return known[1]
        try:
            table = read_day(self._store, date)
        except BadRaw:
            table = None
        rows: dict[str, dict[str, Any]] = {}
        if table is not None and {"vehicle_id", "inputs", *COUNTS} <= set(table.columns):
            kept = table.select("vehicle_id", "inputs", *COUNTS)
            rows = {row["vehicle_id"]: row for row in kept.iter_rows(named=True)}
        self._tables.put(date, (time.monotonic(), rows), 1)
        return rows

    def _reason(self, raw: RawObject) -> Quarantined:
        try:
            said = json.loads(self._store.get(f"{raw.quarantine_key}.json"))
            return Quarantined(raw.key, str(said.get("reason", "")), str(said.get("when", "")))
        except (NotFound, BadKey, ValueError, AttributeError):
            return Quarantined(raw.key, "", "")


def _quarantined(inputs: Inputs) -> list[RawObject]:
    raws = [RawObject.parse(info.key) for info in inputs.raw]
    return sorted(raw for raw in raws if raw.quarantine_key in inputs.quarantined)
