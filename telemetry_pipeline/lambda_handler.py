"""The door for AWS Lambda: raw objects that S3 announces, or that Dagster sends, are decoded where they lie.

What an event says is `s3_events`' business, what Dagster is told `pipes`', what decoding is `process`'.

An object is decoded once, however often it is announced: it is done when the lake holds what its present bytes give.
Bytes that are no frames go to quarantine and are done, too. Whatever else stops an object (no answer, no access, no
usable database) leaves it pending: its message of the queue fails alone, an event straight from S3 raises, and AWS
tries again until the dead-letter queue has it. A run of Dagster's is told of each object and decides itself.
"""

import functools
import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from telemetry_pipeline import metrics_log
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.database_cache import DatabaseCache
from telemetry_pipeline.decode.report import CLASSES, Report
from telemetry_pipeline.errors import BadSetting, NotFound, TelemetryError, TransientError
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.ours import parse_ours
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome, process_objects
from telemetry_pipeline.s3_events import CreatedObject, Event, LakeBucket, read_event
from telemetry_pipeline.settings import Settings

_log: Final = logging.getLogger(__name__)

RESERVE_MS: Final = 10_000
"""No object is begun with less time left: what is not begun fails alone, a timeout would fail the whole batch."""

FROM_DAGSTER: Final = "DAGSTER_PIPES_CONTEXT"
"""What an event has that a run of Dagster's sent."""

DECODED: Final = "decoded"
DONE_BEFORE: Final = "done_before"
QUARANTINED: Final = "quarantined"
GONE: Final = "gone"
FAILED: Final = "failed"


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  Lambda's own class
    """Decode what an event announces.

    The function's queue must report batch item failures (`ReportBatchItemFailures`).

    Args:
        event: A notification of S3, messages of an SQS queue that hold such notifications, or raw keys from Dagster.
        context: Lambda's context.

    Returns:
        For messages of a queue, those that must come again: `{"batchItemFailures": [{"itemIdentifier": …}]}`.
        For an event of S3 or of Dagster, how many objects ended how.

    Raises:
        BadSetting: The lake is no bucket, or the event is not one of S3 or of a queue.
        TransientError: Objects of an event straight from S3 stay pending.
    """
    if isinstance(event, Mapping) and FROM_DAGSTER in event:
        return _worker().run_for_dagster(event, context)
    return _worker().run(read_event(event), context)


@dataclass(frozen=True)
class Result:
    """How one object ended; one that failed is still pending, for the reason given."""

    status: str
    report: Report | None = None
    reason: str = ""


class Worker:
    """What a warm function keeps: the store, and the databases as long as `dbc/` stays as it is.

    Args:
        settings: The lake, which must be a bucket.

    Raises:
        BadSetting: The lake is no bucket.
    """

    def __init__(self, settings: Settings) -> None:
        place = LakeBucket.of(settings.lake)
        if place is None:
            raise BadSetting(
                f"{settings.lake} is not a bucket", "TELEMETRY_LAKE", "Set it to s3://bucket/prefix"
            )
        self._place = place
        self._store = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials="environment")
        self._cache = DatabaseCache(self._store, strict_length=settings.strict_length)

    def run(self, event: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401  Lambda's own class
        """Decode what the messages announce, each object once, and account for it in the log."""
        wanted = [[raw for item in message.objects if (raw := self._raw(item))] for message in event.messages]
        results = self._decode_all(sorted({raw for raws in wanted for raw in raws}), context)
        # why each message must come again, "" for those that are done
        faults = [
            message.fault or next((results[raw].reason for raw in raws if results[raw].status == FAILED), "")
            for message, raws in zip(event.messages, wanted, strict=True)
        ]
        announced = sum(len(message.objects) + message.ignored for message in event.messages)
        counts = _counts(results.values())
        counts["RecordsIgnored"] = announced - sum(map(len, wanted))
        counts["MessagesFailed"] = sum(map(bool, faults))
        metrics_log.write_metrics("invocation", counts, {"FunctionName": _function_name(context)})
        if event.queued:
            failed = [m.message_id for m, fault in zip(event.messages, faults, strict=True) if fault]
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
        if any(faults):
            raise TransientError(
                f"{counts['ObjectsFailed']} of {len(results)} raw objects stay pending ({faults[0]})",
                self._store.url,
                "AWS tries the event again",
            )
        return counts

    def run_for_dagster(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
        """Decode the objects that a run names, whether they are decoded already or not, and tell it of each.

        What there is no time to begin is not told of: the run sends it again.
        """
        from telemetry_pipeline import pipes  # noqa: PLC0415  a function that S3 alone invokes needs no Dagster

        raws = [RawObject.parse(key) for key in event[pipes.RAW_KEYS]]
        results: dict[RawObject, Result] = {}
        with pipes.answer_invocation(self._store, event) as session:
            databases = self._cache.current()
            start = time.monotonic()
            for outcome in process_objects(self._store, databases, raws):
                pipes.report_outcome(session, outcome)
                results[outcome.raw] = _result(outcome)
                _log_object(outcome.raw, results[outcome.raw], time.monotonic() - start)
                if _remaining_ms(context) < RESERVE_MS:
                    break
                start = time.monotonic()
        counts = _counts(results.values())
        metrics_log.write_metrics("invocation", counts, {"FunctionName": _function_name(context)})
        return counts

    def _raw(self, item: CreatedObject) -> RawObject | None:
        """The raw object that S3 announced, None when it is something else or of another lake."""
        if (key := self._place.key_of(item)) is None:
            return None
        return parse_ours(RawObject.parse, key)

    def _decode_all(self, raws: list[RawObject], context: Any) -> dict[RawObject, Result]:  # noqa: ANN401
        if not raws:
            return {}
        databases = self._cache.current()
        results: dict[RawObject, Result] = {}
        for raw in raws:
            start = time.monotonic()
            if results and _remaining_ms(context) < RESERVE_MS:
                results[raw] = Result(FAILED, reason="no time was left to begin it")
            else:
                results[raw] = self._decode(raw, databases)
            _log_object(raw, results[raw], time.monotonic() - start)
        return results

    def _decode(self, raw: RawObject, databases: Databases) -> Result:
        try:
            if ledger.settled(self._store, raw):
                return Result(DONE_BEFORE)
            (outcome,) = process_objects(self._store, databases, [raw])
        except NotFound as error:
            return Result(GONE, reason=str(error))
        except TelemetryError as error:
            return Result(FAILED, reason=str(error))
        except Exception as error:
            # the fault of one object is not the batch's; the queue's dead letters keep it for a person
            _log.exception("%s stays pending", raw.key)
            return Result(FAILED, reason=f"{type(error).__name__}: {error}")
        return _result(outcome)


@functools.cache
def _worker() -> Worker:
    """One worker for all invocations of a warm function, made by the first."""
    return Worker(Settings.from_env())


def _result(outcome: Outcome) -> Result:
    if outcome.failed is not None:
        status = GONE if isinstance(outcome.failed, NotFound) else FAILED
        return Result(status, reason=str(outcome.failed))
    if outcome.report is None:
        return Result(QUARANTINED, reason=outcome.quarantined)
    return Result(DECODED, report=outcome.report)


def _counts(results: Iterable[Result]) -> dict[str, int]:
    """The metrics of an invocation."""
    ends = list(results)
    status = Counter(result.status for result in ends)
    reports = [result.report for result in ends if result.report is not None]
    return {
        "FramesDecoded": sum(report.decoded_frames for report in reports),
        "DecodeErrors": sum(report.decode_error for report in reports),
        "UnknownIds": sum(report.unknown_id for report in reports),
        "ObjectsDecoded": status[DECODED],
        "ObjectsDoneBefore": status[DONE_BEFORE],
        "ObjectsQuarantined": status[QUARANTINED],
        "ObjectsGone": status[GONE],
        "ObjectsFailed": status[FAILED],
    }


def _log_object(raw: RawObject, result: Result, seconds: float) -> None:
    facts: dict[str, Any] = {"raw_key": raw.key, "status": result.status, "seconds": round(seconds, 3)}
    if result.reason:
        facts["reason"] = result.reason
    if result.report is not None:
        facts |= {name: getattr(result.report, name) for name in CLASSES}
    metrics_log.write_line("object", **facts)


def _remaining_ms(context: Any) -> float:  # noqa: ANN401  Lambda's own class
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return float(remaining()) if remaining else math.inf


def _function_name(context: Any) -> str:  # noqa: ANN401  Lambda's own class
    return str(getattr(context, "function_name", None) or "local")
