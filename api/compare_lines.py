"""Which lines a comparison has: of vehicles by the clock, of their newest sessions, or from given starts."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.compare import MAX_LINES, Align, Comparison, LeftOut, Line, given_lines, matching, session_lines
from telemetry_pipeline.errors import NoVehicle
from telemetry_pipeline.query.reader import SignalReader


@dataclass(frozen=True)
class Wanted:
    """What is to be compared.

    Attributes:
        align: How the lines are put side by side.
        vehicles: Ids and globs; not of `start`.
        span: The range, half-open.
        longest_ns: The longest line; None: as long as it is.
        sessions: How many of each vehicle's newest sessions, of `session`.
        starts: Vehicles and instants, of `start`.
    """

    align: Align
    vehicles: Sequence[str]
    span: tuple[int, int]
    longest_ns: int | None
    sessions: int
    starts: Sequence[tuple[str, int]]

    def lines(self, reader: SignalReader, known: Sequence[str], comparison: Comparison) -> list[Line]:
        """The lines in order; what is not among them is left out of the comparison.

        Args:
            reader: Knows sessions.
            known: The vehicles that whoever asks may see.
            comparison: Where it is noted what is left out.

        Raises:
            BadQuery: Something is missing in what is asked.
            NotFound: No vehicle at all is called so.
            TransientError: The store does not answer.
        """
        if self.align == "start":
            return given_lines(self.starts, self.longest_ns)
        chosen, unknown = matching(self.vehicles, known)
        comparison.leave_out(LeftOut(text[:80], "no such vehicle") for text in unknown)
        if self.align == "time":
            low, high = self.span
            end_ns = high if self.longest_ns is None else min(high, low + self.longest_ns)
            return [Line(vehicle_id, low, low, end_ns) for vehicle_id in chosen]
        lines: list[Line] = []
        for vehicle_id in chosen:
            if len(lines) < MAX_LINES:  # looking for sessions costs more than leaving them out
                lines += self._sessions(reader, vehicle_id, comparison)
            else:
                comparison.leave_out([LeftOut(vehicle_id, "limit")])
        return lines

    def _sessions(self, reader: SignalReader, vehicle_id: str, comparison: Comparison) -> list[Line]:
        try:
            lines = session_lines(reader, vehicle_id, self.span, self.sessions, self.longest_ns)
        except NoVehicle:
            comparison.leave_out([LeftOut(vehicle_id, "no such vehicle")])
            return []
        if not lines:
            comparison.leave_out([LeftOut(vehicle_id, "no session")])
        return lines
