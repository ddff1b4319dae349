"""The asset checks of decoded signals: one question each to all partitions, and the events that answer it.

A run says what changed for single partitions (an evaluation with a partition), then how the check stands over all of
them (one without, and without a run: the newest is always the whole truth, and pruning a run takes nothing away).
What is wrong with a partition is `health`'s business.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from telemetry_pipeline.defs import rule_check
from telemetry_pipeline.defs.findings import SHOWN, findings_metadata, is_unspoken, usable_thresholds
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.staleness import repeat_stale
from telemetry_pipeline.health.book import Book, Change
from telemetry_pipeline.health.health import Health
from telemetry_pipeline.health.inspect import inspect
from telemetry_pipeline.health.judge import CHECKS
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

JOB: Final = "check_decoded"


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of every partition's counts."""
    return [
        *(
            dg.AssetCheckSpec(name, asset=asset, description=check.description)
            for name, check in CHECKS.items()
        ),
        rule_check.spec(asset),
    ]


def quality_checks(asset: dg.AssetKey) -> dg.AssetChecksDefinition:
    """The checks by themselves, when somebody asks for them: known counts against today's thresholds.

    Partitions of today and yesterday that hold more objects than are known (others decode, too) are counted anew.
    """

    @dg.multi_asset_check(name="decoded_signals_checks", specs=check_specs(asset), can_subset=True)
    def decoded_signals_checks(
        context: dg.AssetCheckExecutionContext, lake: LakeResource
    ) -> Iterator[dg.AssetCheckResult]:
        store = lake.store()
        thresholds, fault = usable_thresholds(store)
        book = Book(store, thresholds)
        with beating(store, context.run.run_id):
            book.replace(_unknown(store, book))
            book.judge_again()
        for name in CHECKS:
            if dg.AssetCheckKey(asset, name) in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(asset_key=asset, check_name=name, **_standing(book, name, fault))
        if dg.AssetCheckKey(asset, rule_check.NAME) in context.selected_asset_check_keys:
            yield rule_check.result(asset, store)

    return decoded_signals_checks


def quality_job(asset: dg.AssetKey) -> "UnresolvedAssetJobDefinition":
    """The checks by themselves, as a job."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.checks(*(spec.key for spec in check_specs(asset))),
        executor_def=dg.in_process_executor,
        description="Hold what is known of recent partitions against today's thresholds; count what others decoded.",
    )


def daily_checks(job: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """Ask for the checks once a day: yesterday is complete then.

    Args:
        job: The job of the checks.
    """
    return dg.ScheduleDefinition(
        name="daily_checks",
        job=job,
        cron_schedule="20 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def evaluate(
    context: dg.AssetExecutionContext,
    asset: dg.AssetKey,
    store: Store,
    tallies: Mapping[Partition, Tally],
    *,
    whole: Collection[Partition] = (),
) -> None:
    """Judge the partitions that a run has touched, and tell what changed.

    Args:
        context: The run.
        asset: The checked asset.
        store: The lake.
        tallies: What the run has just done.
        whole: Partitions of which more may have been decoded than the tallies say; they are counted anew.
    """
    thresholds, fault = usable_thresholds(store)
    book = Book(store, thresholds)
    news = {p: Health.of_tally(item) for p, item in tallies.items() if p not in whole}
    changes = book.add(news) if news else []
    if whole:
        changes += book.replace({partition: inspect(store, partition) for partition in whole})
    for change in changes[:SHOWN]:
        context.log_event(_of_partition(asset, change))
    changed = {change.check for change in changes}
    unspoken = is_unspoken(context.instance, dg.AssetCheckKey(asset, "accounting"))
    for name in CHECKS:
        if unspoken or name in changed:
            context.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=asset, check_name=name, **_standing(book, name, fault))
            )
    repeat_stale(context.instance, asset, store)
    rule_check.evaluate(context, asset, store, {*tallies, *whole})


def _standing(book: Book, name: str, fault: str) -> dict[str, Any]:
    """How a check stands over all partitions: the arguments that its evaluation and its result have in common."""
    standing = book.standing()
    held = standing.by_check[name]
    newest: Sequence[Partition] = sorted(held, key=lambda item: (item.date, item.vehicle_id), reverse=True)
    more = standing.untold.get(name, 0)
    said = f"{len(held) + more} partitions" if held else CHECKS[name].description
    return {
        "passed": not held,
        "severity": dg.AssetCheckSeverity.ERROR if CHECKS[name].severe else dg.AssetCheckSeverity.WARN,
        "description": f"{said}{fault}",
        "metadata": {
            **findings_metadata({to_key(partition): held[partition] for partition in newest}, "partition"),
            **({"found_before_and_not_listed": more} if more else {}),
        },
    }


def _of_partition(asset: dg.AssetKey, change: Change) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=change.check,
        passed=not change.text,
        partition=to_key(change.partition),
        severity=dg.AssetCheckSeverity.ERROR if CHECKS[change.check].severe else dg.AssetCheckSeverity.WARN,
        description=change.text or "It passes again.",
    )


def _unknown(store: Store, book: Book) -> dict[Partition, Health]:
    """Recent partitions that hold another number of decoded objects than is known, counted anew."""
    now_ns = time.time_ns()
    found: dict[Partition, Health] = {}
    for days in (0, 1):
        known = book.day(Partition.containing("_", now_ns - days * DAY_NS).date)
        for vehicle_id in ledger.vehicles(store):
            partition = Partition.containing(vehicle_id, now_ns - days * DAY_NS)
            held = ledger.read_ledger(store, partition)
            if len(held.decoded) != known.get(partition, Health()).objects:
                found[partition] = inspect(store, partition)
    return found
