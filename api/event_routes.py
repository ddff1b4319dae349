"""The endpoint of events: where threshold rules held, for as long as they ask for."""

import math
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import errors
from api.guarded import GuardedEvents
from api.models import EventModel, EventsResponse, Instant, Severity
from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake.instant import format_instant, parse_instant
from telemetry_pipeline.rules.interval import Interval


def build(reader: GuardedEvents) -> APIRouter:
    """The endpoint over a reader of events."""
    router = APIRouter(responses=errors.RESPONSES)

    @router.get(
        "/vehicles/{vehicle_id}/events",
        tags=["events"],
        responses={413: errors.RESPONSES[422] | {"description": "more events than one answer may have"}},
    )
    def list_events(
        vehicle_id: Annotated[str, Path(examples=["VIN_DEMO_1"])],
        start: Annotated[
            Instant, Query(description="first instant, with a zone", examples=["2025-02-12T14:00:00Z"])
        ],
        end: Annotated[
            Instant, Query(description="first instant no longer wanted", examples=["2025-02-12T15:00:00Z"])
        ],
        severity: Annotated[
            list[Severity] | None, Query(description="only these; repeat for several")
        ] = None,
        rule: Annotated[list[str] | None, Query(description="only these rules; repeat for several")] = None,
    ) -> EventsResponse:
        """Events that have a part in [start, end), each whole, in order of their beginnings.

        An event is a run of samples for which a rule's condition held, from the first to the last of them at least as
        long as the rule asks for, without a silence above the rule's hole.
        """
        start_ns, end_ns = parse_instant(start), parse_instant(end)
        if end_ns <= start_ns:
            raise BadQuery("end must be after start", remedy="Ask for a range that has a length")
        found = reader.events(vehicle_id, start_ns, end_ns, severities=severity or (), rules=rule or ())
        return EventsResponse(
            events=[_event(interval) for interval in found.events], skipped_objects=found.skipped_objects
        )

    return router


def _event(interval: Interval) -> EventModel:
    series = interval.series
    return EventModel(
        rule=series.rule,
        severity=series.severity,
        description=series.description,
        message_name=series.message,
        signal_name=series.signal,
        channel=series.channel,
        condition=series.condition,
        unit=interval.unit,
        start_time=format_instant(interval.first_ns),
        end_time=format_instant(interval.last_ns),
        duration_ms=interval.span_ns / 1e6,
        worst_value=interval.worst if math.isfinite(interval.worst) else None,
        worst_time=format_instant(interval.worst_ns),
        samples=interval.samples,
        open_start=interval.open_start,
        open_end=interval.open_end,
    )
