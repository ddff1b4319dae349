"""The endpoints: each translates a request into one call and its answer into a response. No logic lives here."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import Response

from api import encode, errors
from api.guarded import refuse_many_points
from api.models import (
    Health,
    MessageModel,
    QueryRequest,
    QueryResponse,
    SessionModel,
    SignalModel,
    VehicleModel,
)
from api.query import Memory, Question, ask
from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.query.reader import Session, SignalReader
from telemetry_pipeline.service_settings import Limits

VehicleId = Annotated[str, Path(examples=["VIN_DEMO_1"])]

_MS = 1_000_000


def build(reader: SignalReader, health: Health, limits: Limits) -> APIRouter:
    """The endpoints over a reader.

    All but `/health` are plain functions, so they run in the thread pool: a long query stops nobody else.
    """
    router = APIRouter(responses=errors.RESPONSES)
    memory = Memory()

    @router.get("/health", tags=["service"])
    async def get_health() -> Health:
        """Whether the service runs, and over which lake."""
        return health

    @router.get("/vehicles", tags=["catalog"])
    def list_vehicles() -> list[VehicleModel]:
        """Every vehicle with decoded data."""
        return [
            VehicleModel(
                vehicle_id=vehicle.vehicle_id,
                first_seen=None if vehicle.first_ns is None else format_instant(vehicle.first_ns),
                last_seen=None if vehicle.last_ns is None else format_instant(vehicle.last_ns),
                frame_count=vehicle.frames,
            )
            for vehicle in reader.vehicles()
        ]

    @router.get("/vehicles/{vehicle_id}/sessions", tags=["catalog"])
    def list_sessions(vehicle_id: VehicleId) -> list[SessionModel]:
        """Recording sessions, newest first: a pause above five minutes begins a new one."""
        return [_session(session) for session in reader.sessions(vehicle_id)]

    @router.get("/vehicles/{vehicle_id}/messages", tags=["catalog"])
    def list_messages(vehicle_id: VehicleId) -> list[MessageModel]:
        """The messages a vehicle sent, with their numbers of frames."""
        return [
            MessageModel(message_name=message.message, sample_count=message.frames)
            for message in reader.messages(vehicle_id)
        ]

    @router.get("/vehicles/{vehicle_id}/messages/{message_name}/signals", tags=["catalog"])
    def list_signals(vehicle_id: VehicleId, message_name: str) -> list[SignalModel]:
        """The signals of a message, with their units and ranges over all of the vehicle's data."""
        return [
            SignalModel(
                signal_name=signal.signal,
                unit=signal.unit,
                min_value=signal.minimum,
                max_value=signal.maximum,
                avg_value=signal.mean,
            )
            for signal in reader.signals(vehicle_id, message_name)
        ]

    @router.post(
        "/vehicles/{vehicle_id}/query",
        tags=["query"],
        response_class=Response,
        responses={
            200: {
                "model": QueryResponse,
                "content": {encode.ARROW_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            },
            413: errors.RESPONSES[422] | {"description": "more rows or points than one answer may have"},
        },
    )
    def query(
        vehicle_id: VehicleId,
        body: QueryRequest,
        request: Request,
        accept: Annotated[str, Header()] = "application/json",
    ) -> Response:
        """Samples of signals in [start_time, end_time), down-sampled to max_points each where there are more.

        `Accept: application/vnd.apache.arrow.stream` answers as an Arrow IPC stream with exact nanoseconds.
        """
        refuse_many_points(body.max_points, limits)
        names = [(signal.message_name, signal.signal_name) for signal in body.signals]
        question = Question(
            vehicle_id, names, body.start_ns, body.end_ns, body.max_points, body.method, body.include
        )
        result = ask(reader, question, max_answer_points=limits.answer_points, memory=memory)
        request.state.query = result
        headers = {"Vary": "Accept"}
        if encode.ARROW_TYPE in accept:
            return Response(encode.to_arrow(result), headers=headers, media_type=encode.ARROW_TYPE)
        return Response(encode.to_json(result), headers=headers, media_type="application/json")

    return router


def _session(session: Session) -> SessionModel:
    start = format_instant(session.first_ns // _MS * _MS)
    return SessionModel(
        date=start[:10],
        start_time=start,
        end_time=format_instant((session.last_ns // _MS + 1) * _MS),
        sample_count=session.frames,
    )
