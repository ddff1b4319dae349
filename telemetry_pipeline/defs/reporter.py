"""What a drain tells Dagster: one event per partition at once, then at most one per interval, and a last one.

An event costs as much as decoding half an object, and a fleet lands an object per vehicle and minute: an event says
what came since the one before it. Events are runless, because those of a run vanish when old runs are pruned. What is
not told yet is noted in the lake before it is decoded, so that the run after a killed one tells it.
"""

import datetime as dt
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import dagster as dg

from telemetry_pipeline.defs import metadata
from telemetry_pipeline.defs.checks import evaluate
from telemetry_pipeline.defs.partitions import VEHICLES, to_key
from telemetry_pipeline.drain import Decoder
from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome, Tally
from telemetry_pipeline.totals import Totals

CHECK_EVERY_S: Final = 60.0

BURST_S: Final = 5.0
"""How long events that are due are told in one go; the others wait for the next batch."""


class Reporter:
    """Tells Dagster of the partitions of one run.

    Args:
        context: The run.
        asset: The asset whose partitions they are.
        store: The lake.
        name: Whose run it is: what one run leaves untold, the next of the same name tells.
        every_s: Seconds between two events of a partition.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        asset: dg.AssetKey,
        store: Store,
        name: str,
        *,
        every_s: float,
    ) -> None:
        self._context = context
        self._asset = asset
        self._store = store
        self._every_s = every_s
        self._totals = Totals(store)
        self._since: dict[Partition, Tally] = {}
        self._unchecked: dict[Partition, Tally] = {}
        self._told_at: dict[Partition, float] = {}
        self._begun = self._checked_at = time.monotonic()
        self._vehicles: set[str] = set()
        self._key = f"{layout.STATE}untold-{name}.json"
        self._noted = _read_noted(store, self._key)
        self._written = set(self._noted)
        if left := {partition: Tally(partition) for partition in self._noted}:
            context.log.info("%d partitions were left untold by a run that was ended", len(left))
            self.add(left)

    @property
    def failed(self) -> dict[str, str]:
        """Why objects stay pending, by their keys."""
        return {key: why for item in self._since.values() for key, why in item.failed.items()}

    def expect(self, partitions: Iterable[Partition]) -> None:
        """Note partitions before something of them is decoded."""
        if new := set(partitions) - self._noted:
            self._noted |= new
            self._write_noted()

    def add(self, tallies: Mapping[Partition, Tally]) -> None:
        """Take in what became of a batch, and tell what is due."""
        self._register(partition.vehicle_id for partition in tallies)
        for books in (self._since, self._unchecked):
            for partition, item in tallies.items():
                _merge(books.setdefault(partition, Tally(partition)), item)
        self._look_back([partition for partition in tallies if partition not in self._told_at])
        begun = time.monotonic()
        for partition in sorted(self._since, key=lambda one: self._told_at[one]):
            now = time.monotonic()
            if now - self._told_at[partition] < self._every_s or now - begun > BURST_S:
                break
            self._tell(partition)
        self._write_noted()
        if time.monotonic() - self._checked_at > CHECK_EVERY_S:
            self._check()

    def flush(self) -> None:
        """Tell everything that is not told yet."""
        for partition in sorted(self._since):
            item = self._since[partition]
            item.failed = {key: why for key, why in item.failed.items() if not self._is_dealt_with(key)}
            self._tell(partition)
        # what stays pending is found by the inbox again; its partition is told of then
        self._noted = set()
        self._write_noted()
        if self._unchecked or self._checked_at == self._begun:
            self._check()

    def tell_within_run(self, item: Tally) -> None:
        """Tell of a partition that was decoded whole, by an event of the run: a backfill counts only those."""
        self._register([item.partition.vehicle_id])
        self._totals.drop(item.partition)
        _merge(self._since.setdefault(item.partition, Tally(item.partition)), item)
        _merge(self._unchecked.setdefault(item.partition, Tally(item.partition)), item)
        if not item.failed:
            self._context.log_event(self._event(item))
            del self._since[item.partition]

    def _tell(self, partition: Partition) -> None:
        item = self._since[partition]
        self._told_at[partition] = time.monotonic()
        if item.failed:
            return  # no event says that a partition is there while objects of it are not
        self._context.instance.report_runless_asset_event(self._event(item))
        del self._since[partition]
        self._noted.discard(partition)

    def _event(self, item: Tally) -> dg.AssetMaterialization:
        total = self._totals.add(item)
        return dg.AssetMaterialization(
            self._asset,
            partition=to_key(item.partition),
            metadata=metadata.of_tally(item, total, self._context.run_id),
        )

    def _look_back(self, partitions: Sequence[Partition]) -> None:
        """Partitions that Dagster has never heard of are due at once, others an interval after the run began."""
        if not partitions:
            return
        keys = {to_key(partition): partition for partition in partitions}
        known = self._context.instance.get_latest_storage_id_by_partition(
            self._asset, dg.DagsterEventType.ASSET_MATERIALIZATION, partitions=set(keys)
        )
        for key, partition in keys.items():
            self._told_at[partition] = self._begun if key in known else float("-inf")

    def _register(self, vehicle_ids: Iterable[str]) -> None:
        """A vehicle must be registered before its first event, else the event is stored but never shown."""
        new = set(vehicle_ids) - self._vehicles
        if not new:
            return
        name = VEHICLES.name or ""
        self._vehicles = set(self._context.instance.get_dynamic_partitions(name)) | new
        self._context.instance.add_dynamic_partitions(name, sorted(new))

    def _check(self) -> None:
        self._checked_at = time.monotonic()
        unchecked, self._unchecked = self._unchecked, {}
        evaluate(self._context, self._asset, self._store, unchecked)

    def _is_dealt_with(self, key: str) -> bool:
        raw = RawObject.parse(key)
        return any(self._store.head(place) is not None for place in (raw.decoded_key, raw.quarantine_key))

    def _write_noted(self) -> None:
        if self._noted != self._written:
            listed = sorted((one.vehicle_id, one.date.isoformat()) for one in self._noted)
            self._store.put(self._key, json.dumps(listed).encode())
            self._written = set(self._noted)


class Announcing:
    """A decoder that has the partitions noted before it decodes.

    Args:
        decoder: What decodes.
        reporter: Who notes.
    """

    def __init__(self, decoder: Decoder, reporter: Reporter) -> None:
        self._decoder = decoder
        self._reporter = reporter
        self.batch = decoder.batch

    def decode(self, raws: Sequence[RawObject]) -> Iterable[Outcome]:
        """Note, then decode."""
        self._reporter.expect(raw.partition for raw in raws)
        return self._decoder.decode(raws)


def _merge(into: Tally, item: Tally) -> None:
    into.report = into.report + item.report
    into.decoded += item.decoded
    into.quarantined.update(item.quarantined)
    into.failed.update(item.failed)
    into.transient |= item.transient


def _read_noted(store: Store, key: str) -> set[Partition]:
    try:
        listed = json.loads(store.get(key))
        return {Partition(vehicle_id, dt.date.fromisoformat(date)) for vehicle_id, date in listed}
    except (NotFound, BadKey, ValueError, TypeError):
        return set()
