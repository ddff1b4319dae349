"""The asset `decoded_signals`: what vehicles landed, decoded.

One run decodes any number of partitions. A drain run carries no partition key: it empties the inbox and reports
one event per partition that it touched. A backfill's run carries partition keys and decodes them again, whole.
What decoding means is `process`' business.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.defs import lineage, metadata
from telemetry_pipeline.defs.dispatch import open_decoder
from telemetry_pipeline.defs.freshness import with_freshness
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.partitions import from_key
from telemetry_pipeline.defs.priority import step_back
from telemetry_pipeline.defs.reporter import Announcing, Reporter
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.drain import drain, tally
from telemetry_pipeline.inbox.missed_inbox import MissedInbox
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally

DECODED_SIGNALS: Final = lineage.DECODED_SIGNALS

MODE: Final = "can_telemetry/mode"
"""The tag of a run that says what it is for: drain, reconcile or backfill."""

BACKFILL: Final = "backfill"
INBOX: Final = "inbox"
MISSED: Final = "missed"


class DrainConfig(dg.Config):
    """What a drain takes and how long it works.

    At most `budget_s`, and on for `linger_s` after the inbox was last found empty: starting a run costs seconds,
    looking into the inbox costs milliseconds, and a run that lingers decodes what lands next at once.

    `source` is `inbox`, or `missed` for what reconciliation found. `tell_every_s` is the time between two events of a
    partition. `processes` decode where much waits; 0 is one per core.
    """

    source: str = "inbox"
    budget_s: float = 600.0
    linger_s: float = 20.0
    tell_every_s: float = 300.0
    processes: int = 0


def decoded_signals(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Decoded objects: one per raw object, partitioned by date and vehicle id."""

    @dg.multi_asset(
        name="decoded_signals",
        specs=[lineage.decoded_signals(partitions)],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=200),
    )
    def decoded(context: dg.AssetExecutionContext, config: DrainConfig, lake: LakeResource) -> Iterator[Any]:
        with beating(lake.store(), context.run_id):
            if context.has_partition_key or context.has_partition_key_range:
                _backfill(context, lake, [from_key(key) for key in context.partition_keys])
            else:
                _drain(context, config, lake)
        yield from ()

    return with_freshness(decoded)


def _drain(context: dg.AssetExecutionContext, config: DrainConfig, lake: LakeResource) -> None:
    """Decode what waits and what lands meanwhile. Events are runless: they outlive the pruning of drain runs."""
    store = lake.store()
    deadline = time.monotonic() + config.budget_s
    linger_until = 0.0
    with (
        lake.inbox() if config.source == INBOX else MissedInbox(store) as inbox,
        open_decoder(context, lake, processes=config.processes or None) as pool,
        closing(
            Reporter(context, DECODED_SIGNALS, store, config.source, every_s=config.tell_every_s)
        ) as reporter,
    ):
        reporter.take_over()
        decoder = Announcing(pool, reporter)
        while True:
            worked = False
            for tallies in drain(store, inbox, decoder, budget_s=deadline - time.monotonic()):
                worked = worked or any(item.decoded or item.quarantined for item in tallies.values())
                reporter.add(tallies)
                _log_batch(context, tallies)
            now = time.monotonic()
            if worked or not linger_until:
                linger_until = now + config.linger_s
            if now >= min(linger_until, deadline):
                break
            time.sleep(1.0)  # the inbox of a folder is asked, it does not call
        if now >= deadline and worked:
            reporter.hand_over()
        else:
            reporter.flush()
    _fail(reporter.failed)


def _backfill(context: dg.AssetExecutionContext, lake: LakeResource, partitions: Iterable[Partition]) -> None:
    """Decode partitions again, whole. Events belong to the run: a backfill counts only those."""
    step_back()
    context.instance.add_run_tags(context.run_id, {MODE: BACKFILL})
    store = lake.store()
    with (
        open_decoder(context, lake, processes=1) as decoder,
        closing(Reporter(context, DECODED_SIGNALS, store, BACKFILL, every_s=0.0)) as reporter,
    ):
        for lot in _lots(store, partitions, decoder.batch):
            raws = [raw for of_partition in lot.values() for raw in of_partition]
            tallies = {partition: Tally(partition) for partition in lot} | tally(decoder.decode(raws))
            for item in tallies.values():
                reporter.tell_within_run(item)
            _log_batch(context, tallies)
        reporter.check()
    _fail(reporter.failed)


def _lots(
    store: Store, partitions: Iterable[Partition], batch: int
) -> Iterator[dict[Partition, list[RawObject]]]:
    """Partitions with their raw objects, as many together as a decoder wants at once: a Spark job is slow to start."""
    lot: dict[Partition, list[RawObject]] = {}
    for partition in partitions:
        lot[partition] = sorted(ledger.read_ledger(store, partition).raw)
        if sum(map(len, lot.values())) >= batch:
            yield lot
            lot = {}
    if lot:
        yield lot


def _log_batch(context: dg.AssetExecutionContext, tallies: Mapping[Partition, Tally]) -> None:
    """One line for a batch: each line is an event in Dagster's storage."""
    context.log.info(
        "%d partitions: %d objects, %d rows, %d quarantined, %d still pending",
        len(tallies),
        sum(item.decoded for item in tallies.values()),
        sum(item.report.rows for item in tallies.values()),
        sum(len(item.quarantined) for item in tallies.values()),
        sum(len(item.failed) for item in tallies.values()),
    )


def _fail(failed: Mapping[str, str]) -> None:
    """End the run as failed when objects stay pending; everything else is written and reported by now."""
    if failed:
        reasons = sorted(set(failed.values()))
        raise dg.Failure(
            f"{len(failed)} raw objects stay pending: {reasons[0]}",
            metadata={"pending": dg.MetadataValue.json(dict(list(failed.items())[: metadata.TOP]))},
            allow_retries=False,
        )
