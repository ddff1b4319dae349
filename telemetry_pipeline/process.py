"""Decode one raw object, or one partition: read, decode, write, account. Every door calls this.

What bits mean is `decode`'s business, who calls and when is the doors'.

The decoded object in the raw object's own partition is the receipt: it is written last, so that a crash leaves
the raw object pending and a second run writes the same bytes again.
"""

import datetime as dt
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import BadDbc, BadRaw, NotFound, TelemetryError, TransientError
from telemetry_pipeline.lake import ledger, parquet, schema
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.version import __version__

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one raw object: decoded with a report, quarantined with a reason, or failed and still pending."""

    raw: RawObject
    report: Report | None = None
    quarantined: str = ""
    failed: TelemetryError | None = None


@dataclass
class Tally:
    """The outcomes of one partition, summed."""

    partition: Partition
    report: Report = field(default_factory=Report)
    decoded: int = 0
    quarantined: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    transient: bool = False

    def add(self, outcome: Outcome) -> None:
        """Count one more object of the partition."""
        if outcome.report is not None:
            self.decoded += 1
            self.report = self.report + outcome.report
        elif outcome.failed is not None:
            self.failed[outcome.raw.key] = str(outcome.failed)
            self.transient |= isinstance(outcome.failed, TransientError)
        else:
            self.quarantined[outcome.raw.key] = outcome.quarantined


def process_object(store: Store, raw: RawObject, plan: Plan) -> Outcome:
    """Decode one raw object into the lake; bytes that are no frames go to quarantine.

    Args:
        store: The lake.
        raw: The object.
        plan: The compiled databases of its vehicle.

    Raises:
        NotFound: There is no such raw object.
        TransientError: The store does not answer; the object stays pending.
    """
    body = store.get(raw.key)
    try:
        frames = parquet.read_raw(body, raw.key)
    except BadRaw as error:
        _quarantine(store, raw, body, error)
        return Outcome(raw, quarantined=str(error))
    total = Report()
    parts = _by_day(frames, raw.partition)
    for days in (-1, 1, 0):  # the receipt is written last
        part = parts[days]
        if days and not part.num_rows:
            continue
        decoded = decode_frames(_of_vehicle(part, raw.partition.vehicle_id), plan)
        total = total + decoded.report
        footer = {
            "raw_key": raw.key,
            "raw_digest": digest(body),
            "dbc": json.dumps([{"name": name, "sha256": sha256} for name, sha256 in plan.digests]),
            "code_version": __version__,
            "report": json.dumps(decoded.report.to_dict()),
        }
        if days == 0:
            footer["total"] = json.dumps(_accounting(total))
        runs = (signal.rows for signal in decoded.report.signals)
        store.put(raw.spill(days).key, parquet.write_decoded(decoded.table, runs, footer))
    return Outcome(raw, report=total)


def partition_total(store: Store, partition: Partition) -> Report:
    """The counts of everything decoded in a partition, from the receipts' footers; signals are left out."""
    total = Report()
    for item in ledger.decoded_objects(store, partition):
        with store.open_file(item.key) as file:
            footer = parquet.read_footer(parquet.open_object(file, item.key))
        if "total" in footer:  # rows spilled from a neighbouring day are counted by that day's receipt
            total = total + Report.from_dict(json.loads(footer["total"]))
    return total


def process_objects(store: Store, databases: Databases, raws: Iterable[RawObject]) -> Iterable[Outcome]:
    """Decode raw objects one by one; whatever stops one of them is its outcome and does not stop the others."""
    for raw in raws:
        try:
            yield process_object(store, raw, databases.plan_for(raw.partition.vehicle_id))
        except (BadDbc, NotFound, TransientError) as error:
            _log.warning("%s stays pending: %s", raw.key, error)
            yield Outcome(raw, failed=error)


def _by_day(frames: pa.Table, partition: Partition) -> dict[int, pa.Table]:
    """Frames of the day before (-1), of the partition itself (0) and of the day after (1).

    Rows further off, and rows without a time, stay in the partition: no broken clock makes a thousand partitions.
    """
    times = frames["timestamp"]

    def within(day: Partition) -> pa.ChunkedArray:
        low, high = (pa.scalar(ns, pa.int64()).cast(schema.TIMESTAMP) for ns in (day.start_ns, day.end_ns))
        inside = pc.and_(pc.greater_equal(times, low), pc.less(times, high))
        return pc.fill_null(inside, False)

    before, after = within(partition.shifted(-1)), within(partition.shifted(1))
    if not pc.any(pc.or_(before, after)).as_py():
        return {-1: frames.slice(0, 0), 0: frames, 1: frames.slice(0, 0)}
    return {
        -1: frames.filter(before),
        0: frames.filter(pc.invert(pc.or_(before, after))),
        1: frames.filter(after),
    }


def _of_vehicle(frames: pa.Table, vehicle_id: str) -> pa.Table:
    """The same frames under the partition's vehicle: the key is what queries prune by, so the key is right."""
    index = frames.schema.get_field_index("vehicle_id")
    codes = pa.repeat(pa.scalar(0, pa.int16()), frames.num_rows)
    column = pa.DictionaryArray.from_arrays(codes, pa.array([vehicle_id]))
    return frames.set_column(index, "vehicle_id", column)


def _accounting(report: Report) -> dict[str, object]:
    """The counts of a report without its signals: what `verify` and the totals of a partition read."""
    return {name: value for name, value in report.to_dict().items() if name != "signals"}


def _quarantine(store: Store, raw: RawObject, body: bytes, error: BadRaw) -> None:
    """Keep the bytes as they are, beside the reason; the raw object itself is never touched."""
    reason = {
        "raw_key": raw.key,
        "reason": error.what,
        "bytes": len(body),
        "sha256": digest(body),
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "version": __version__,
    }
    store.put(raw.reason_key, json.dumps(reason, indent=2).encode())
    store.put(raw.quarantine_key, body)
    _log.warning("quarantined: %s", error)
