"""Decode one raw object, or one partition: read, decode, write, account. Every door calls this.

What bits mean is `decode`'s business, who calls and when is the doors'.

The decoded object in the raw object's own partition is the receipt: it is written last, so that a crash leaves
the raw object pending and a second run writes the same bytes again.
"""

import json
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.borders import FOOTER as PREVIOUS
from telemetry_pipeline.borders import Previous, is_outdated, neighbours, read_previous
from telemetry_pipeline.days import of_vehicle, split_days, vehicle_names
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.decode.transport.stitch import Stitcher
from telemetry_pipeline.errors import BadRaw, TelemetryError, TransientError, Unforeseen
from telemetry_pipeline.lake import ledger, parquet
from telemetry_pipeline.lake.layout import DecodedObject, Partition, RawObject, stem_start_ns
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.made_by import footer_of, write_mark
from telemetry_pipeline.quarantine import quarantine
from telemetry_pipeline.rules.rule import NO_RULES, VehicleRules
from telemetry_pipeline.rules.watch import Watch, put_events
from telemetry_pipeline.spool import Spool

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
    wrong: list[str] = field(default_factory=list)
    """Raw keys whose report does not add up."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """From when to when each object has frames, in nanoseconds."""

    def add(self, outcome: Outcome) -> None:
        """Count one more object of the partition."""
        if outcome.report is not None:
            self.decoded += 1
            self.report = self.report + outcome.report
            if not outcome.report.adds_up():
                self.wrong.append(outcome.raw.key)
            if (span := _span(outcome.raw, outcome.report)) is not None:
                self.spans.append(span)
        elif outcome.failed is not None:
            self.failed[outcome.raw.key] = str(outcome.failed)
            self.transient |= isinstance(outcome.failed, TransientError)
        else:
            self.quarantined[outcome.raw.key] = outcome.quarantined


def _span(raw: RawObject, report: Report) -> tuple[int, int] | None:
    """From when to when an object has frames: by its name and its signals, for other frames leave no time behind."""
    own = range(raw.partition.start_ns, raw.partition.end_ns)
    named = stem_start_ns(raw.stem)
    times = [ns for signal in report.signals for ns in (signal.first_ns, signal.last_ns)]
    inside = [ns for ns in [*times, *([] if named is None else [named])] if ns in own]
    return (min(inside), max(inside)) if inside else None


def process_object(store: Store, raw: RawObject, plan: Plan, rules: VehicleRules = NO_RULES) -> Outcome:
    """Decode one raw object into the lake; bytes that are no frames go to quarantine.

    Where transfers are reassembled, the object after it is decoded again if it was decoded without this one. That
    comes first, for as long as this object has no receipt nothing is forgotten.

    Args:
        store: The lake.
        raw: The object.
        plan: The compiled databases of its vehicle.
        rules: The rules of its vehicle.

    Raises:
        NotFound: There is no such raw object.
        TransientError: The store does not answer; the object stays pending.
    """
    if not plan.transport:
        return _process(store, raw, plan, None, rules)
    _, following = neighbours(store, raw)
    if following is not None and is_outdated(store, following, raw):
        _log.info("%s is decoded again, now that %s is there", following.key, raw.key)
        _process_after_previous(store, following, plan, rules)
    return _process_after_previous(store, raw, plan, rules)


def _process_after_previous(store: Store, raw: RawObject, plan: Plan, rules: VehicleRules) -> Outcome:
    """Decode an object after the one before it, and again if another one landed between them meanwhile.

    Whoever lands looks for the receipt of the next object, whoever writes a receipt looks for what has landed: one of
    the two sees the other.
    """
    while True:
        previous = read_previous(store, raw, plan)
        outcome = _process(store, raw, plan, previous, rules)
        if neighbours(store, raw)[0] == previous.raw:
            return outcome


def _process(
    store: Store, raw: RawObject, plan: Plan, previous: Previous | None, rules: VehicleRules
) -> Outcome:
    body = store.get(raw.key)
    with tempfile.TemporaryDirectory(prefix="telemetry-") as folder:
        spools = {days: Spool(Path(folder) / str(days)) for days in (-1, 1, 0)}
        try:
            total = _decode(body, raw, plan, previous, spools)
        except BadRaw as error:
            quarantine(store, raw, body, error.what)
            return Outcome(raw, quarantined=str(error))
        making = footer_of(plan)
        origin = {"raw_key": raw.key, "raw_digest": digest(body), **making}
        if previous is not None:
            origin[PREVIOUS] = previous.footer
        write_mark(store, raw.partition, making)
        for days, spool in spools.items():  # the receipt is written last
            if days == 0 or spool.report.rows:
                footer = {**origin, "report": json.dumps(spool.report.to_dict())}
                if days == 0:
                    footer["total"] = json.dumps(_accounting(total))
                runs = (signal.rows for signal in spool.report.signals)
                watch = Watch(rules, spool.report.signals)
                decoded = parquet.write_decoded_parts(watch.through(spool.tables()), runs, footer)
                target = raw.spill(days) if days else DecodedObject(raw.partition, raw.stem)
                put_events(store, target, watch, footer)
                store.put(target.key, decoded)
    return Outcome(raw, report=total)


def _decode(
    body: bytes, raw: RawObject, plan: Plan, previous: Previous | None, spools: Mapping[int, Spool]
) -> Report:
    """Decode the frames of an object batch by batch into the spools of their days, and account for all of them.

    What comes to no row by being reassembled is counted under the object's own day.

    Raises:
        BadRaw: It cannot be read, none of its rows is a frame of its days, or it is of several vehicles.
    """
    vehicle_id = raw.partition.vehicle_id
    names: Counter[str] = Counter()
    outside = timed = 0
    stitcher = None if previous is None else Stitcher(plan, previous.left)
    for frames in parquet.read_raw_batches(body, raw.key):
        names.update(vehicle_names(frames))
        split = split_days(frames, raw.partition)
        outside, timed = outside + split.outside, timed + split.timed
        if stitcher is not None:
            split = split_days(stitcher.add(of_vehicle(frames, vehicle_id)), raw.partition)
        for days, part in split.parts.items():
            spools[days].add(decode_frames(of_vehicle(part, vehicle_id), plan))
    if stitcher is not None:
        spools[0].report = spools[0].report + stitcher.report()
    total = Report.merge(spool.report for spool in spools.values())
    if len(names) > 1:
        listed = ", ".join(repr(name[:80]) for name in sorted(names)[:5])
        raise BadRaw(f"its rows are of {len(names)} vehicles: {listed}", raw.key)
    if total.rows and total.bad_rows == total.rows:
        raise BadRaw(f"none of its {total.rows} rows is a frame: {total.bad_rows_by}", raw.key)
    if outside and outside == timed:
        raise BadRaw(f"none of its rows lies in {raw.partition.date} or a day beside it", raw.key)
    strangers = names.total() - names[vehicle_id]
    if outside or strangers:
        _log.warning("%s: %d rows lie outside its days, %d name another vehicle", raw.key, outside, strangers)
    return replace(total, outside_day=outside, other_vehicle=strangers)


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
            plan = databases.plan_for(raw.partition.vehicle_id, raw.partition.date)
            yield process_object(store, raw, plan, databases.rules_for(raw.partition.vehicle_id))
        except TelemetryError as error:
            _log.warning("%s stays pending: %s", raw.key, error)
            yield Outcome(raw, failed=error)
        except Exception as error:
            _log.exception("%s stays pending", raw.key)
            first_line = str(error).partition("\n")[0][:200]
            fault = Unforeseen(
                f"{type(error).__name__}: {first_line}",
                raw.key,
                "This is a fault of the decoder: please report it",
            )
            yield Outcome(raw, failed=fault)


def _accounting(report: Report) -> dict[str, object]:
    """The counts of a report without its signals: what `verify` and the totals of a partition read."""
    plain = replace(report, signals=()).to_dict()
    del plain["signals"]
    return plain
