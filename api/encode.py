"""Answers as bytes: JSON in the documented shape, or an Arrow stream with exact nanoseconds."""

import io
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from api.query import Drawn, Result
from api.summary import Statistics
from telemetry_pipeline.lake import schema

ARROW_TYPE: Final = "application/vnd.apache.arrow.stream"

_NAME: Final = pa.dictionary(pa.int32(), pa.string())
_ARROW: Final = pa.schema(
    [
        pa.field("timestamp", schema.TIMESTAMP),
        pa.field("message_name", _NAME),
        pa.field("signal_name", _NAME),
        pa.field("value", pa.float64()),
    ]
)


def to_ms(ns: NDArray[np.int64] | np.int64) -> NDArray[np.float64]:
    """Milliseconds with their fraction, to the nearest float64 (a quarter of a microsecond today)."""
    # whole and fraction apart: as one float64 the nanoseconds themselves would be rounded to 256
    whole, rest = np.divmod(ns, 1_000_000)
    return np.asarray(whole + rest / 1e6, dtype=np.float64)


def to_json(result: Result) -> bytes:
    """The answer as JSON; NaN and infinities become null."""
    stats: dict[str, Any] = _query_stats(result)
    return orjson.dumps(
        {"signals": [_signal(drawn) for drawn in result.series], "query_stats": stats},
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def to_arrow(result: Result) -> bytes:
    """The answer as an Arrow IPC stream: timestamp[ns], message_name, signal_name, value; one batch per signal.

    The schema's metadata has `query_stats` as JSON.
    """
    names = list(
        dict.fromkeys(name for drawn in result.series for name in (drawn.source.message, drawn.source.signal))
    )
    dictionary = pa.array(names, pa.string())
    metadata = {"query_stats": orjson.dumps(_query_stats(result))}
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, _ARROW.with_metadata(metadata)) as stream:
        for drawn in result.series:
            codes = [
                pa.repeat(pa.scalar(names.index(name), pa.int32()), len(drawn.t))
                for name in (drawn.source.message, drawn.source.signal)
            ]
            columns = [
                pa.array(drawn.t).cast(schema.TIMESTAMP),
                *(pa.DictionaryArray.from_arrays(code, dictionary) for code in codes),
                pa.array(drawn.v),
            ]
            stream.write_batch(pa.record_batch(columns, schema=_ARROW))
    return sink.getvalue()


def statistics_json(stats: Statistics) -> dict[str, Any]:
    """Statistics as they are written: times in milliseconds since the epoch."""
    values = asdict(stats)
    for name, value in values.items():
        if name.startswith("t_") and value is not None:
            values[name] = float(to_ms(np.int64(value)))
    return values


def _query_stats(result: Result) -> dict[str, Any]:
    stats = {
        "rows_scanned": result.rows_scanned,
        "bytes_scanned": result.bytes_scanned,
        "duration_ms": round(result.duration_ns / 1e6),
    }
    return stats | ({"skipped_objects": result.skipped_objects} if result.skipped_objects else {})


def _signal(drawn: Drawn) -> dict[str, Any]:
    resolution = drawn.resolution_ns
    signal: dict[str, Any] = {
        "name": drawn.source.signal,
        "message_name": drawn.source.message,
        "unit": drawn.source.unit,
        "downsampled": drawn.method != "raw",
        "source_points": drawn.source.points,
        "method": drawn.method,
        "resolution_ms": None if resolution is None else resolution / 1e6,
        "source": drawn.source.origin,
        "data": orjson.Fragment(pl.DataFrame({"t": to_ms(drawn.t), "v": drawn.v}).write_json()),
    }
    if drawn.stats is not None:
        signal["stats"] = statistics_json(drawn.stats)
    if drawn.gaps is not None:
        signal["gaps"] = to_ms(drawn.gaps.edges)
        signal |= {} if drawn.gaps.complete else {"gaps_complete": False}
    if drawn.envelope is not None:
        envelope = drawn.envelope
        signal["envelope"] = {"t": to_ms(envelope.t), "min": envelope.low, "max": envelope.high}
    return signal
