"""What a drain tells Dagster: one event per partition at once, then at most one per interval, and a last one.

An event costs as much as decoding half an object, and a fleet lands an object per vehicle and minute: an event says
what came since the one before it. Events are runless, because those of a run vanish when old runs are pruned. What is
not told yet is noted in the lake before it is decoded, so that the run after a killed one tells it. A thread of its own
does the telling: it waits for disks and databases, and decoding goes on meanwhile.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Final

import dagster as dg

from telemetry_pipeline.decode.signals import SignalStats
from telemetry_pipeline.defs import metadata
from telemetry_pipeline.defs.checks import evaluate
from telemetry_pipeline.defs.partitions import VEHICLES, to_key
from telemetry_pipeline.defs.untold import Untold
from telemetry_pipeline.drain import Decoder
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome, Tally
from telemetry_pipeline.totals import Totals

CHECK_EVERY_S: Final = 60.0


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
        self._untold = Untold(store, name)
        self._since: dict[Partition, Tally] = {}
        self._unchecked: dict[Partition, Tally] = {}
        self._uncounted: set[Partition] = set()
        self._told_at: dict[Partition, float] = {}
        self._telling: dict[Partition, Future[None]] = {}
        self._teller = ThreadPoolExecutor(1, "teller")
        self._begun = self._checked_at = time.monotonic()
        self._vehicles: set[str] = set()

    @property
    def failed(self) -> dict[str, str]:
        """Why objects stay pending, by their keys."""
        return {key: why for item in self._since.values() for key, why in item.failed.items()}

    def take_over(self) -> None:
        """Take in what runs before this one left untold."""
        if left := self._untold.read():
            self._context.log.info("%d partitions were left untold by a run before", len(left))
            self._take_in(left)
            self._uncounted.update(left)
            self._tell_due()

    def expect(self, partitions: Iterable[Partition]) -> None:
        """Note partitions before something of them is decoded."""
        self._untold.expect(partitions)

    def add(self, tallies: Mapping[Partition, Tally]) -> None:
        """Take in what became of a batch, and tell what is due."""
        self._take_in(tallies)
        for partition, item in tallies.items():
            _merge(self._unchecked.setdefault(partition, Tally(partition)), item)
        self._tell_due()
        if time.monotonic() - self._checked_at > CHECK_EVERY_S:
            self.check()

    def hand_over(self) -> None:
        """Leave what is not due to the next run, which follows at once: a fleet does not wait for a thousand events."""
        self._finish()
        self._untold.hand_over({p: item for p, item in self._since.items() if not item.failed})
        self.check()

    def flush(self) -> None:
        """Tell everything that is not told yet, and wait until it is."""
        for item in self._since.values():
            item.failed = {key: why for key, why in item.failed.items() if not self._is_dealt_with(key)}
        for partition in sorted(self._since):
            self._tell(partition)
        self._finish()
        # what stays pending is found by the inbox again; its partition is told of then
        self._untold.hand_over({})
        self.check()

    def tell_within_run(self, item: Tally) -> None:
        """Tell of a partition that was decoded whole, by an event of the run: a backfill counts only those."""
        self._register([item.partition.vehicle_id])
        self._totals.drop(item.partition)
        self._uncounted.add(item.partition)
        if item.failed:
            self._since[item.partition] = item
        else:
            self._context.log_event(self._event(item))

    def close(self) -> None:
        """End the thread; what it has not told stays noted."""
        self._teller.shutdown(cancel_futures=True)

    def _take_in(self, tallies: Mapping[Partition, Tally]) -> None:
        self._register(partition.vehicle_id for partition in tallies)
        for partition, item in tallies.items():
            _merge(self._since.setdefault(partition, Tally(partition)), _condensed(item))
        self._look_back([partition for partition in tallies if partition not in self._told_at])

    def _tell_due(self) -> None:
        self._collect()
        due = time.monotonic() - self._every_s
        for partition in [partition for partition in self._since if self._told_at[partition] <= due]:
            self._tell(partition)

    def _tell(self, partition: Partition) -> None:
        """Have a partition told, unless objects of it stay pending: no event says that it is there then."""
        if self._since[partition].failed:
            return
        if partition in self._telling:
            self._telling.pop(partition).result()
        self._told_at[partition] = time.monotonic()
        item = self._since.pop(partition)
        self._telling[partition] = self._teller.submit(
            lambda: self._context.instance.report_runless_asset_event(self._event(item))
        )

    def _collect(self) -> None:
        """See what has been told.

        Raises:
            Exception: Whatever stopped an event; it stays noted, and the next run tells it.
        """
        for partition, future in list(self._telling.items()):
            if future.done():
                del self._telling[partition]
                future.result()
                if partition not in self._since:
                    self._untold.told(partition)

    def _finish(self) -> None:
        wait(self._telling.values())
        self._collect()

    def _event(self, item: Tally) -> dg.AssetMaterialization:
        total = self._totals.add(item)
        return dg.AssetMaterialization(
            self._asset,
            partition=to_key(item.partition),
            metadata=metadata.of_tally(
                item, total, self._context.run_id, size=metadata.Size.of(self._store, item.partition)
            ),
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

    def _register(self, vehicles: Iterable[str]) -> None:
        """A vehicle must be registered before its first event, else the event is stored but never shown."""
        vehicle_ids = set(vehicles)
        if vehicle_ids <= self._vehicles:
            return
        name = VEHICLES.name or ""
        known = set(self._context.instance.get_dynamic_partitions(name))
        if new := vehicle_ids - known:
            self._context.instance.add_dynamic_partitions(name, sorted(new))
        self._vehicles = known | new

    def check(self) -> None:
        """Evaluate the checks for what came since the last time; a run evaluates them at least once."""
        if self._unchecked or self._uncounted or self._checked_at == self._begun:
            unchecked, self._unchecked = self._unchecked, {}
            uncounted, self._uncounted = self._uncounted, set()
            evaluate(self._context, self._asset, self._store, unchecked, whole=uncounted)
        self._checked_at = time.monotonic()

    def _is_dealt_with(self, key: str) -> bool:
        raw = RawObject.parse(key)
        return any(self._store.head(place) is not None for place in (raw.decoded_key, raw.quarantine_key))


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


def _condensed(item: Tally) -> Tally:
    """A tally with one signal that stands for all: events count rows, and summing up hundreds of signals costs more."""
    signals = item.report.signals
    if len(signals) < 2:
        return item
    first_ns, last_ns = min(one.first_ns for one in signals), max(one.last_ns for one in signals)
    every = SignalStats("", "", "", item.report.values, first_ns, last_ns, None, None, None)
    return replace(item, report=replace(item.report, signals=(every,)))


def _merge(into: Tally, item: Tally) -> None:
    into.report = into.report + item.report
    into.decoded += item.decoded
    into.quarantined.update(item.quarantined)
    into.failed.update(item.failed)
    into.transient |= item.transient
    into.wrong += item.wrong
    into.spans += item.spans
