"""The endpoint of statistics: exact numbers about signals over ranges."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path
from fastapi.responses import Response

from api import errors
from api.answering import Answering
from api.encode import statistics_json
from api.stats import SignalStatistics, StatsResult, sum_up
from api.stats_models import StatsRequest, StatsResponse
from telemetry_pipeline.query.reader import SignalReader


def build(reader: SignalReader, answering: Answering) -> APIRouter:
    """The endpoint over a reader."""
    router = APIRouter(responses=errors.RESPONSES)

    @router.post(
        "/vehicles/{vehicle_id}/stats",
        tags=["query"],
        response_class=Response,
        responses={200: {"model": StatsResponse}},
    )
    async def stats(
        vehicle_id: Annotated[str, Path(examples=["VIN_DEMO_1"])], body: StatsRequest
    ) -> Response:
        """Exact statistics of signals over every sample of each range [start_time, end_time).

        No range is too long: whole buckets come from the overview, and only its ends from samples.
        """
        names = [(signal.message_name, signal.signal_name) for signal in body.signals]
        spans = [asked.span for asked in body.ranges]
        said = await answering.turn(
            lambda: orjson.dumps(_json(body, sum_up(reader, vehicle_id, names, spans)))
        )
        return Response(said, media_type="application/json")

    return router


def _json(body: StatsRequest, found: StatsResult) -> dict[str, object]:
    skipped = {"skipped_objects": found.skipped_objects} if found.skipped_objects else {}
    return {
        "ranges": [
            {
                "start_time": asked.start_time,
                "end_time": asked.end_time,
                "signals": [_signal(item) for item in items],
            }
            for asked, items in zip(body.ranges, found.ranges, strict=True)
        ],
        "query_stats": {
            "rows_scanned": found.rows_scanned,
            "bytes_scanned": found.bytes_scanned,
            "duration_ms": round(found.duration_ns / 1e6),
        }
        | skipped,
    }


def _signal(item: SignalStatistics) -> dict[str, object]:
    message, signal = item.name
    return {"name": signal, "message_name": message, "unit": item.unit} | statistics_json(item.statistics)
