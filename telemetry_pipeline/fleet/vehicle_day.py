"""One vehicle's day, summed over its decoded objects into one row of `fleet_daily`."""

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from telemetry_pipeline.decode.report import CLASSES, Report
from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.fleet.distance import Distance, difference, integral
from telemetry_pipeline.fleet.facts import Moments, ObjectFacts, Samples, read_facts
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DecodedObject, Partition, RawObject
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import ObjectInfo, Store, digest
from telemetry_pipeline.query.day import joined
from telemetry_pipeline.query.index import Run, Span
from telemetry_pipeline.query.reader import SignalName

RULES: Final = 1
"""Counted up when a row would be made otherwise from the same objects: every day is then summed up anew."""

_NOTHING: Final = Distance(None, 0)


@dataclass(frozen=True)
class Inputs:
    """The objects of one vehicle's day as they are now."""

    partition: Partition
    raw: tuple[ObjectInfo, ...]
    decoded: tuple[ObjectInfo, ...]
    quarantined: frozenset[str]

    @classmethod
    def read(cls, store: Store, partition: Partition) -> "Inputs":
        """List the three zones; what is not ours in them is left alone."""
        raw = [info for _, info in ours(RawObject.parse, store.list_objects(partition.prefix(layout.RAW)))]
        listed = store.list_objects(partition.prefix(layout.DECODED))
        decoded = [info for _, info in ours(DecodedObject.parse, listed)]
        jail = store.list_objects(partition.prefix(layout.QUARANTINE))
        return cls(
            partition,
            tuple(sorted(raw, key=lambda info: info.key)),
            tuple(sorted(decoded, key=lambda info: info.key)),
            frozenset(info.key for info in jail if not info.key.endswith(".json")),
        )

    @property
    def fingerprint(self) -> str:
        """What changes when an object of the day is written, replaced or removed."""
        listed = [(info.key, info.etag) for info in (*self.raw, *self.decoded)]
        return digest(json.dumps([RULES, listed, sorted(self.quarantined)]).encode())[:32]

    def __bool__(self) -> bool:
        return bool(self.raw or self.decoded)


def sum_up(store: Store, inputs: Inputs) -> dict[str, Any]:
    """Read the decoded objects of a vehicle's day and give its row, by the columns of `schema.FLEET_DAILY`.

    One object is held at a time, and of all of them the speeds and the odometer: 16 bytes a sample.

    Raises:
        TransientError: The store does not answer.
    """
    day = _Day()
    for info in inputs.decoded:
        try:
            day.add(read_facts(store.get(info.key), inputs.partition, info.key))
        except (BadRaw, NotFound):
            day.unreadable += 1
    receipts = {info.key for info in inputs.decoded}
    raws = [RawObject.parse(info.key) for info in inputs.raw]
    refused = sum(raw.quarantine_key in inputs.quarantined for raw in raws)
    done = sum(raw.decoded_key in receipts and raw.quarantine_key not in inputs.quarantined for raw in raws)
    return {
        "vehicle_id": inputs.partition.vehicle_id,
        "objects": day.objects,
        "raw_bytes": sum(info.size for info in inputs.raw),
        "decoded_bytes": sum(info.size for info in inputs.decoded),
        **_recording(day.spans),
        **_distances(day),
        **{name: getattr(day.total, name) for name in (*CLASSES, "outside_day", "other_vehicle")},
        "quarantined": refused,
        "pending": len(raws) - refused - done,
        "unreadable": day.unreadable,
        "signal_values": sum(run.rows for run in day.runs.values()),
        "signals": [day.signal(name) for name in sorted(day.runs)],
        "inputs": inputs.fingerprint,
    }


@dataclass
class _Day:
    """The facts of a day's objects so far."""

    objects: int = 0
    unreadable: int = 0
    total: Report = field(default_factory=Report)
    runs: dict[SignalName, Run] = field(default_factory=dict)
    moments: dict[SignalName, Moments] = field(default_factory=dict)
    out_of_range: dict[SignalName, int] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    speeds: list[Samples] = field(default_factory=list)
    odometers: list[Samples] = field(default_factory=list)

    def add(self, facts: ObjectFacts) -> None:
        if facts.total is not None:
            self.objects += 1
            self.total = self.total + facts.total
        for name, run in facts.runs.items():
            self.runs[name] = self.runs[name].plus(run) if name in self.runs else run
        for name, moments in facts.moments.items():
            self.moments[name] = self.moments[name].plus(moments) if name in self.moments else moments
        for name, values in facts.out_of_range.items():
            self.out_of_range[name] = self.out_of_range.get(name, 0) + values
        self.spans = joined([*self.spans, *facts.spans])
        self.speeds += [facts.speed] if facts.speed is not None else []
        self.odometers += [facts.odometer] if facts.odometer is not None else []

    def signal(self, name: SignalName) -> dict[str, Any]:
        run, moments = self.runs[name], self.moments[name]
        return {
            "message_name": name[0],
            "signal_name": name[1],
            "unit": run.unit,
            "count": run.rows,
            "minimum": run.minimum,
            "maximum": run.maximum,
            "mean": moments.mean if moments.count and np.isfinite(moments.mean) else None,
            "std": moments.std,
            "nonfinite": run.rows - run.finite,
            "out_of_range": self.out_of_range.get(name, 0),
        }


def _recording(spans: list[Span]) -> dict[str, Any]:
    """When the vehicle was heard: stretches without a pause of more than a session's."""
    pauses = [later.first_ns - earlier.last_ns for earlier, later in pairwise(spans)]
    return {
        "first_timestamp": spans[0].first_ns if spans else None,
        "last_timestamp": spans[-1].last_ns if spans else None,
        "hours": sum(span.last_ns - span.first_ns for span in spans) / 3.6e12,
        "longest_gap_s": max(pauses, default=0) / 1e9,
        "gaps": len(pauses),
    }


def _distances(day: _Day) -> dict[str, Any]:
    speed, speed_name = _measured(day.speeds, integral)
    odometer, odometer_name = _measured(day.odometers, difference)
    # an odometer counts what was not recorded, too
    source = "odometer" if odometer.km is not None else "speed" if speed.km is not None else ""
    return {
        "distance_km": odometer.km if odometer.km is not None else speed.km,
        "distance_source": source,
        "speed_km": speed.km,
        "speed_signal": speed_name,
        "speed_left_out": speed.left_out,
        "odometer_km": odometer.km,
        "odometer_signal": odometer_name,
        "odometer_left_out": odometer.left_out,
    }


def _measured(found: list[Samples], measure: Any) -> tuple[Distance, str]:  # noqa: ANN401  one of two functions
    """The distance by the day's best signal: in every object that has it, it is the object's best as well."""
    if not found:
        return _NOTHING, ""
    best = min((samples.rank, samples.name) for samples in found)
    chosen = [samples for samples in found if (samples.rank, samples.name) == best]
    times = np.concatenate([samples.times for samples in chosen])
    values = np.concatenate([samples.values for samples in chosen])
    return measure(times, values), ".".join(best[1])
