"""What a fleet costs a month: how much of each thing, and its price. Measures and habits come as plain numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from infra.archive import SMALLEST_BYTES
from infra.cost import night
from telemetry_pipeline.catalog.recent import AT_ONCE, BY_DAY, DAYS
from telemetry_pipeline.series.tiers import TIERS_S

DECODER_GB: Final = 1.0
SERVICE_GB: Final = 2.0
CATALOG_GB: Final = 0.5
"""Memory of the functions, as the stacks give it; those need the CDK, a bill does not."""

HOURS: Final = 730
ALARM_METRICS: Final = 12
DECODER_METRICS: Final = 10
"""Metrics of the alarms, and those that the decoder writes."""

CATALOG_VCPU: Final = CATALOG_GB * 1024 / 1769
"""The share of a processor that Lambda gives with so much memory: a whole one with 1,769 MB."""

OUTSIDE_BYTES: Final = 8e3
ON_TOP_BYTES: Final = 32e3
"""Of an archived object, what stays in S3 as it was, and what comes on top in Glacier."""

LISTED: Final = 1_000
"""Vehicles, or partitions, of one page of S3 and of Glue."""

CREATED: Final = 100
"""Partitions that one request to Glue makes."""

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
        dagster: Whether Dagster decodes: then its services run, which compact days, too.
    """
    hours = habits["driving_hours"] * vehicles
    of_an_hour = 3600 / measured["seconds"]
    objects = hours * measured["objects"] * of_an_hour
    calls = objects / habits["objects_an_invocation"]
    requests = measured["requests_of_an_object"]
    return [
        *_storage(hours * of_an_hour, objects, measured, habits),
        Line("landing", "s3_write", objects),
        # sent, received, deleted
        Line("landing", "sqs_request", 3 * objects),
        Line("decoding", "s3_write", objects * requests["write"]),
        Line("decoding", "s3_read", objects * requests["read"]),
        *([] if dagster else _decoder(calls, objects, measured, habits)),
        *([] if dagster else _catalog(vehicles, measured, habits)),
        *([] if dagster else _compaction(vehicles, measured, habits)),
        *_service(vehicles, habits),
        *_watching(habits),
        *(_control_room() if dagster else []),
    ]


def total(found: list[Line], prices: Mapping[str, Mapping[str, Any]], group: str | None = None) -> float:
    """Dollars of all lines, or of those of a group."""
    return sum(line.amount * prices[line.price]["usd"] for line in found if group in (None, line.group))


def is_archived(measured: Mapping[str, Any]) -> bool:
    """Whether raw objects are large enough for S3 to archive them by the lake's rule."""
    return bool(measured["bytes"]["raw"] / measured["objects"] >= SMALLEST_BYTES)


def kept_usd(size: float, prices: Mapping[str, Mapping[str, Any]], *, archived: bool) -> float:
    """Dollars a month of keeping one object of so many bytes."""
    warm, cold = prices["s3_gb_month"]["usd"] / _GB, prices["glacier_gb_month"]["usd"] / _GB
    return (size + ON_TOP_BYTES) * cold + OUTSIDE_BYTES * warm if archived else size * warm


def pays_after_months(size: float, prices: Mapping[str, Mapping[str, Any]]) -> float | None:
    """After how many months in the archive an object of so many bytes has saved its transition; None: never."""
    saved = kept_usd(size, prices, archived=False) - kept_usd(size, prices, archived=True)
    return prices["glacier_transition"]["usd"] / saved if saved > 0 else None


def lists_of_a_look(vehicles: int) -> int:
    """LIST requests of looking at the last days once: the vehicles by the thousand, and two months of each."""
    return ceil(vehicles / LISTED) + 2 * vehicles


def glue_of_a_look(vehicles: int) -> float:
    """Requests to Glue of looking at the last days once, if every vehicle drove on every one of them."""
    known = max(2, vehicles * (DAYS + 1) / LISTED)
    new = vehicles / CREATED / 24
    months = max(2, vehicles * night.MONTHS * len(TIERS_S) / LISTED)
    new_months = vehicles * len(TIERS_S) / CREATED / HOURS
    return len(BY_DAY) * (known + new) + months + new_months


def seconds_of_a_look(vehicles: int, measured: Mapping[str, Any], habits: Mapping[str, float]) -> float:
    """How long the function takes for that: several wait for S3 at once, one after the other is worked on."""
    waits = lists_of_a_look(vehicles) * habits["s3_wait_seconds"] / AT_ONCE
    return waits + vehicles * float(measured["cpu_seconds_of_a_look"]) / CATALOG_VCPU


def _storage(
    hours: float, objects: float, measured: Mapping[str, Any], habits: Mapping[str, float]
) -> list[Line]:
    size, kept = measured["bytes"], habits["kept_months"]
    fresh = min(kept, habits["archived_after_months"]) if is_archived(measured) else kept
    made = size["decoded"] + size["series"] + size["overview"]
    return [
        Line("storage", "s3_gb_month", hours * (size["raw"] * fresh + made * kept) / _GB),
        Line("storage", "glacier_gb_month", hours * size["raw"] * (kept - fresh) / _GB),
        Line("storage", "s3_gb_month", objects * (kept - fresh) * OUTSIDE_BYTES / _GB),
        Line("storage", "glacier_gb_month", objects * (kept - fresh) * ON_TOP_BYTES / _GB),
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
    seconds = seconds_of_a_look(vehicles, measured, habits)
    return [
        Line("catalogue", "lambda_request", HOURS),
        # and one, whether a night was through lately
        Line("catalogue", "s3_write", HOURS * (lists_of_a_look(vehicles) + 1)),
        Line("catalogue", "glue_request", HOURS * glue_of_a_look(vehicles)),
        Line("catalogue", "lambda_gb_second", HOURS * seconds * CATALOG_GB),
    ]


def _compaction(vehicles: int, measured: Mapping[str, Any], habits: Mapping[str, float]) -> list[Line]:
    asked = night.requests_of_compaction(measured, habits)
    lists = vehicles * night.lists_of_a_night(measured, habits) + lists_of_a_look(vehicles)
    hours = night.hours_of_a_month(vehicles, measured, habits)
    return [
        Line("compacting", "s3_write", vehicles * asked["write"] + night.NIGHTS * lists),
        Line(
            "compacting",
            "s3_read",
            vehicles * (asked["read"] + night.NIGHTS * night.footers_of_a_night(habits)),
        ),
        Line("compacting", "glue_request", night.NIGHTS * glue_of_a_look(vehicles)),
        Line("compacting", "fargate_vcpu_hour", hours * night.VCPU),
        Line("compacting", "fargate_gb_hour", hours * night.MEMORY_GB),
        Line("compacting", "fargate_disk_gb_hour", hours * (night.DISK_GB - night.FREE_DISK_GB)),
        Line("compacting", "address_hour", hours),
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
