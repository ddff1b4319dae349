"""The job that makes what is made of whole days, and when it runs: once a day is quiet, and every night to be sure.

One run takes many days and vehicles. What it does not get done is asked for again.
"""

import datetime as dt
import time
import uuid
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.defs.fleet_daily import sum_up_days
from telemetry_pipeline.defs.following import decoded_since
from telemetry_pipeline.defs.glue import CatalogResource
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.series import compact, vehicles_on
from telemetry_pipeline.defs.settling import Book
from telemetry_pipeline.defs.work import LEFT, DaysConfig

ROLL_UP: Final = "roll_up"
ASK: Final = "can_telemetry/ask"
NIGHTS: Final = 8
"""Days that are looked at every night, whether Dagster has seen them change or not."""

EVENTS_A_TICK: Final = 2000
LOST_AFTER_S: Final = 300.0
"""A request of which there is no run after this long was never heard."""


@dg.op(description="Compact what of some days is not compacted yet.")
def compact_days(
    context: dg.OpExecutionContext, config: DaysConfig, lake: LakeResource, catalog: CatalogResource
) -> None:
    """Make `signal_series` of the configured days."""
    store = lake.store()
    partitions = vehicles_on(store, map(dt.date.fromisoformat, config.days))
    compact(context, store, catalog, partitions, deadline=time.monotonic() + config.budget_s)


@dg.op(description="Sum up what of some days has changed.")
def fleet_days(
    context: dg.OpExecutionContext, config: DaysConfig, lake: LakeResource, catalog: CatalogResource
) -> None:
    """Make `fleet_daily` of the configured days."""
    days = dict.fromkeys(map(dt.date.fromisoformat, config.days))
    sum_up_days(context, lake.store(), catalog, days, deadline=time.monotonic() + config.budget_s)


def roll_up_job() -> dg.JobDefinition:
    """Compact days and sum them up, below live decoding.

    Its ops are no assets: an asset of a run without a partition key cannot have an upstream with partitions.
    """

    @dg.job(
        name=ROLL_UP,
        executor_def=dg.in_process_executor,
        tags={"can_telemetry/mode": ROLL_UP, "dagster/priority": "-10", "dagster/max_runtime": "7200"},
        description="Compact quiet days, and sum them up for the fleet.",
    )
    def roll_up() -> None:
        compact_days()
        fleet_days()

    return roll_up


def days_settled() -> dg.SensorDefinition:
    """Ask for one run when days have become quiet, and again when a late object has made them unquiet."""

    @dg.sensor(
        name="days_settled",
        job_name=ROLL_UP,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Compacts and sums up days that are over and on which nothing was decoded for ten minutes.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        book, now = Book.load(context.cursor), time.time()
        busy = _look_after(context.instance, book, now)
        if not book.full:
            found, book.after = decoded_since(context.instance, book.after, EVENTS_A_TICK)
            by_day: dict[str, float] = {}
            for key, at in found.items():
                day = key.partition("|")[0]
                by_day[day] = max(at, by_day.get(day, at))
            book.note(by_day)
        if busy:
            return dg.SensorResult(skip_reason=f"run {busy} is in flight", cursor=book.dump())
        if not (days := book.due(now)):
            why = f"{len(book.waiting)} days wait to be quiet"
            return dg.SensorResult(skip_reason=why, cursor=book.dump())
        book.request(days, uuid.uuid4().hex, now)
        request = dg.RunRequest(run_key=book.ask, run_config=run_config(days), tags={ASK: book.ask})
        return dg.SensorResult(run_requests=[request], cursor=book.dump())

    return sensor


def nightly() -> dg.ScheduleDefinition:
    """Look at the last days whatever Dagster knows of them: others decode, too, and events may be lost."""

    @dg.schedule(
        name="nightly",
        job_name=ROLL_UP,
        cron_schedule="15 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Brings what is made of the last {NIGHTS} days up to date.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.date()
        days = [(today - dt.timedelta(days=n)).isoformat() for n in range(1, NIGHTS + 1)]
        return dg.RunRequest(run_config=run_config(days))

    return schedule


def run_config(days: list[str], budget_s: float | None = None) -> dict[str, Any]:
    """The run config of a roll-up over some days."""
    config: dict[str, Any] = {"days": days} | ({} if budget_s is None else {"budget_s": budget_s})
    return {"ops": {name: {"config": config} for name in ("compact_days", "fleet_days")}}


def _look_after(instance: dg.DagsterInstance, book: Book, now: float) -> str | None:
    """Close the request whose runs are over; the id of a run that is not."""
    if not book.ask:
        return None
    runs = instance.get_runs(dg.RunsFilter(tags={ASK: book.ask}), limit=1)
    if not runs:
        if now - book.asked_at <= LOST_AFTER_S:
            return "that was asked for"
        book.settle(book.asked, now)
        return None
    (run,) = runs
    if not run.is_finished:
        return run.run_id
    left = [days for tag, days in run.tags.items() if tag.startswith(LEFT)]
    book.settle([day for days in left for day in days.split(",")] if run.is_success else book.asked, now)
    return None
