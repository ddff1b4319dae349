"""Vehicles that no longer send: when each one's last frame was, by what was decoded of it, else by what it landed.

What is remembered of a vehicle saves asking the lake for it: a fleet that is decoded here costs three reads, and only a
vehicle that seems silent is looked for among the raw objects, at most once an hour.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.health.book import Book
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.thresholds import Thresholds

_KEY: Final = f"{layout.STATE}seen.json"
ASK_AGAIN_NS: Final = 3_600_000_000_000


@dataclass(frozen=True)
class Silent:
    """A vehicle that has been silent for longer than it may be.

    Attributes:
        vehicle_id: The vehicle.
        since_ns: Its last frame, None when it never had one with a believable time.
        allowed_ns: How long it may be silent.
    """

    vehicle_id: str
    since_ns: int | None
    allowed_ns: int


@dataclass(frozen=True)
class Silence:
    """The state of a fleet.

    Attributes:
        vehicles: How many it has.
        silent: Those that are silent for longer than they may be.
        retired: How many are silent for so long that they are taken for retired.
    """

    vehicles: int
    silent: tuple[Silent, ...]
    retired: int


def find_silent(store: Store, thresholds: Thresholds, now_ns: int) -> Silence:
    """Look at when every vehicle of a lake was last heard.

    Raises:
        TransientError: The store does not answer.
    """
    memory = _load(store)
    before = json.dumps(memory, sort_keys=True)
    _note_decoded(Book(store, thresholds), memory, now_ns)
    silent, retired = [], 0
    vehicles = ledger.vehicles(store)
    for vehicle_id in vehicles:
        limits = thresholds.of(vehicle_id)
        item = memory.setdefault(vehicle_id, {})
        if _age(item, now_ns) > limits.silent_after and now_ns - item.get("asked", 0) >= ASK_AGAIN_NS:
            _note(item, _newest_raw_ns(store, vehicle_id, now_ns))
            item["asked"] = now_ns
        age = _age(item, now_ns)
        if age > limits.forget_after:
            retired += 1
        elif age > limits.silent_after:
            silent.append(Silent(vehicle_id, item.get("last"), limits.silent_after))
    for gone in memory.keys() - set(vehicles):
        del memory[gone]
    if json.dumps(memory, sort_keys=True) != before:
        store.put(_KEY, json.dumps(memory).encode())
    return Silence(len(vehicles), tuple(silent), retired)


def _note_decoded(book: Book, memory: dict[str, dict[str, int]], now_ns: int) -> None:
    today = Partition.containing("_", now_ns).date
    for days in (1, 0):
        for partition, health in book.day(today - dt.timedelta(days=days)).items():
            if health.spans:
                _note(memory.setdefault(partition.vehicle_id, {}), health.spans[-1][1])


def _note(item: dict[str, int], last_ns: int | None) -> None:
    if last_ns is not None:
        item["last"] = max(last_ns, item.get("last", last_ns))


def _age(item: Mapping[str, int], now_ns: int) -> int:
    """Nanoseconds since the last frame; a vehicle of which nothing is known has just been silent for too long."""
    return now_ns - item["last"] if "last" in item else DAY_NS * 29


def _newest_raw_ns(store: Store, vehicle_id: str, now_ns: int) -> int | None:
    """When the newest raw object begins whose day is not in the future; None when there is none."""
    tomorrow = Partition.containing(vehicle_id, now_ns + DAY_NS).date
    prefixes = [layout.vehicle_prefix(layout.RAW, vehicle_id)]
    while prefixes:
        prefix = prefixes.pop()  # the newest of the deepest
        partition = layout.partition_of(prefix, layout.RAW)
        if partition is None:
            prefixes += store.list_dirs(prefix)
        elif partition.date <= tomorrow and (starts := _starts(store, partition)):
            return max(starts)
    return None


def _starts(store: Store, partition: Partition) -> list[int]:
    found = ours(RawObject.parse, store.list_objects(partition.prefix(layout.RAW)))
    starts = (layout.stem_start_ns(raw.stem) for raw, _ in found)
    return [partition.start_ns if start_ns is None else start_ns for start_ns in starts]


def _load(store: Store) -> dict[str, dict[str, int]]:
    try:
        plain: dict[str, Any] = json.loads(store.get(_KEY))
        return {
            vehicle_id: {name: int(item[name]) for name in ("last", "asked") if name in item}
            for vehicle_id, item in plain.items()
        }
    except (NotFound, ValueError, TypeError, AttributeError):
        return {}
