"""The assets: raw frames as vehicles land them, and the signals decoded from them.

One run decodes any number of partitions. A drain run carries no partition key: it empties the inbox and reports
one event per partition that it touched. A backfill's run carries partition keys and decodes them again, whole.
What decoding means is `process`' business.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from telemetry_pipeline.defs import metadata
from telemetry_pipeline.defs.checks import check_specs, evaluate
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.partitions import VEHICLES, from_key, to_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.drain import DecoderHere, drain, tally
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.process import Tally, partition_total
from telemetry_pipeline.version import DECODER_VERSION

RAW_FRAMES = dg.AssetKey("raw_frames")
DECODED_SIGNALS = dg.AssetKey("decoded_signals")


class DrainConfig(dg.Config):
    """How long a drain works: at most `budget_s`, and on for `linger_s` after the inbox was last found empty.

    Starting a run costs seconds, looking into the inbox costs milliseconds: a run that lingers decodes what lands
    next at once.
    """

    budget_s: float = 240.0
    linger_s: float = 20.0


def raw_frames(partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    """Raw objects: nobody materializes them here, the vehicles do."""
    return dg.AssetSpec(
        RAW_FRAMES,
        description="Raw CAN frames, one Parquet object per vehicle and window, landed by edge agents.",
        partitions_def=partitions,
        group_name="telemetry",
        kinds={"parquet"},
    )


def decoded_signals(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Decoded objects: one per raw object, partitioned by date and vehicle id."""

    @dg.multi_asset(
        name="decoded_signals",
        specs=[
            dg.AssetSpec(
                DECODED_SIGNALS,
                deps=[RAW_FRAMES],
                description="Signal values decoded from raw frames with the CAN databases of the lake.",
                partitions_def=partitions,
                group_name="telemetry",
                kinds={"parquet", "python"},
                code_version=DECODER_VERSION,
                skippable=True,  # events are reported per partition, never one for the run
            )
        ],
        check_specs=check_specs(DECODED_SIGNALS),
        can_subset=True,  # makes the outputs of the checks optional, too: they are logged, not yielded
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=200),
    )
    def decoded(context: dg.AssetExecutionContext, config: DrainConfig, lake: LakeResource) -> Iterator[Any]:
        if context.has_partition_key or context.has_partition_key_range:
            _backfill(context, lake, [from_key(key) for key in context.partition_keys])
        else:
            with beating(lake.store(), context.run_id):
                _drain(context, config, lake)
        yield from ()

    return decoded


def _drain(context: dg.AssetExecutionContext, config: DrainConfig, lake: LakeResource) -> None:
    """Decode what waits and what lands meanwhile. Events are runless: they outlive the pruning of drain runs."""
    store = lake.store()
    inbox = open_inbox(store)
    decoder = DecoderHere(store, strict_length=lake.strict_length)
    deadline = time.monotonic() + config.budget_s
    linger_until = 0.0
    failed: dict[str, str] = {}
    while True:
        left = deadline - time.monotonic()
        worked = False
        for tallies in drain(store, inbox, decoder, budget_s=left):
            worked = worked or any(item.decoded or item.quarantined for item in tallies.values())
            failed.update(_report(context, lake, tallies, runless=True))
        now = time.monotonic()
        if worked or not linger_until:
            linger_until = now + config.linger_s
        if now >= min(linger_until, deadline):
            break
        time.sleep(1.0)  # the inbox of a folder is asked, it does not call
    _fail(failed)


def _backfill(context: dg.AssetExecutionContext, lake: LakeResource, partitions: Iterable[Partition]) -> None:
    """Decode partitions again, whole. Events belong to the run: a backfill counts only those."""
    store = lake.store()
    decoder = DecoderHere(store, strict_length=lake.strict_length)
    failed: dict[str, str] = {}
    for partition in partitions:
        raws = sorted(ledger.read_ledger(store, partition).raw)
        tallies = tally(decoder.decode(raws)) or {partition: Tally(partition)}
        failed.update(_report(context, lake, tallies, runless=False))
    _fail(failed)


def _report(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    tallies: Mapping[Partition, Tally],
    *,
    runless: bool,
) -> dict[str, str]:
    """Report a materialization for each partition that has all its objects dealt with; give what failed."""
    store = lake.store()
    known = set(context.instance.get_dynamic_partitions(VEHICLES.name or ""))
    # a vehicle must be registered before its first event, else the event is stored but never shown
    if new := sorted({partition.vehicle_id for partition in tallies} - known):
        context.instance.add_dynamic_partitions(VEHICLES.name or "", new)
    failed: dict[str, str] = {}
    for partition, item in sorted(tallies.items()):
        failed.update(item.failed)
        if not item.failed:
            event = dg.AssetMaterialization(
                DECODED_SIGNALS,
                partition=to_key(partition),
                metadata=metadata.of_tally(item, partition_total(store, partition), context.run_id),
            )
            if runless:
                context.instance.report_runless_asset_event(event)
            else:
                context.log_event(event)
        context.log.info(
            "%s %s: %d objects, %d rows, %d quarantined, %d still pending",
            partition.vehicle_id,
            partition.date,
            item.decoded,
            item.report.rows,
            len(item.quarantined),
            len(item.failed),
        )
    evaluate(context, DECODED_SIGNALS, store, tallies)
    return failed


def _fail(failed: Mapping[str, str]) -> None:
    """End the run as failed when objects stay pending; everything else is written and reported by now."""
    if failed:
        reasons = sorted(set(failed.values()))
        raise dg.Failure(
            f"{len(failed)} raw objects stay pending: {reasons[0]}",
            metadata={"pending": dg.MetadataValue.json(dict(list(failed.items())[: metadata.TOP]))},
            allow_retries=False,
        )
