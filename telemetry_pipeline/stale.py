"""Which partitions were decoded with other databases, bindings, match rules or another decoder than today's.

Today's making of a partition is computed from `dbc/`; what it was made by is said by marks, or by the footers of its
receipts where the marks leave a doubt. A receipt whose raw object is gone cannot be decoded again and is not asked.
Decoding anew is `process`' business, starting a backfill the doors'.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.errors import BadDbc, BadRaw, NotFound
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.made_by import Mark, describe, footer_of, making_of, read_marks, settle, write_mark


@dataclass(frozen=True)
class Verdict:
    """Whether a decoded partition is as today's databases would have it.

    Attributes:
        partition: The partition.
        stale: Why it is not, "" when it is.
        blocked: Why today's databases cannot decode it at all, "" when they can.
        inspected: Footers that were read to know.
    """

    partition: Partition
    stale: str = ""
    blocked: str = ""
    inspected: int = 0


def find_stale(
    store: Store, databases: Databases, *, only: Collection[Partition] | None = None
) -> Iterator[Verdict]:
    """Judge every decoded partition that still has raw objects, vehicle by vehicle.

    Costs one listing of marks per vehicle and one per month of days. Footers are read only of partitions whose marks
    name today's making beside others, or that have no mark; what such a reading learns is kept as marks.

    Args:
        store: The lake.
        databases: Its databases as they are now.
        only: Judge these partitions alone.

    Raises:
        TransientError: The store does not answer.
    """
    judge = _Judge(store, databases)
    if only is not None:
        for vehicle_id in sorted({partition.vehicle_id for partition in only}):
            marks = read_marks(store, vehicle_id)
            days = sorted(partition for partition in only if partition.vehicle_id == vehicle_id)
            yield from (judge.verdict(partition, marks.get(partition, [])) for partition in days)
        return
    for vehicle_id in ledger.vehicles(store, layout.DECODED):
        raw = set(ledger.partitions(store, vehicle_id))
        marks = read_marks(store, vehicle_id)
        for partition in ledger.partitions(store, vehicle_id, layout.DECODED):
            if partition in raw:
                yield judge.verdict(partition, marks.get(partition, []))


def settle_partition(store: Store, databases: Databases, partition: Partition) -> None:
    """Forget what a partition was made by before, after all of its raw objects were decoded by today's plan."""
    try:
        settle(
            store, partition, making_of(footer_of(databases.plan_for(partition.vehicle_id, partition.date)))
        )
    except BadDbc:
        return


class _Judge:
    """Judges partitions; remembers the makings of plans and of marks, of which there are few."""

    def __init__(self, store: Store, databases: Databases) -> None:
        self._store = store
        self._databases = databases
        self._footers: dict[int, tuple[Plan, dict[str, str], str]] = {}
        self._described: dict[str, dict[str, str]] = {}

    def verdict(self, partition: Partition, marks: list[Mark]) -> Verdict:
        try:
            footer, making = self._today(self._databases.plan_for(partition.vehicle_id, partition.date))
        except BadDbc as error:
            return Verdict(partition, blocked=str(error))
        held = {mark.making: mark for mark in marks}
        if held and making not in held:
            mark = held[min(held)]
            if mark.making not in self._described:
                self._described[mark.making] = describe(self._store, mark)
            return Verdict(partition, stale=difference(self._described[mark.making], footer))
        if held.keys() == {making}:
            return Verdict(partition)
        return self._inspect(partition, footer, making, marked=bool(held))

    def _today(self, plan: Plan) -> tuple[dict[str, str], str]:
        # plans are shared between partitions, and kept here so that no other gets the same identity
        if id(plan) not in self._footers:
            footer = footer_of(plan)
            self._footers[id(plan)] = (plan, footer, making_of(footer))
        return self._footers[id(plan)][1:]

    def _inspect(self, partition: Partition, footer: dict[str, str], making: str, *, marked: bool) -> Verdict:
        """Read footers, newest first: a decoding anew that stopped half way has left those for last."""
        stale, read, unreadable = "", 0, False
        found: dict[str, dict[str, str]] = {}
        for raw in sorted(ledger.read_ledger(self._store, partition).decoded, reverse=True):
            read += 1
            old = _footer(self._store, raw)
            if old is None:
                unreadable = True
                stale = stale or "a decoded object has no readable footer"
            else:
                found[making_of(old)] = old
                if making_of(old) != making:
                    stale = stale or difference(old, footer)
            if stale and marked:
                return Verdict(partition, stale=stale, inspected=read)
        if not marked and not unreadable:  # marks name everything in a partition, or it has none
            for entries in found.values():
                write_mark(self._store, partition, entries, anew=True)
        elif not stale:
            settle(self._store, partition, making)
        return Verdict(partition, stale=stale, inspected=read)


def _footer(store: Store, raw: RawObject) -> dict[str, str] | None:
    try:
        return footer_at(store, raw.decoded_key)
    except (BadRaw, NotFound):
        return None


def difference(old: dict[str, str], new: dict[str, str]) -> str:
    """What differs between the footer entries of two makings, for people."""
    said = []
    if old.get("code_version") != new["code_version"]:
        said.append(f"decoder {old.get('code_version', 'unknown')} is now {new['code_version']}")
    if old.get("strict_length") != new.get("strict_length"):
        said.append("strict length is now " + ("on" if new.get("strict_length") else "off"))
    before, after = _databases(old), _databases(new)
    if before is None or after is None:
        return "; ".join([*said, "databases unknown"])
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            said.append(f"{name} is {'new' if was is None else 'no longer bound'}")
        elif {item["sha256"] for item in was} != {item["sha256"] for item in now}:
            said.append(f"{name} changed")
        elif was != now:
            said.append(f"{name} is bound differently")
    return "; ".join(said) or "databases are bound differently"


def _databases(footer: dict[str, str]) -> dict[str, list[dict[str, Any]]] | None:
    """The databases of a footer by name, or None when it does not tell."""
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        for item in json.loads(footer["dbc"]):
            found.setdefault(item["name"], []).append({"sha256": "", **item})
    except (KeyError, ValueError, TypeError):
        return None
    return found
