"""The endpoint of live tails: new points of a vehicle as its objects are decoded."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response

from api import errors
from api.known_signals import check_signals
from api.live import Hub
from api.live_cursor import Cursor
from api.live_events import HEARTBEAT_S, Tail
from api.models import MAX_SIGNALS
from api.signal_names import parse_signals
from api.streaming import Stream, Workers
from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.reader import SignalReader

EVENT_STREAM = "text/event-stream"


def build(
    hub: Hub,
    objects: ObjectReader,
    reader: SignalReader,
    workers: Workers,
    *,
    heartbeat_s: float = HEARTBEAT_S,
) -> APIRouter:
    """The endpoint.

    Args:
        hub: Watches vehicles.
        objects: Reads what was decoded.
        reader: Knows which signals there are.
        workers: Where objects are read.
        heartbeat_s: Seconds of silence before a comment is sent.
    """
    router = APIRouter(responses=errors.RESPONSES)

    @router.get(
        "/vehicles/{vehicle_id}/live",
        tags=["data"],
        response_class=Response,
        responses={
            200: {
                "description": "server-sent events",
                "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
            }
        },
    )
    async def follow(
        vehicle_id: Annotated[str, Path(examples=["VIN_DEMO_1"])],
        signals: Annotated[
            list[str],
            Query(description="Message.Signal, several with commas between them", examples=[["Drive.Speed"]]),
        ],
        last_event_id: Annotated[
            str | None, Header(description="goes on after that event, without loss")
        ] = None,
    ) -> Response:
        """New points as objects are decoded, as server-sent events, until the client hangs up or the service stops.

        `points` has the points of one decoded object as columns; `late` says that some of them are older than what was
        there. `ready` comes first, `changed` tells that an object was decoded again, `skipped` that it cannot be read,
        `reset` that the client was away for too long. Comments keep the connection alive.
        """
        wanted = parse_signals(signals, MAX_SIGNALS)
        if not wanted:
            raise BadQuery("no signals are asked for", remedy="Add signals=Message.Signal")
        resumed = Cursor.parse(last_event_id) if last_event_id else None
        await workers.run(lambda: check_signals(reader, vehicle_id, wanted))
        hub.admit()
        tail = Tail(hub, objects, workers.run, vehicle_id, wanted, resumed, heartbeat_s)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(tail.events(), headers=headers, media_type=EVENT_STREAM)

    return router
