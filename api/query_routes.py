"""The endpoints of queries: a question as JSON, or as an address that browsers and proxies can keep answers to."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from api import encode, errors, etag
from api.answering import Answering, Asked, Made
from api.downsample import Method
from api.guarded import refuse_many_points
from api.knowledge import Knowledge
from api.models import MAX_SIGNALS, ColumnsResponse, Instant, QueryRequest, QueryResponse, Shape
from api.query import Memory, Question, ask
from api.scopes import visible
from api.signal_names import parse_signals
from telemetry_pipeline.query.reader import SignalName, SignalReader
from telemetry_pipeline.service_settings import Limits

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": QueryResponse | ColumnsResponse,
        "content": {encode.ARROW_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "the answer that the client has still holds"},
}
_VARY: Final = "Accept, Accept-Encoding"


def build(reader: SignalReader, knowledge: Knowledge, limits: Limits, answering: Answering) -> APIRouter:
    """The endpoints; answers are made in threads, so that a long query stops nobody else."""
    router = APIRouter(responses=errors.RESPONSES)
    memory = Memory()

    async def answer(vehicle_id: str, body: QueryRequest, request: Request) -> Response:
        refuse_many_points(body.max_points, limits)
        names = [(signal.message_name, signal.signal_name) for signal in body.signals]
        question = Question(
            vehicle_id, names, body.start_ns, body.end_ns, body.max_points, body.method, body.include
        )
        arrow = encode.ARROW_TYPE in request.headers.get("accept", "")
        choices: dict[SignalName, dict[str, str]] = {}

        def about() -> Asked:
            with visible(vehicle_id):
                choices.update(_choices(knowledge, question))
                fingerprint = knowledge.fingerprint(vehicle_id, question.start_ns, question.end_ns)
            tag = None
            if fingerprint is not None:
                form = "arrow" if arrow else body.shape
                tag = etag.tag_of(question, form, fingerprint, repr(sorted(choices.items())))
            return Asked(tag, etag.is_closed(question.end_ns), {"Vary": _VARY})

        def make() -> Made:
            result = ask(reader, question, max_answer_points=limits.answer_points, memory=memory)
            request.state.query = result
            if arrow:
                return Made(encode.to_arrow(result, choices), encode.ARROW_TYPE, not result.skipped_objects)
            content = encode.to_json(result, body.shape, choices)
            return Made(content, "application/json", not result.skipped_objects)

        return await answering.respond(request, about, make)

    @router.post(
        "/vehicles/{vehicle_id}/query", tags=["query"], response_class=Response, responses=_RESPONSES
    )
    async def query(
        vehicle_id: Annotated[str, Path(examples=["VIN_DEMO_1"])], body: QueryRequest, request: Request
    ) -> Response:
        """Samples of signals in [start_time, end_time), down-sampled to max_points each where there are more.

        `Accept: application/vnd.apache.arrow.stream` answers as an Arrow IPC stream with exact nanoseconds. An answer
        about a range that is over has an ETag; sent back in If-None-Match, it is answered with 304 while it holds.
        """
        return await answer(vehicle_id, body, request)

    @router.get("/vehicles/{vehicle_id}/query", tags=["query"], response_class=Response, responses=_RESPONSES)
    async def query_by_address(
        vehicle_id: Annotated[str, Path(examples=["VIN_DEMO_1"])],
        request: Request,
        *,
        signals: Annotated[
            list[str],
            Query(description="Message.Signal, several with commas between them", examples=[["Drive.Speed"]]),
        ],
        start: Annotated[Instant, Query(description="first instant, with a zone")],
        end: Annotated[Instant, Query(description="first instant no longer wanted")],
        max_points: Annotated[int, Query(ge=10, le=100_000)] = 10_000,
        method: Method = "lttb",
        include: Annotated[
            list[str] | None, Query(description="stats, gaps, envelope; repeat for several")
        ] = None,
        shape: Shape = "points",
    ) -> Response:
        """The same as an address: what browsers keep and ask about with If-None-Match by themselves."""
        names = parse_signals(signals, MAX_SIGNALS)
        asked = {
            "signals": [{"message_name": message, "signal_name": signal} for message, signal in names],
            "start_time": start,
            "end_time": end,
            "max_points": max_points,
            "method": method,
            "include": include or [],
            "shape": shape,
        }
        return await answer(vehicle_id, _request(asked), request)

    @router.api_route(
        "/vehicles/{vehicle_id}/query",
        methods=["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"],
        include_in_schema=False,
    )
    def refuse_other_methods() -> None:
        """The framework would name the methods of the first endpoint alone."""
        raise HTTPException(405, headers={"Allow": "GET, POST"})

    return router


def _request(asked: dict[str, Any]) -> QueryRequest:
    try:
        return QueryRequest.model_validate(asked)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def _choices(knowledge: Knowledge, question: Question) -> dict[SignalName, dict[str, str]]:
    """The names of values of those signals that have some."""
    dictionary = knowledge.dictionary(question.vehicle_id, question.end_ns)
    known = {name: dictionary.signal(*name) for name in question.signals}
    return {name: dict(found.choices) for name, found in known.items() if found is not None and found.choices}
