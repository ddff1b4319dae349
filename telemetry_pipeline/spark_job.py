"""The door for Spark (EMR, Glue, a laptop): a backlog of raw objects is decoded by many machines at once.

The driver lists keys, the executors do to each what every door does, and send back what became of it. Decoded
objects are the same bytes as from any other door, so that a task that runs twice does no harm.

    spark-submit telemetry_pipeline/spark_job.py --lake s3://bucket/prefix
"""

import argparse
import datetime as dt
import functools
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import SparkSession

from telemetry_pipeline.database_cache import DatabaseCache
from telemetry_pipeline.decode.report import CLASSES
from telemetry_pipeline.errors import BadSetting, TelemetryError
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome, process_objects
from telemetry_pipeline.settings import Settings

_OUTCOME: Final = ", ".join(
    ["raw_key string", "status string", "reason string", *(f"{name} long" for name in CLASSES)]
)

_SLICE: Final = 200
"""Raw objects of one task at most: what is lost when a machine is, and how evenly the work spreads."""

_GLUE_ARGUMENTS: Final = ("--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--TempDir")


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
    spark: SparkSession, settings: Settings, raws: Sequence[RawObject]
) -> list[dict[str, Any]]:
    """Decode raw objects on the executors.

    Args:
        spark: The session.
        settings: The lake, as the executors open it.
        raws: The objects, at least one.

    Returns:
        For each object `raw_key`, `status` (decoded, quarantined or failed), `reason`, and the counts `CLASSES`.
    """
    keys = spark.createDataFrame([(raw.key,) for raw in raws], "raw_key string")
    tasks = max(-(-len(raws) // _SLICE), min(len(raws), 4 * spark.sparkContext.defaultParallelism))

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _decode_batches(batches, settings)

    return [row.asDict() for row in keys.repartition(tasks).mapInArrow(decode, _OUTCOME).collect()]


def _decode_batches(batches: Iterator[pa.RecordBatch], settings: Settings) -> Iterator[pa.RecordBatch]:
    """What an executor does with its keys: one row for each, as soon as it is done."""
    store, cache = _lake(settings)
    databases = cache.current()
    for batch in batches:
        raws = [RawObject.parse(key) for key in batch.column("raw_key").to_pylist()]
        for outcome in process_objects(store, databases, raws):
            yield pa.RecordBatch.from_pylist([_row(outcome)])


@functools.cache
def _lake(settings: Settings) -> tuple[Store, DatabaseCache]:
    """One lake for all tasks of an executor's process."""
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
    return store, DatabaseCache(store, strict_length=settings.strict_length)


def _row(outcome: Outcome) -> dict[str, Any]:
    counts = {name: getattr(outcome.report, name, 0) for name in CLASSES}
    if outcome.failed is not None:
        return {"raw_key": outcome.raw.key, "status": "failed", "reason": str(outcome.failed), **counts}
    status = "decoded" if outcome.report is not None else "quarantined"
    return {"raw_key": outcome.raw.key, "status": status, "reason": outcome.quarantined, **counts}


def summarize(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What became of all objects: how many ended how, the sums of the counts, and why some did not."""
    status = Counter(row["status"] for row in rows)
    return {
        "objects": len(rows),
        "decoded": status["decoded"],
        "quarantined": {row["raw_key"]: row["reason"] for row in rows if row["status"] == "quarantined"},
        "still_pending": {row["raw_key"]: row["reason"] for row in rows if row["status"] == "failed"},
        "report": {name: sum(row[name] for row in rows) for name in CLASSES},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job: one JSON document on stdout; 1 when objects stay pending, 2 when it was called wrongly."""
    try:
        settings, chosen = _arguments(argv)
        store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
        raws = list_raws(store, chosen)
        summary = summarize(_on_spark(settings, raws) if raws else [])
    except TelemetryError as error:
        sys.stderr.write(f"spark_job: {error}\n")
        return 2 if isinstance(error, BadSetting) else 1
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 1 if summary["still_pending"] else 0


def _on_spark(settings: Settings, raws: Sequence[RawObject]) -> list[dict[str, Any]]:
    spark = SparkSession.builder.appName("can-telemetry: decode").getOrCreate()
    try:
        return decode_on_spark(spark, settings, raws)
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
    for name in _GLUE_ARGUMENTS:
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
