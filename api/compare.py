"""One signal over many vehicles, or over many drives of one: which lines there are, and what each is drawn from.

A line is a vehicle with a range and an origin; its times are counted from the origin. Nothing here knows HTTP or JSON.
"""

import contextvars
import fnmatch
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal

from api.downsample import Method
from api.query import Drawn, Memory, Question, Result, ask
from telemetry_pipeline.errors import BadQuery, NotFound, NoVehicle
from telemetry_pipeline.lake.instant import MAX_NS
from telemetry_pipeline.query.reader import SignalName, SignalReader

Align = Literal["time", "session", "start"]
Reason = Literal["no such vehicle", "never sent the signal", "no samples", "no session", "limit"]

MAX_LINES: Final = 50
"""Lines of one comparison; of more, those that come later are left out, and named."""

NAMED_MAX: Final = 1_000
"""So many of what was left out are named; all are counted."""

_PARALLEL: Final = 2
"""Lines that are drawn at once: what is waited for overlaps, and what is held stays little."""


@dataclass(frozen=True)
class Line:
    """A vehicle's range, half-open, and the instant from which its times are counted."""

    vehicle_id: str
    origin_ns: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class LeftOut:
    """A vehicle, or a drive of it, that is not in the answer, and why."""

    vehicle_id: str
    reason: Reason
    origin_ns: int | None = None


@dataclass
class Comparison:
    """Lines with what is drawn of each, and what was left out.

    Attributes:
        drawn: The lines in order, with their points.
        left_out: What is not among them; not more than `NAMED_MAX`.
        left_out_count: How many are not among them.
        results: The answers, for what they took.
    """

    drawn: list[tuple[Line, Drawn]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    left_out_count: int = 0
    results: list[Result] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether it follows from the objects of its ranges alone, and all of those could be read."""
        elsewhere = any(item.reason == "never sent the signal" for item in self.left_out)
        return not elsewhere and not any(result.skipped_objects for result in self.results)

    def leave_out(self, items: Iterable[LeftOut]) -> None:
        """Count what is not in the answer."""
        for item in items:
            self.left_out_count += 1
            if len(self.left_out) < NAMED_MAX:
                self.left_out.append(item)


def matching(patterns: Sequence[str], known: Sequence[str]) -> tuple[list[str], list[str]]:
    """The vehicles that ids and globs name, in their order, and ids that no vehicle has.

    Raises:
        NotFound: Nothing at all is named.
    """
    found: dict[str, None] = {}
    unknown = []
    for pattern in patterns:
        hits = [vehicle for vehicle in known if fnmatch.fnmatchcase(vehicle, pattern)]
        found |= dict.fromkeys(hits)
        if not hits:
            unknown.append(pattern)
    if not found:
        raise NotFound(
            f"no vehicle is called {', '.join(patterns)[:200]}", remedy="GET /vehicles lists the vehicles"
        )
    return list(found), unknown


def session_lines(
    reader: SignalReader, vehicle_id: str, span: tuple[int, int], count: int, longest_ns: int | None
) -> list[Line]:
    """The newest sessions of a vehicle that begin in a range, oldest first, each from its own start."""
    begun = [found for found in reader.sessions(vehicle_id) if span[0] <= found.first_ns < span[1]]
    lines = []
    for session in reversed(begun[:count]):
        end_ns = session.last_ns + 1
        if longest_ns is not None:
            end_ns = min(end_ns, session.first_ns + longest_ns)
        lines.append(Line(vehicle_id, session.first_ns, session.first_ns, end_ns))
    return lines


def compare(
    reader: SignalReader,
    signal: SignalName,
    lines: Sequence[Line],
    comparison: Comparison,
    *,
    max_points: int,
    method: Method,
    max_answer_points: int,
    memory: Memory | None = None,
) -> Comparison:
    """Draw lines; what has no sample is left out.

    Args:
        reader: Where they come from.
        signal: What is drawn.
        lines: In order.
        comparison: Gets them.
        max_points: Points of each line.
        method: How they are chosen.
        max_answer_points: The most points of all lines together.
        memory: What earlier questions found, and this one will add to.

    Raises:
        TooLarge: The points of all lines are more than one answer may have.
        TransientError: The store does not answer.
    """
    comparison.leave_out(LeftOut(line.vehicle_id, "limit", line.origin_ns) for line in lines[MAX_LINES:])
    lines = lines[:MAX_LINES]
    share = max(max_answer_points // max(len(lines), 1), 1)

    def draw(line: Line) -> Result | LeftOut:
        question = Question(line.vehicle_id, [signal], line.start_ns, line.end_ns, max_points, method)
        try:
            return ask(reader, question, max_answer_points=share, memory=memory)
        except NoVehicle:
            return LeftOut(line.vehicle_id, "no such vehicle", line.origin_ns)
        except NotFound:
            return LeftOut(line.vehicle_id, "never sent the signal", line.origin_ns)

    for line, result in zip(lines, _each(draw, lines), strict=True):
        if isinstance(result, LeftOut):
            comparison.leave_out([result])
            continue
        comparison.results.append(result)
        (drawn,) = result.series
        if drawn.source.points:
            comparison.drawn.append((line, drawn))
        else:
            comparison.leave_out([LeftOut(line.vehicle_id, "no samples", line.origin_ns)])
    return comparison


def given_lines(starts: Sequence[tuple[str, int]], duration_ns: int | None) -> list[Line]:
    """Lines that begin at given instants and are equally long.

    Raises:
        BadQuery: There are none, or it is not said how long they are.
    """
    if not starts or duration_ns is None:
        raise BadQuery(
            "align=start needs at and duration", remedy="Add at=VEHICLE@2026-02-12T14:00:00Z and duration=10m"
        )
    return [
        Line(vehicle_id, ns, ns, min(ns + duration_ns, MAX_NS)) for vehicle_id, ns in dict.fromkeys(starts)
    ]


def _each(work: Callable[[Line], Result | LeftOut], lines: Sequence[Line]) -> list[Result | LeftOut]:
    """Several lines at a time, each as whoever is being answered."""
    if len(lines) < 2:
        return [work(line) for line in lines]
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="compare") as pool:
        waiting = [pool.submit(contextvars.copy_context().run, work, line) for line in lines]
        return [future.result() for future in waiting]
