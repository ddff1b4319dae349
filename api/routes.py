"""The endpoints: each translates a request into one call and its answer into a response. No logic lives here."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api import errors
from api.knowledge import Knowledge
from api.models import (
    Health,
    MessageModel,
    SessionModel,
    SignalModel,
    VehicleModel,
)
from telemetry_pipeline.lake.dictionary import MessageMeaning, SignalMeaning
from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.query.reader import Session, SignalReader

VehicleId = Annotated[str, Path(examples=["VIN_DEMO_1"])]

_MS = 1_000_000


def build(reader: SignalReader, health: Health, knowledge: Knowledge) -> APIRouter:
    """The endpoints over a reader.

    All but `/health` are plain functions, so they run in the thread pool: a long query stops nobody else.
    """
    router = APIRouter(responses=errors.RESPONSES)

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

    @router.get("/vehicles/{vehicle_id}/messages", tags=["catalog"], response_model_exclude_unset=True)
    def list_messages(vehicle_id: VehicleId) -> list[MessageModel]:
        """The messages a vehicle sent, with their numbers of frames, and what its CAN databases say of them."""
        messages = reader.messages(vehicle_id)
        dictionary = knowledge.dictionary(vehicle_id)
        return [
            MessageModel(
                message_name=message.message,
                sample_count=message.frames,
                **_of_message(dictionary.message(message.message)),
            )
            for message in messages
        ]

    @router.get(
        "/vehicles/{vehicle_id}/messages/{message_name}/signals",
        tags=["catalog"],
        response_model_exclude_unset=True,
    )
    def list_signals(vehicle_id: VehicleId, message_name: str) -> list[SignalModel]:
        """The signals of a message, with their units and ranges over all of the vehicle's data.

        What the vehicle's CAN databases say of them comes along: comments, names of values, limits.
        """
        signals = reader.signals(vehicle_id, message_name)
        dictionary = knowledge.dictionary(vehicle_id)
        return [
            SignalModel(
                signal_name=signal.signal,
                unit=signal.unit,
                min_value=signal.minimum,
                max_value=signal.maximum,
                avg_value=signal.mean,
                **_of_signal(dictionary.signal(message_name, signal.signal)),
            )
            for signal in signals
        ]

    return router


def _session(session: Session) -> SessionModel:
    start = format_instant(session.first_ns // _MS * _MS)
    return SessionModel(
        date=start[:10],
        start_time=start,
        end_time=format_instant((session.last_ns // _MS + 1) * _MS),
        sample_count=session.frames,
    )


def _of_message(known: MessageMeaning | None) -> dict[str, Any]:
    return {"description": known.description} if known is not None and known.description else {}


def _of_signal(known: SignalMeaning | None) -> dict[str, Any]:
    """What a database says, without what it does not say."""
    if known is None:
        return {}
    said = {
        "description": known.description,
        "choices": dict(known.choices),
        "allowed_min": known.minimum,
        "allowed_max": known.maximum,
    }
    return {name: value for name, value in said.items() if value not in ("", {}, None)}
