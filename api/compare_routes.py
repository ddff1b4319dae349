"""The endpoint of comparisons: one signal over many vehicles or drives."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import errors, etag
from api.answering import Answering, Asked, Made
from api.compare import MAX_LINES, Align, Comparison, Line, compare
from api.compare_lines import Wanted
from api.compare_models import CompareResponse
from api.downsample import Method
from api.encode import Shape, points_json
from api.guarded import refuse_many_points
from api.knowledge import Knowledge
from api.models import Instant
from api.query import Drawn, Memory
from api.scopes import current
from api.signal_names import parse_signal
from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.lake.instant import MAX_NS, MIN_NS, format_instant, parse_instant
from telemetry_pipeline.query.reader import SignalReader
from telemetry_pipeline.service_settings import Limits

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": CompareResponse},
    304: {"description": "the answer that the client has still holds"},
}


def build(reader: SignalReader, knowledge: Knowledge, limits: Limits, answering: Answering) -> APIRouter:
    """The endpoint over a reader."""
    router = APIRouter(responses=errors.RESPONSES)
    memory = Memory()

    @router.get("/fleet/compare", tags=["query"], response_class=Response, responses=_RESPONSES)
    async def compare_vehicles(
        request: Request,
        signal: Annotated[str, Query(description="Message.Signal", examples=["Drive.Speed"])],
        *,
        vehicles: Annotated[
            list[str] | None, Query(description="ids, or globs such as VIN_*, with commas between them")
        ] = None,
        align: Annotated[
            Align, Query(description="by the clock, by each session's start, or by given starts")
        ] = "time",
        start: Annotated[Instant | None, Query(description="first instant, with a zone")] = None,
        end: Annotated[Instant | None, Query(description="first instant no longer wanted")] = None,
        at: Annotated[
            list[str] | None, Query(description="of align=start: VEHICLE@INSTANT; repeat for several")
        ] = None,
        sessions: Annotated[
            int, Query(ge=1, le=50, description="of align=session: newest sessions of each vehicle")
        ] = 1,
        duration: Annotated[
            str | None, Query(description="longest line, such as 10m; needed by align=start")
        ] = None,
        max_points: Annotated[int, Query(ge=10, le=100_000, description="points per line")] = 1_000,
        method: Method = "lttb",
        shape: Shape = "points",
    ) -> Response:
        """One signal of many vehicles, or of many drives, each down-sampled as by a query; times from its origin.

        `align=time`: [start, end) of every vehicle, times since start. `align=session`: the newest sessions that begin
        in [start, end), or of all; times since each one's first sample. `align=start`: from each `at` for `duration`. At
        most 50 lines; what is not among them is in `left_out` with the reason.
        """
        refuse_many_points(max_points, limits)
        name = parse_signal(signal)
        wanted = Wanted(
            align,
            [part.strip() for text in vehicles or ["*"] for part in text.split(",")],
            _span(start, end, needed=align == "time"),
            None if duration is None else parse_duration(duration),
            sessions,
            [_given(text) for text in at or ()] if align == "start" else (),
        )
        head = {"message_name": name[0], "signal_name": name[1], "align": align}
        comparison = Comparison()
        lines: list[Line] = []

        def about() -> Asked:
            known = _known(reader, knowledge)
            lines.extend(wanted.lines(reader, known, comparison))
            prints = [_fingerprint(knowledge, line, known) for line in lines[:MAX_LINES]]
            tag = None
            if None not in prints:
                left = (comparison.left_out, comparison.left_out_count)
                tag = etag.tag_of_all(head, lines, prints, left, max_points, method, shape)
            closed = all(etag.is_closed(line.end_ns) for line in lines)
            return Asked(tag, closed, {"Vary": "Accept-Encoding"})

        def make() -> Made:
            compare(
                reader,
                name,
                lines,
                comparison,
                max_points=max_points,
                method=method,
                max_answer_points=limits.answer_points,
                memory=memory,
            )
            body = orjson.dumps(head | _json(comparison, shape), option=orjson.OPT_SERIALIZE_NUMPY)
            return Made(body, "application/json", comparison.whole)

        return await answering.respond(request, about, make)

    return router


def _span(start: str | None, end: str | None, *, needed: bool) -> tuple[int, int]:
    if needed and (start is None or end is None):
        raise BadQuery("align=time needs start and end", remedy="Add both, or use align=session")
    low = MIN_NS if start is None else parse_instant(start)
    high = MAX_NS if end is None else parse_instant(end)
    if high <= low:
        raise BadQuery("end must be after start", remedy="Ask for a range that has a length")
    return low, high


def _given(text: str) -> tuple[str, int]:
    vehicle_id, sign, instant = text.partition("@")
    if not (vehicle_id and sign and instant):
        raise BadQuery(f"{text[:80]!r} is not a start", remedy="Write VEHICLE@2026-02-12T14:00:00Z")
    # an address turns the + of a zone into a space
    return vehicle_id, parse_instant(instant.replace(" ", "+"))


def _known(reader: SignalReader, knowledge: Knowledge) -> Sequence[str]:
    """The vehicles that whoever asks may see."""
    known = knowledge.vehicle_ids()
    if known is None:
        return [vehicle.vehicle_id for vehicle in reader.vehicles()]
    scope = current()
    return [vehicle_id for vehicle_id in known if scope.allows(vehicle_id)]


def _fingerprint(knowledge: Knowledge, line: Line, known: Sequence[str]) -> str | None:
    """What a line is drawn from; a vehicle that is not theirs has that of one that does not exist."""
    if line.vehicle_id not in known:
        return "none"
    return knowledge.fingerprint(line.vehicle_id, line.start_ns, line.end_ns)


def _json(comparison: Comparison, shape: Shape) -> dict[str, Any]:
    results = comparison.results
    skipped = sum(result.skipped_objects for result in results)
    stats = {
        "rows_scanned": sum(result.rows_scanned for result in results),
        "bytes_scanned": sum(result.bytes_scanned for result in results),
        "duration_ms": round(sum(result.duration_ns for result in results) / 1e6),
    }
    return {
        "series": [_line(line, drawn, shape) for line, drawn in comparison.drawn],
        "left_out": [
            {
                "vehicle_id": item.vehicle_id,
                "reason": item.reason,
                "origin_time": None if item.origin_ns is None else format_instant(item.origin_ns),
            }
            for item in comparison.left_out
        ],
        "left_out_count": comparison.left_out_count,
        "query_stats": stats | ({"skipped_objects": skipped} if skipped else {}),
    }


def _line(line: Line, drawn: Drawn, shape: Shape) -> dict[str, Any]:
    resolution = drawn.resolution_ns
    return {
        "vehicle_id": line.vehicle_id,
        "origin_time": format_instant(line.origin_ns),
        "start_time": format_instant(line.start_ns),
        "end_time": format_instant(line.end_ns),
        "unit": drawn.source.unit,
        "downsampled": drawn.method != "raw",
        "source_points": drawn.source.points,
        "method": drawn.method,
        "resolution_ms": None if resolution is None else resolution / 1e6,
        "source": drawn.source.origin,
    } | points_json(drawn.t - line.origin_ns, drawn.v, shape)
