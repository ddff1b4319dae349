"""The endpoint of exports: every row of a range as a file, sent while it is read."""

from collections.abc import Generator, Sequence
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response

from api import errors
from api.compress import coding_for, squeezed
from api.export import MEDIA_TYPES, Format, to_csv, to_parquet
from api.known_signals import check_signals, signals_of
from api.models import Instant
from api.signal_names import parse_signals
from api.streaming import Stream, Workers
from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.instant import format_instant, parse_instant
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.reader import SignalName, SignalReader
from telemetry_pipeline.query.row_export import MAX_SIGNALS, RowExport

SKIPPED: Final = "Telemetry-Skipped-Objects"

_PARQUET: Final = ("parquet", "application/vnd.apache.parquet")
_FILES: Final = {
    media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
    for media_type in MEDIA_TYPES.values()
}


def build(store: Store, objects: ObjectReader, reader: SignalReader, workers: Workers) -> APIRouter:
    """The endpoint.

    Args:
        store: The lake, whose rows are exported.
        objects: Reads the footers of its objects.
        reader: Knows which signals there are.
        workers: Where rows are read and written.
    """
    router = APIRouter(responses=errors.RESPONSES)

    @router.get(
        "/vehicles/{vehicle_id}/export",
        tags=["data"],
        response_class=Response,
        responses={200: {"description": "the file", "content": _FILES}},
    )
    async def export_rows(
        request: Request,
        vehicle_id: Annotated[str, Path(examples=["VIN_DEMO_1"])],
        *,
        start: Annotated[
            Instant, Query(description="first instant, with a zone", examples=["2025-02-12T14:00:00Z"])
        ],
        end: Annotated[
            Instant, Query(description="first instant no longer wanted", examples=["2025-02-12T15:00:00Z"])
        ],
        signals: Annotated[
            list[str] | None,
            Query(description="Message.Signal, several with commas between them", examples=[["Drive.Speed"]]),
        ] = None,
        message: Annotated[
            list[str] | None, Query(description="all signals of a message; repeat for several")
        ] = None,
        format: Annotated[  # noqa: A002  the parameter's name
            Format | None, Query(description="default: what Accept says, else csv")
        ] = None,
        accept: Annotated[str, Header()] = "",
        accept_encoding: Annotated[str, Header()] = "",
    ) -> Response:
        """Every row of the signals in [start, end), in order of time, as CSV or Parquet.

        The columns are those of decoded objects. The file is sent while the lake is read; an answer that breaks off is
        not whole. `Telemetry-Skipped-Objects` counts objects of the range that cannot be read, where there are any.
        """
        start_ns, end_ns = parse_instant(start), parse_instant(end)
        if end_ns <= start_ns:
            raise BadQuery("end must be after start", remedy="Ask for a range that has a length")
        chosen: Format = format or ("parquet" if any(name in accept for name in _PARQUET) else "csv")
        wanted = await workers.run(lambda: _wanted(reader, vehicle_id, signals or (), message or ()))
        export = RowExport(store, objects, vehicle_id, wanted, start_ns, end_ns)
        async for _ in workers.pieces(export.prepare()):
            if await request.is_disconnected():
                return Response()
        headers = {
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'attachment; filename="{_file_name(export)}.{chosen}"',
            "Vary": "Accept, Accept-Encoding",
        }
        if export.skipped:
            headers[SKIPPED] = str(len(export.skipped))
        coding = coding_for(accept_encoding) if chosen == "csv" else None  # Parquet is compressed already
        if coding is not None:
            headers["Content-Encoding"] = coding
        body = workers.pieces(squeezed(_body(export, chosen), coding))
        return Stream(body, headers=headers, media_type=MEDIA_TYPES[chosen])

    return router


def _wanted(
    reader: SignalReader, vehicle_id: str, signals: Sequence[str], messages: Sequence[str]
) -> list[SignalName]:
    names = parse_signals(signals, MAX_SIGNALS)
    if not (names or messages):
        raise BadQuery("no signals are asked for", remedy="Add signals=Message.Signal or message=Message")
    check_signals(reader, vehicle_id, names)
    names += [(message, signal) for message in messages for signal in signals_of(reader, vehicle_id, message)]
    if len(set(names)) > MAX_SIGNALS:
        raise BadQuery(
            f"{len(set(names))} signals are asked for, the limit is {MAX_SIGNALS}",
            remedy="Export some of them at a time",
        )
    return list(dict.fromkeys(names))


def _body(export: RowExport, chosen: Format) -> Generator[bytes, None, None]:
    if chosen == "csv":
        return to_csv(export.tables())
    said = {
        "vehicle_id": export.vehicle_id,
        "start_time": format_instant(export.start_ns),
        "end_time": format_instant(export.end_ns),
        "signals": [".".join(name) for name in export.wanted],
        "skipped_objects": len(export.skipped),
    }
    return to_parquet(export.tables(), {"export": orjson.dumps(said).decode()})


def _file_name(export: RowExport) -> str:
    """The vehicle and the range: nothing that a file system or a header would take for more than letters."""
    first, last = (layout.stem_of(ns) for ns in (export.start_ns, export.end_ns))
    return f"{export.vehicle_id}_{first}_{last}"
