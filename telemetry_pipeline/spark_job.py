"""The door for Spark (EMR, Glue, a laptop): a backlog of raw objects is decoded by many machines at once.

The driver lists keys, the executors do to each what every door does, and send back what became of it. Decoded
objects are the same bytes as from any other door, so that a task that runs twice does no harm.

    spark-submit telemetry_pipeline/spark_job.py --lake s3://bucket/prefix

A run of Dagster's that starts the job names the objects itself, and is told what became of each.
"""

import argparse
import datetime as dt
import functools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import SparkSession

from telemetry_pipeline import pipes
from telemetry_pipeline.database_cache import DatabaseCache
from telemetry_pipeline.decode.report import CLASSES, Report
from telemetry_pipeline.errors import BadSetting, TelemetryError
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome, process_objects
from telemetry_pipeline.settings import Settings

_SLICE: Final = 200
"""Raw objects of one task at most: what is lost when a machine is, and how evenly the work spreads."""

_FOREIGN_ARGUMENTS: Final = (
    *("--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--TempDir"),
    *("--dagster-pipes-context", "--dagster-pipes-messages"),
)
"""What Glue and Dagster add to our own."""


@dataclass(frozen=True)
class Selection:
    """Which raw objects to decode.

    Attributes:
        vehicle_id: One vehicle's, or None for all.
        first: The first UTC day, or None.
        last: The last UTC day, or None.
        again: Those that are decoded or quarantined already, too.
    """

    vehicle_id: str | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    again: bool = False


def list_raws(store: Store, chosen: Selection) -> list[RawObject]:
    """The raw objects of a selection, oldest first within each vehicle."""
    vehicles = ledger.vehicles(store) if chosen.vehicle_id is None else [chosen.vehicle_id]
    found: list[RawObject] = []
    for vehicle_id in vehicles:
        for partition in ledger.partitions(store, vehicle_id):
            if (chosen.first or dt.date.min) <= partition.date <= (chosen.last or dt.date.max):
                held = ledger.read_ledger(store, partition)
                found += sorted(held.raw) if chosen.again else held.pending
    return found


def decode_on_spark(
    spark: SparkSession, settings: Settings, raws: Sequence[RawObject], *, details: bool = False
) -> list[Outcome]:
    """Decode raw objects on the executors.

    Args:
        spark: The session.
        settings: The lake, as the executors open it.
        raws: The objects, at least one.
        details: Whole reports. Without them a report has its counts alone, which a driver can hold of any backlog.

    Returns:
        One outcome for each.
    """
    keys = spark.createDataFrame([(raw.key,) for raw in raws], "raw_key string")
    tasks = max(-(-len(raws) // _SLICE), min(len(raws), 4 * spark.sparkContext.defaultParallelism))

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _decode_batches(batches, settings, details)

    rows = keys.repartition(tasks).mapInArrow(decode, "outcome string").collect()
    return [pipes.outcome_from_dict(json.loads(row.outcome)) for row in rows]


def _decode_batches(
    batches: Iterator[pa.RecordBatch], settings: Settings, details: bool
) -> Iterator[pa.RecordBatch]:
    """What an executor does with its keys: one row for each, as soon as it is done."""
    store, cache = _lake(settings)
    databases = cache.current()
    for batch in batches:
        raws = [RawObject.parse(key) for key in batch.column("raw_key").to_pylist()]
        for outcome in process_objects(store, databases, raws):
            told = outcome if details else _counts_alone(outcome)
            yield pa.RecordBatch.from_pylist([{"outcome": json.dumps(pipes.outcome_to_dict(told))}])


def _counts_alone(outcome: Outcome) -> Outcome:
    if outcome.report is None:
        return outcome
    return replace(outcome, report=Report(**{name: getattr(outcome.report, name) for name in CLASSES}))


@functools.cache
def _lake(settings: Settings) -> tuple[Store, DatabaseCache]:
    """One lake for all tasks of an executor's process."""
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
    return store, DatabaseCache(store, strict_length=settings.strict_length)


def summarize(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What became of all objects: how many ended how, the sums of the counts, and why some did not."""
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    return {
        "objects": len(outcomes),
        "decoded": len(reports),
        "quarantined": {item.raw.key: item.quarantined for item in outcomes if item.quarantined},
        "still_pending": {item.raw.key: str(item.failed) for item in outcomes if item.failed is not None},
        "report": {name: sum(getattr(report, name) for report in reports) for name in CLASSES},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job: one JSON document on stdout; 1 when objects stay pending, 2 when it was called wrongly.

    A run of Dagster's that is told of every object gets 0.
    """
    try:
        settings, chosen = _arguments(argv)
        store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
        with pipes.answer_job(store) as session:
            if session is None:
                outcomes = _on_spark(settings, list_raws(store, chosen))
            else:
                named = [RawObject.parse(key) for key in session.get_extra(pipes.RAW_KEYS)]
                outcomes = _on_spark(settings, named, details=True)
                for outcome in outcomes:
                    pipes.report_outcome(session, outcome)
    except TelemetryError as error:
        sys.stderr.write(f"spark_job: {error}\n")
        return 2 if isinstance(error, BadSetting) else 1
    summary = summarize(outcomes)
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 1 if summary["still_pending"] and session is None else 0


def _on_spark(settings: Settings, raws: Sequence[RawObject], *, details: bool = False) -> list[Outcome]:
    if not raws:
        return []
    spark = SparkSession.builder.appName("can-telemetry: decode").getOrCreate()
    try:
        return decode_on_spark(spark, settings, raws, details=details)
    finally:
        spark.stop()


def _arguments(argv: Sequence[str] | None) -> tuple[Settings, Selection]:
    parser = argparse.ArgumentParser(
        prog="spark_job", description="Decode a backlog of raw objects on Spark."
    )
    parser.add_argument("--lake", help="s3://bucket/prefix or file:///path; default: TELEMETRY_LAKE")
    parser.add_argument("--vehicle", help="one vehicle's raw objects; default: all vehicles'")
    parser.add_argument(
        "--from", dest="first", type=_day, metavar="DAY", help="the first UTC day, YYYY-MM-DD"
    )
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="the last UTC day, YYYY-MM-DD")
    parser.add_argument(
        "--all", dest="again", action="store_true", help="decode again what is decoded already, too"
    )
    for name in _FOREIGN_ARGUMENTS:
        parser.add_argument(name, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    settings = Settings.from_env()
    if given.lake:
        settings = replace(settings, lake=given.lake)
    return settings, Selection(given.vehicle, given.first, given.last, given.again)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day, YYYY-MM-DD") from error


if __name__ == "__main__":
    # under its own name: executors look functions up by module, and their __main__ is another one
    from telemetry_pipeline import spark_job  # noqa: PLW0406  see above

    sys.exit(spark_job.main())
