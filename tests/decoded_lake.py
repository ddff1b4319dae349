"""Decoded objects made by hand, so that what reads them is tested without what usually writes them."""

import json
import os
import time
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.decoded_file import write_decoded
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import Store

Samples = tuple[list[int], list[float]]
"""Times in nanoseconds and values."""

UNITS = {"Speed": "km/h", "Level": "%"}


def decoded_table(vehicle_id: str, signals: Mapping[tuple[str, str], Samples]) -> pa.Table:
    """Rows in the lake's order: by message, signal, time."""
    columns: dict[str, list] = {name: [] for name in schema.DECODED.names}
    for (message, signal), (times, values) in sorted(signals.items()):
        order = np.argsort(np.array(times, dtype=np.int64), kind="stable")
        columns["timestamp"] += [times[index] for index in order]
        columns["value"] += [values[index] for index in order]
        for name, constant in (
            ("vehicle_id", vehicle_id),
            ("message_name", message),
            ("signal_name", signal),
            ("unit", UNITS.get(signal, "")),
            ("channel", "can0"),
        ):
            columns[name] += [constant] * len(times)
    arrays = [
        pa.array(columns[field.name], pa.int64()).cast(field.type)
        if field.name == "timestamp"
        else pa.array(columns[field.name], pa.string()).dictionary_encode().cast(field.type)
        if pa.types.is_dictionary(field.type)
        else pa.array(columns[field.name], field.type)
        for field in schema.DECODED
    ]
    return pa.table(arrays, schema=schema.DECODED)


def report_of(signals: Mapping[tuple[str, str], Samples], undecoded: int = 0) -> dict:
    """The decode report's parts that a reader needs, counted from the samples."""
    entries, frames = [], {}
    for (message, signal), (times, values) in sorted(signals.items()):
        finite = [value for value in values if np.isfinite(value)]
        entries.append(
            {
                "message": message,
                "signal": signal,
                "unit": UNITS.get(signal, ""),
                "rows": len(times),
                "first_ns": min(times),
                "last_ns": max(times),
                "minimum": min(finite, default=None),
                "maximum": max(finite, default=None),
                "total": sum(finite) if finite else None,
                "nonfinite": len(values) - len(finite),
            }
        )
        frames.setdefault(message, set()).update(times)
    messages = {message: len(times) for message, times in frames.items()}
    decoded = sum(messages.values())
    return {
        "rows": decoded + undecoded,
        "decoded_frames": decoded,
        "messages": messages,
        "signals": entries,
        "unheard_of": 1,
    }


def put_decoded(
    store: Store,
    partition: Partition,
    stem: str,
    signals: Mapping[tuple[str, str], Samples],
    *,
    undecoded: int = 0,
    reported: bool = True,
    footer: Mapping[str, str] | None = None,
) -> str:
    """Write a decoded object and return its key; signals without samples are left out, as the decoder does."""
    signals = {name: samples for name, samples in signals.items() if samples[0]}
    report = {"report": json.dumps(report_of(signals, undecoded))} if reported else {}
    footer = {"raw_key": "raw/x", **report, **(footer or {})}
    runs = [len(signals[name][0]) for name in sorted(signals)]
    key = DecodedObject(partition, stem).key
    store.put(key, write_decoded(decoded_table(partition.vehicle_id, signals), runs, footer))
    return key


def age_folders(store: Store, zone: str = "") -> None:
    """Make every folder of a zone, or of the lake, look as if it had last changed a minute ago, each at a time of its own."""
    assert store.root is not None
    for number, (folder, _, _) in enumerate(os.walk(store.root / zone)):
        then = time.time_ns() - 60_000_000_000 - number * 1000
        os.utime(folder, ns=(then, then))
