"""The endpoints of health: how well each vehicle's days were decoded, and what went wrong in a vehicle's days."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator

from api import errors
from api.fleet_models import (
    CountModel,
    DayHealthModel,
    FleetHealthResponse,
    HealthDetailsResponse,
    QuarantinedModel,
    VehicleHealthModel,
)
from api.scopes import current
from telemetry_pipeline.errors import BadQuery, NoVehicle
from telemetry_pipeline.fleet.health import HealthReader
from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.query.reader import SignalReader

MAX_DAYS: Final = 31


def _day(text: str) -> dt.date:
    day = dt.date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError("a day is written YYYY-MM-DD")
    return day


Day = Annotated[dt.date, BeforeValidator(_day)]
"""A UTC day as YYYY-MM-DD; by itself the library takes numbers, too."""

_EPOCH: Final = dt.date(1970, 1, 1)


def build(reader: SignalReader, health: HealthReader) -> APIRouter:
    """The endpoints.

    Args:
        reader: Says when vehicles were heard; as the other endpoints have it.
        health: Says how well they were decoded.
    """
    router = APIRouter(responses=errors.RESPONSES, tags=["fleet"])

    @router.get("/fleet/health")
    def fleet_health(
        last: Annotated[
            Day | None, Query(description="last UTC day; default: the newest day of any vehicle")
        ] = None,
        days: Annotated[int, Query(ge=1, le=MAX_DAYS, description="how many days, the last among them")] = 7,
        limit: Annotated[int, Query(ge=1, le=1000, description="vehicles of one answer")] = 200,
        after: Annotated[str, Query(description="only vehicles whose ids come after this one")] = "",
    ) -> FleetHealthResponse:
        """How well the caller's vehicles were decoded, day by day."""
        seen = {vehicle.vehicle_id: vehicle.last_ns for vehicle in reader.vehicles()}
        allowed = [vehicle_id for vehicle_id in health.vehicles() if current().allows(vehicle_id)]
        newest = max((ns for ns in seen.values() if ns is not None), default=None)
        if last is None:
            if newest is None and not allowed:
                return FleetHealthResponse(first=None, last=None, vehicles=[], next=None)
            last = _EPOCH + dt.timedelta(days=newest // DAY_NS) if newest is not None else _today()
        first = _back(last, days - 1)
        rest = [vehicle_id for vehicle_id in allowed if vehicle_id > after]
        shown = rest[:limit]
        by_vehicle = health.days(shown, first, last)
        return FleetHealthResponse(
            first=first.isoformat(),
            last=last.isoformat(),
            vehicles=[
                VehicleHealthModel(
                    vehicle_id=vehicle_id,
                    last_seen=None if (ns := seen.get(vehicle_id)) is None else format_instant(ns),
                    days=[
                        DayHealthModel(date=day.date.isoformat(), objects=day.objects, **day.counts)
                        for day in by_vehicle[vehicle_id]
                    ],
                )
                for vehicle_id in shown
            ],
            next=shown[-1] if len(rest) > limit else None,
        )

    @router.get("/vehicles/{vehicle_id}/health")
    def vehicle_health(
        vehicle_id: Annotated[str, Path(examples=["VIN_DEMO_1"])],
        first: Annotated[Day, Query(description="first UTC day")],
        last: Annotated[Day, Query(description="last UTC day, itself part of the range")],
    ) -> HealthDetailsResponse:
        """What went wrong with a vehicle's frames and objects in some days."""
        if not first <= last <= _back(first, 1 - MAX_DAYS):
            raise BadQuery(
                f"{first} to {last} is not a range of 1 to {MAX_DAYS} days", remedy="Ask for other days"
            )
        if vehicle_id not in health.vehicles():
            raise NoVehicle(f"no data of vehicle {vehicle_id}", remedy="GET /vehicles lists the vehicles")
        found = health.details(vehicle_id, first, last)
        report = found.report
        return HealthDetailsResponse(
            unknown_ids=_counted(report.unknown_ids),
            decode_errors=_counted(report.decode_errors),
            skipped_by=_counted(report.skipped_by),
            bad_rows_by=_counted(report.bad_rows_by),
            quarantined=[QuarantinedModel(**vars(item)) for item in found.quarantined],
        )

    return router


def _counted(counts: Mapping[str, int]) -> list[CountModel]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [CountModel(what=what, frames=frames) for what, frames in ordered]


def _back(date: dt.date, days: int) -> dt.date:
    """So many days earlier, but no day that does not exist."""
    try:
        return date - dt.timedelta(days=days)
    except OverflowError as error:
        raise BadQuery(f"{date} is too far from today", remedy="Ask for other days") from error


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
