"""Readers as one caller sees them: only their vehicles, no range or list beyond the limits, and what they do noted.

Every endpoint reads through these, so none can forget. What a limit is comes from the settings.
"""

import time
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from api.scopes import current, visible
from api.work import note
from telemetry_pipeline.errors import BadQuery, NoVehicle
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.query.events import EventReader, Events
from telemetry_pipeline.query.reader import (
    Answer,
    Buckets,
    Message,
    Session,
    Signal,
    SignalName,
    SignalReader,
    Vehicle,
)
from telemetry_pipeline.service_settings import Limits


class GuardedReader:
    """A reader of signals for whoever is being answered (`scopes.acting`); methods as in `SignalReader`.

    Beside what those raise, a range or a list beyond the limits is a BadQuery.
    """

    def __init__(self, reader: SignalReader, limits: Limits) -> None:
        self._reader = reader
        self._limits = limits

    def vehicles(self) -> list[Vehicle]:
        """Theirs, sorted by id."""
        scope = current()
        return [vehicle for vehicle in self._reader.vehicles() if scope.allows(vehicle.vehicle_id)]

    def sessions(self, vehicle_id: str) -> list[Session]:
        """The recording sessions of one of their vehicles, newest first."""
        with visible(vehicle_id):
            return self._reader.sessions(vehicle_id)

    def messages(self, vehicle_id: str) -> list[Message]:
        """The messages of one of their vehicles."""
        with visible(vehicle_id):
            return self._reader.messages(vehicle_id)

    def signals(self, vehicle_id: str, message: str) -> list[Signal]:
        """The signals of a message of one of their vehicles."""
        with visible(vehicle_id):
            return self._reader.signals(vehicle_id, message)

    def read(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """Samples of one of their vehicles."""
        self._refuse_too_much(wanted, start_ns, end_ns)
        begun = time.perf_counter()
        with visible(vehicle_id):
            return note(self._reader.read(vehicle_id, wanted, start_ns, end_ns), begun)

    def look(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """A few samples of one of their vehicles."""
        self._refuse_too_much(wanted, start_ns, end_ns)
        begun = time.perf_counter()
        with visible(vehicle_id):
            return note(self._reader.look(vehicle_id, wanted, start_ns, end_ns), begun)

    def count(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int
    ) -> Mapping[SignalName, int]:
        """About how many samples one of their vehicles has."""
        self._refuse_too_much(wanted, start_ns, end_ns)
        with visible(vehicle_id):
            return self._reader.count(vehicle_id, wanted, start_ns, end_ns)

    def buckets(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int, width_ns: int
    ) -> Buckets:
        """Samples of one of their vehicles, summed up."""
        self._refuse_too_much(wanted, start_ns, end_ns)
        begun = time.perf_counter()
        with visible(vehicle_id):
            return note(self._reader.buckets(vehicle_id, wanted, start_ns, end_ns, width_ns), begun)

    def recorded(self, vehicle_id: str, start_ns: int, end_ns: int) -> NDArray[np.int64]:
        """When one of their vehicles recorded; never for one that is not theirs."""
        try:
            with visible(vehicle_id):
                return self._reader.recorded(vehicle_id, start_ns, end_ns)
        except NoVehicle:
            return np.empty((0, 2), np.int64)

    def _refuse_too_much(self, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> None:
        if len(wanted) > self._limits.signals:
            raise BadQuery(
                f"{len(wanted)} signals are asked for, the limit is {self._limits.signals}",
                remedy="Ask for fewer signals at once",
            )
        refuse_long_range(start_ns, end_ns, self._limits)


class GuardedEvents:
    """A reader of events for whoever is being answered."""

    def __init__(self, reader: EventReader, limits: Limits) -> None:
        self._reader = reader
        self._limits = limits

    def events(
        self,
        vehicle_id: str,
        start_ns: int,
        end_ns: int,
        *,
        severities: Collection[str] = (),
        rules: Collection[str] = (),
    ) -> Events:
        """The events of one of their vehicles."""
        refuse_long_range(start_ns, end_ns, self._limits)
        with visible(vehicle_id):
            return self._reader.events(vehicle_id, start_ns, end_ns, severities=severities, rules=rules)


def refuse_long_range(start_ns: int, end_ns: int, limits: Limits) -> None:
    """Refuse a range that is longer than the limit.

    Raises:
        BadQuery: It is.
    """
    # a day more: what is asked for may be widened to whole buckets on its way here
    if end_ns - start_ns > (limits.days + 1) * DAY_NS:
        raise BadQuery(
            f"the range is {(end_ns - start_ns) / DAY_NS:,.0f} days long, the limit is {limits.days:,}",
            remedy="Ask for a shorter range",
        )


def refuse_many_points(points: int, limits: Limits) -> None:
    """Refuse to draw more points of one signal than the limit: less than was asked for is never given in silence.

    Raises:
        BadQuery: There are more.
    """
    if points > limits.points:
        raise BadQuery(
            f"{points:,} points are asked for, the limit is {limits.points:,}",
            remedy=f"Set max_points to {limits.points} or less",
        )
