"""Whether a vehicle has the signals that are asked for, before an answer begins that could not say so any more."""

from collections.abc import Iterable

from api.scopes import visible
from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.query.reader import SignalName, SignalReader


def check_signals(reader: SignalReader, vehicle_id: str, names: Iterable[SignalName]) -> None:
    """Refuse signals that a vehicle never sent.

    Raises:
        BadKey: It is not a vehicle id.
        NotFound: There is no such vehicle, or it never sent one of the signals.
    """
    known: dict[str, set[str]] = {}
    for message, signal in names:
        if message not in known:
            known[message] = set(signals_of(reader, vehicle_id, message))
        if signal not in known[message]:
            raise NotFound(
                f"vehicle {vehicle_id} has no signal {message}.{signal}",
                remedy=f"GET /vehicles/{vehicle_id}/messages/{message}/signals lists those it has",
            )


def signals_of(reader: SignalReader, vehicle_id: str, message: str) -> list[str]:
    """The names of a message's signals.

    Raises:
        BadKey: It is not a vehicle id.
        NotFound: There is no such vehicle, or it never sent that message.
    """
    with visible(vehicle_id):
        return [found.signal for found in reader.signals(vehicle_id, message)]
