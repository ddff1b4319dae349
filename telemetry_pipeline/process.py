"""Decode one raw object, or one partition: read, decode, write, account. Every door calls this.

What bits mean is `decode`'s business, who calls and when is the doors'.

The decoded object in the raw object's own partition is the receipt: it is written last, so that a crash leaves
the raw object pending and a second run writes the same bytes again.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.borders import FOOTER as PREVIOUS
from telemetry_pipeline.borders import Previous, is_outdated, neighbours, read_previous
from telemetry_pipeline.collector import collector_paused
from telemetry_pipeline.decode.frames import Decoder
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.decode.signals import Signals, SignalStats, merge_signals
from telemetry_pipeline.dictionaries import publish
from telemetry_pipeline.errors import BadRaw, TelemetryError, TransientError, Unforeseen, first_line
from telemetry_pipeline.intake import take_frames
from telemetry_pipeline.lake import decoded_file, ledger
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import DecodedObject, Partition, RawObject, stem_start_ns
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.made_by import footer_of, write_mark
from telemetry_pipeline.quarantine import quarantine
from telemetry_pipeline.rules.rule import NO_RULES, VehicleRules
from telemetry_pipeline.rules.watch import Watch, put_events
from telemetry_pipeline.scratch import scratch_folder

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
    columns = Signals.of(report.signals).columns
    times = [*columns.first_ns, *columns.last_ns, *([] if named is None else [named])]
    inside = [ns for ns in times if ns in own]
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
    with collector_paused():
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
    with scratch_folder() as folder:
        decoders = {days: Decoder(plan, folder / str(days), raw.partition.vehicle_id) for days in (-1, 1, 0)}
        try:
            intake = take_frames(body, raw, plan, previous, decoders)
        except BadRaw as error:
            quarantine(store, raw, body, error.what)
            return Outcome(raw, quarantined=str(error))
        making = footer_of(plan)
        origin = {"raw_key": raw.key, "raw_digest": digest(body), **making}
        if previous is not None:
            origin[PREVIOUS] = previous.footer
        write_mark(store, raw.partition, making)
        signals: list[Sequence[SignalStats]] = []
        for days, decoder in decoders.items():  # the receipt is written last
            if days == 0:
                own = DecodedObject(raw.partition, raw.stem)
                total = {"total": intake.total.account_json()}
                signals.append(_write(store, own, decoder, intake.rest, rules=rules, origin=origin | total))
            elif decoder.rows:
                spilled = raw.spill(days)
                signals.append(_write(store, spilled, decoder, Report(), rules=rules, origin=origin))
    return Outcome(raw, report=replace(intake.total, signals=merge_signals(signals)))


def _write(
    store: Store,
    target: DecodedObject,
    decoder: Decoder,
    rest: Report,
    *,
    rules: VehicleRules,
    origin: Mapping[str, str],
) -> Sequence[SignalStats]:
    """Write what was decoded for one day, and what rules find in it; the statistics of its signals.

    Args:
        store: The lake.
        target: Where it goes.
        decoder: The day's frames.
        rest: The account of rows that count under the day without being among its frames.
        rules: The vehicle's rules.
        origin: What the footer says beside the day's report.
    """
    report = Report()

    def footer() -> dict[str, str]:
        nonlocal report
        report = decoder.report() + rest
        return {**origin, "report": report.to_json()}

    # what the values are like is known when they have all been written
    watch = Watch(rules, (SignalStats(*run, 0, 0, None, None, None) for run in decoder.signals()))
    groups = decoder.parts(decoded_file.row_group_sizes(decoder.runs()))
    body = decoded_file.write_decoded_groups(watch.through(groups), footer)
    put_events(store, target, watch, origin)
    store.put(target.key, body)
    return report.signals


def partition_total(store: Store, partition: Partition) -> Report:
    """The counts of everything decoded in a partition, from the receipts' footers; signals are left out."""
    total = Report()
    for item in ledger.decoded_objects(store, partition):
        footer = footer_at(store, item.key)
        if "total" in footer:  # rows spilled from a neighbouring day are counted by that day's receipt
            total = total + Report.from_dict(json.loads(footer["total"]))
    return total


def process_objects(store: Store, databases: Databases, raws: Iterable[RawObject]) -> Iterable[Outcome]:
    """Decode raw objects one by one; whatever stops one of them is its outcome and does not stop the others."""
    publish(store, databases.dbcs.values())
    for raw in raws:
        try:
            plan = databases.plan_for(raw.partition.vehicle_id, raw.partition.date)
            yield process_object(store, raw, plan, databases.rules_for(raw.partition.vehicle_id))
        except TelemetryError as error:
            _log.warning("%s stays pending: %s", raw.key, error)
            yield Outcome(raw, failed=error)
        except Exception as error:
            _log.exception("%s stays pending", raw.key)
            fault = Unforeseen(
                f"{type(error).__name__}: {first_line(error)}",
                raw.key,
                "This is a fault of the decoder: please report it",
            )
            yield Outcome(raw, failed=fault)
