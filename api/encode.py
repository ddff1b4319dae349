"""Answers as bytes: JSON in the documented shape, or an Arrow stream with exact nanoseconds."""

import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, Literal

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from api.query import Drawn, Result
from api.summary import Statistics
from telemetry_pipeline.lake import schema
from telemetry_pipeline.query.reader import SignalName

Shape = Literal["points", "columns"]
Choices = Mapping[SignalName, Mapping[str, str]]

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


def to_json(result: Result, shape: Shape = "points", choices: Choices | None = None) -> bytes:
    """The answer as JSON; NaN and infinities become null.

    Args:
        result: The answer.
        shape: `points`: `data` is a list of {t, v}; `columns`: `columns` has the lists t and v.
        choices: Names of values by signal, where there are some.
    """
    signals = [
        _head(drawn, choices or {}) | _gaps(drawn) | points_json(drawn.t, drawn.v, shape)
        for drawn in result.series
    ]
    return orjson.dumps(
        {"signals": signals, "query_stats": _query_stats(result)}, option=orjson.OPT_SERIALIZE_NUMPY
    )


def to_arrow(result: Result, choices: Choices | None = None) -> bytes:
    """The answer as an Arrow IPC stream: timestamp[ns], message_name, signal_name, value; one batch per signal.

    The schema's metadata has `query_stats` and `signals` as JSON: of each signal, in the order of the batches, what
    the JSON answer says beside its points, but for the edges of gaps, which are nanoseconds here: `gaps_ns`.
    """
    names = list(
        dict.fromkeys(name for drawn in result.series for name in (drawn.source.message, drawn.source.signal))
    )
    dictionary = pa.array(names, pa.string())
    about = []
    for drawn in result.series:
        gaps = (
            {} if drawn.gaps is None else {"gaps_ns": drawn.gaps.edges, "gaps_complete": drawn.gaps.complete}
        )
        about.append(_head(drawn, choices or {}) | {"points": len(drawn.t)} | gaps)
    metadata = {
        "query_stats": orjson.dumps(_query_stats(result)),
        "signals": orjson.dumps(about, option=orjson.OPT_SERIALIZE_NUMPY),
    }
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


def _head(drawn: Drawn, choices: Choices) -> dict[str, Any]:
    """What is said of a signal beside its points and gaps."""
    source, resolution = drawn.source, drawn.resolution_ns
    head: dict[str, Any] = {
        "name": source.signal,
        "message_name": source.message,
        "unit": source.unit,
        "downsampled": drawn.method != "raw",
        "source_points": source.points,
        "method": drawn.method,
        "resolution_ms": None if resolution is None else resolution / 1e6,
        "source": source.origin,
    }
    if named := choices.get((source.message, source.signal)):
        head["choices"] = named
    if drawn.stats is not None:
        head["stats"] = statistics_json(drawn.stats)
    if drawn.envelope is not None:
        envelope = drawn.envelope
        head["envelope"] = {"t": to_ms(envelope.t), "min": envelope.low, "max": envelope.high}
    return head


def _gaps(drawn: Drawn) -> dict[str, Any]:
    if drawn.gaps is None:
        return {}
    return {"gaps": to_ms(drawn.gaps.edges)} | ({} if drawn.gaps.complete else {"gaps_complete": False})


def points_json(t_ns: NDArray[np.int64], v: NDArray[np.float64], shape: Shape) -> dict[str, Any]:
    """Points in a shape, for orjson with its numpy option: `data` or `columns`, times in milliseconds."""
    t = to_ms(t_ns)
    if shape == "columns":
        return {"columns": {"t": t, "v": np.ascontiguousarray(v)}}
    text = io.BytesIO()  # as a string it would be copied twice more
    pl.DataFrame({"t": t, "v": v}).write_json(text)
    return {"data": orjson.Fragment(text.getvalue())}
