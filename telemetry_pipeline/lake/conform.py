"""Frames as other writers store them, brought to the columns and dtypes of `schema.RAW`.

What cannot be meant otherwise is converted. What would have to be guessed (text, numbers without a unit) is refused,
and single values that are no arbitration id become null, which the decoder counts as bad rows.

What computes is loaded when there is something to convert: it takes ten megabytes, and whoever only writes needs none.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow as pa

from telemetry_pipeline.errors import BadRaw, first_line
from telemetry_pipeline.lake import schema

_NS_SINCE: Final = 10**17
"""Integers from here on (March 1973 in nanoseconds) are nanoseconds: no coarser unit reaches them before 5138."""

_ID_MAX: Final = 2**32 - 1
_REMOTE_AND_ERROR: Final = 3 << 29
"""SocketCAN's two flag bits that no frame has both of: such a number is no id, but the fill of unwritten memory."""


def check_columns(names: Sequence[str], where: str, *, wanted: pa.Schema = schema.RAW) -> None:
    """Check that the required columns are there, and none of the wanted ones twice.

    Raises:
        BadRaw: They are not; the message lists what is missing and what was found.
    """
    if missing := [name for name in schema.RAW_REQUIRED.names if name not in names]:
        found = ", ".join(_in_one_line(name) for name in names[:20]) or "none"
        raise BadRaw(f"columns {', '.join(missing)} are missing; found: {found}", where)
    if doubled := {name for name in wanted.names if names.count(name) > 1}:
        raise BadRaw(f"columns {', '.join(sorted(doubled))} are there twice", where)


def _in_one_line(name: str) -> str:
    """A column's name as far as a message shows it: a writer may have put anything into it."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:40])


def conform_raw(table: pa.Table, where: str, *, wanted: pa.Schema = schema.RAW) -> pa.Table:
    """Bring a table of frames to the columns, order and dtypes of `RAW` or `RAW_FD`, with defaults for optional ones.

    Columns may hold nulls. `is_extended_id`, when absent, is `arb_id` above 0x7FF; the other flags are false, the
    channel is "".

    Raises:
        BadRaw: A column cannot be converted without changing a value or guessing what it means.
    """
    import pyarrow.compute as pc  # noqa: PLC0415

    columns = []
    for field in wanted:
        if field.name in table.column_names:
            columns.append(_converted(table[field.name], field, where))
        elif field.name == "is_extended_id":
            columns.append(pc.greater(columns[1], pa.scalar(schema.STANDARD_ID_MAX, pa.uint32())))
        else:
            default = pa.scalar("" if field.name == "channel" else False, field.type)
            columns.append(pa.repeat(default, table.num_rows))
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in wanted]))


def _converted(column: pa.ChunkedArray, field: pa.Field, where: str) -> pa.ChunkedArray:
    convert = _CONVERT.get(field.name)
    try:
        if convert is not None:
            return convert(column)
        return _plain(column, field.type)
    except (_Refused, pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise BadRaw(
            f"column {field.name} is {column.type} and does not convert to {field.type} ({first_line(error)})",
            where,
        ) from error


class _Refused(Exception):
    """Why a column is not converted."""


def _times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc  # noqa: PLC0415

    if column.type == schema.TIMESTAMP:
        return column
    if pa.types.is_integer(column.type):
        column = column.cast(pa.int64())
        first = pc.min(column).as_py()
        if first is not None and first < _NS_SINCE:
            raise _Refused("not a timestamp: only nanoseconds since 1970 can be told by their size")
        return column.cast(schema.TIMESTAMP)
    if not pa.types.is_timestamp(column.type):
        raise _Refused("not a timestamp")
    if column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit))  # a zone names the same instant: drop it
    return column.cast(schema.TIMESTAMP)


def _ids(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Arbitration ids; a negative, fractional or oversized number is none and becomes null."""
    import pyarrow.compute as pc  # noqa: PLC0415

    if column.type != pa.uint32():
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise _Refused("not a number: text is not guessed at")
        if column.type != pa.uint64():
            column = column.cast(pa.int64() if pa.types.is_integer(column.type) else pa.float64())
        low, high = (pa.scalar(limit, column.type) for limit in (0, _ID_MAX))
        is_id = pc.and_(pc.greater_equal(column, low), pc.less_equal(column, high))
        if pa.types.is_floating(column.type):
            is_id = pc.and_(is_id, pc.equal(column, pc.floor(column)))
        column = pc.if_else(is_id, column, pa.scalar(None, column.type)).cast(pa.uint32())
    if (pc.max(column).as_py() or 0) >= _REMOTE_AND_ERROR:
        both = pa.scalar(_REMOTE_AND_ERROR, pa.uint32())
        no_id = pc.equal(pc.bit_wise_and(column, both), both)
        column = pc.if_else(no_id, pa.scalar(None, pa.uint32()), column)
    return column


def _payloads(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if kind == pa.binary():
        return column
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        if not pa.types.is_integer(kind.value_type):
            raise _Refused("a list of something else than bytes")
        return pa.chunked_array([[_bytes(row) for row in column.to_pylist()]], pa.binary())
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if not (
        pa.types.is_binary(column.type)
        or pa.types.is_large_binary(column.type)
        or pa.types.is_fixed_size_binary(column.type)
    ):
        raise _Refused("neither bytes nor a list of bytes: text is not guessed at")
    return column.cast(pa.binary())


def _bytes(row: list[int] | None) -> bytes | None:
    return None if row is None else bytes(row)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _plain(column: pa.ChunkedArray, kind: Any) -> pa.ChunkedArray:  # noqa: ANN401  pyarrow has no types
    """A number or a flag of another width."""
    if column.type == kind:
        return column
    if not (pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)):
        raise _Refused("neither a whole number nor a flag")
    return column.cast(kind)


_CONVERT: Final[dict[str, Callable[[pa.ChunkedArray], pa.ChunkedArray]]] = {
    "timestamp": _times,
    "arb_id": _ids,
    "data": _payloads,
    "vehicle_id": _texts,
    "channel": _texts,
}
