"""What a fleet costs a month: how much of each thing, and its price. Measures and habits come as plain numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from telemetry_pipeline.catalog.tables import TABLES

DECODER_GB: Final = 1.0
SERVICE_GB: Final = 2.0
CATALOG_GB: Final = 0.5
"""Memory of the functions, as the stacks give it; those need the CDK, a bill does not."""

HOURS: Final = 730
ALARM_METRICS: Final = 12
DECODER_METRICS: Final = 10
"""Metrics of the alarms' expressions, and those that the decoder writes."""

SMALLEST_ARCHIVED: Final = 128 * 1024
"""S3 leaves smaller objects where they are, unless a bucket's configuration says otherwise; ours does not."""

_GB: Final = 1e9


@dataclass(frozen=True)
class Line:
    """One line of a bill.

    Attributes:
        group: What it is part of.
        price: The name of its price.
        amount: How much of it a month.
    """

    group: str
    price: str
    amount: float


def lines(
    vehicles: int, measured: Mapping[str, Any], habits: Mapping[str, float], *, dagster: bool = False
) -> list[Line]:
    """Everything that a fleet needs in a month.

    Args:
        vehicles: How many.
        measured: As `measure` gives it.
        habits: As `habits.yaml` has it.
        dagster: Whether Dagster decodes: then days are compacted, and its services run.
    """
    hours = habits["driving_hours"] * vehicles
    of_an_hour = 3600 / measured["seconds"]
    objects = hours * measured["objects"] * of_an_hour
    calls = objects / habits["objects_an_invocation"]
    requests = measured["requests_of_an_object"]
    return [
        *_storage(hours * of_an_hour, objects, measured, habits, dagster=dagster),
        Line("landing", "s3_write", objects),
        # sent, received, deleted
        Line("landing", "sqs_request", 3 * objects),
        Line("decoding", "s3_write", objects * requests["write"]),
        Line("decoding", "s3_read", objects * requests["read"]),
        *([] if dagster else _decoder(calls, objects, measured, habits)),
        *([] if dagster else _catalog(vehicles, measured, habits)),
        *_service(vehicles, habits),
        *_watching(habits),
        *(_control_room() if dagster else []),
    ]


def total(found: list[Line], prices: Mapping[str, Mapping[str, Any]], group: str | None = None) -> float:
    """Dollars of all lines, or of those of a group."""
    return sum(line.amount * prices[line.price]["usd"] for line in found if group in (None, line.group))


def is_archived(measured: Mapping[str, Any]) -> bool:
    """Whether raw objects are large enough for S3 to archive them by the lake's rule."""
    return bool(measured["bytes"]["raw"] / measured["objects"] >= SMALLEST_ARCHIVED)


def sync_lists(habits: Mapping[str, float]) -> float:
    """LIST requests that bringing Glue in line makes for one vehicle: its years and its months, in every table of days."""
    months = habits["kept_months"]
    years = max(1.0, months / 12)
    by_vehicle = [table for table in TABLES if "vehicle_id" in table.keys]
    return len(by_vehicle) * (1 + years + months)


def _storage(
    hours: float, objects: float, measured: Mapping[str, Any], habits: Mapping[str, float], *, dagster: bool
) -> list[Line]:
    size, kept = measured["bytes"], habits["kept_months"]
    fresh = min(kept, habits["archived_after_months"]) if is_archived(measured) else kept
    made = size["decoded"] + (size["series"] + size["overview"] if dagster else 0)
    return [
        Line("storage", "s3_gb_month", hours * (size["raw"] * fresh + made * kept) / _GB),
        Line("storage", "glacier_gb_month", hours * size["raw"] * (kept - fresh) / _GB),
        # 8 kB of an archived object stay outside, 32 kB come on top
        Line("storage", "s3_gb_month", objects * (kept - fresh) * 8e3 / _GB),
        Line("storage", "glacier_gb_month", objects * (kept - fresh) * 32e3 / _GB),
        Line("storage", "glacier_transition", objects if kept > fresh else 0),
    ]


def _decoder(
    calls: float, objects: float, measured: Mapping[str, Any], habits: Mapping[str, float]
) -> list[Line]:
    waits = sum(measured["requests_of_an_object"].values()) * habits["s3_wait_seconds"]
    seconds = objects * (measured["cpu_seconds_of_an_object"] + waits)
    return [
        Line("decoding", "lambda_request", calls),
        Line("decoding", "lambda_gb_second", seconds * DECODER_GB),
        Line("decoding", "log_gb", objects * measured["log_bytes_of_an_object"] / _GB),
    ]


def _catalog(vehicles: int, measured: Mapping[str, Any], habits: Mapping[str, float]) -> list[Line]:
    lists = HOURS * (measured["requests_of_a_sync"]["write"] + vehicles * sync_lists(habits))
    return [
        Line("catalogue", "lambda_request", HOURS),
        Line("catalogue", "s3_write", lists),
        Line("catalogue", "lambda_gb_second", lists * habits["s3_wait_seconds"] * CATALOG_GB),
    ]


def _service(vehicles: int, habits: Mapping[str, float]) -> list[Line]:
    asked, visits = vehicles * habits["questions"], vehicles * habits["page_visits"]
    sent = (asked * habits["question_kb"] + visits * habits["page_kb"]) * 1e3 / _GB
    return [
        Line("service", "gateway_request", asked),
        Line("service", "lambda_request", asked),
        Line("service", "lambda_gb_second", asked * habits["question_seconds"] * SERVICE_GB),
        Line("service", "athena_tb", asked * habits["athena_mb"] / 1e6),
        Line("service", "cloudfront_request", asked + visits * habits["page_requests"]),
        Line("service", "cloudfront_gb", sent),
    ]


def _watching(habits: Mapping[str, float]) -> list[Line]:
    return [
        Line("watching", "metric_month", DECODER_METRICS + habits["service_metrics"]),
        Line("watching", "alarm_month", ALARM_METRICS),
        Line("watching", "dashboard_month", 1),
    ]


def _control_room() -> list[Line]:
    vcpu, gb = 1 + 0.5 + 0.5, 4 + 2 + 2
    return [
        Line("Dagster", "fargate_vcpu_hour", vcpu * HOURS),
        Line("Dagster", "fargate_gb_hour", gb * HOURS),
        Line("Dagster", "database_hour", HOURS),
        Line("Dagster", "database_gb_month", 20),
        Line("Dagster", "nat_month", 1),
        Line("Dagster", "balancer_month", 1),
        Line("Dagster", "secret_month", 2),
    ]
