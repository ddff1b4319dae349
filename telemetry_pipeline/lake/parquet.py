"""One object as Parquet bytes: written the same way every time, read with a clear error when it is broken.

What the columns are is `schema`'s business, where the bytes go is `store`'s.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import schema

FOOTER_PREFIX: Final = "can_telemetry."
"""Our own footer entries begin with this; other writers' entries are not ours to read."""

ROW_GROUP_MIN: Final = 131_072
ROW_GROUP_MAX: Final = 1_048_576
"""Row groups end at a signal's end once they hold the minimum, and never hold more than the maximum."""

_READ_ERRORS = (pa.ArrowException, OSError, ValueError)


def write_raw(table: pa.Table, footer: Mapping[str, str] | None = None) -> bytes:
    """Write frames (schema `RAW`) as a raw object, with `footer` as our own footer entries."""
    return _write(
        table.cast(schema.RAW),
        [table.num_rows],
        footer or {},
        use_dictionary=["arb_id", "dlc", "data", "vehicle_id", "channel"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        write_statistics=["timestamp", "arb_id"],
    )


def write_decoded(table: pa.Table, runs: Iterable[int], footer: Mapping[str, str]) -> bytes:
    """Write signal values (schema `DECODED`, sorted by message, signal, time) as a decoded object.

    The Arrow schema is not stored: with it, readers take the names for dictionaries and stop pruning row groups.

    Args:
        table: The rows.
        runs: How many rows each signal has, in the table's order: row groups are cut at these borders.
        footer: Our own footer entries, without their prefix.
    """
    return _write(
        table.cast(schema.DECODED),
        row_group_sizes(runs),
        footer,
        use_dictionary=["vehicle_id", "message_name", "signal_name", "unit", "channel"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED", "value": "PLAIN"},
        # statistics of the constant columns cost more than all compression, and nobody prunes by them
        write_statistics=["timestamp", "signal_name"],
    )


def _write(
    table: pa.Table,
    groups: Sequence[int],
    footer: Mapping[str, str],
    *,
    use_dictionary: list[str],
    column_encoding: dict[str, str],
    write_statistics: list[str],
) -> bytes:
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        table.schema.remove_metadata(),
        compression="zstd",
        compression_level=1,
        store_schema=False,
        use_dictionary=use_dictionary,
        column_encoding=column_encoding,
        write_statistics=write_statistics,
    ) as writer:
        start = 0
        for rows in groups:
            writer.write_table(table.slice(start, rows), row_group_size=max(rows, 1))
            start += rows
        writer.add_key_value_metadata({f"{FOOTER_PREFIX}{name}": text for name, text in footer.items()})
    return sink.getvalue()


def row_group_sizes(runs: Iterable[int]) -> list[int]:
    """Rows of each row group for signals of `runs` rows each: cut at a signal's end, within the two limits."""
    sizes: list[int] = []
    held = 0
    for run in runs:
        rows = run
        if held and held + rows > ROW_GROUP_MAX:
            sizes.append(held)
            held = 0
        while rows > ROW_GROUP_MAX:
            sizes.append(ROW_GROUP_MAX)
            rows -= ROW_GROUP_MAX
        held += rows
        if held >= ROW_GROUP_MIN:
            sizes.append(held)
            held = 0
    if held:
        sizes.append(held)
    return sizes


def open_object(source: bytes | BinaryIO, where: str) -> pq.ParquetFile:
    """Open an object, as bytes or as a file, for reading row groups and columns.

    Raises:
        BadRaw: It is not a Parquet file.
    """
    try:
        return pq.ParquetFile(pa.BufferReader(source) if isinstance(source, bytes) else source)
    except _READ_ERRORS as error:
        raise BadRaw(f"not a readable Parquet file ({_first_line(error)})", where) from error


def read_footer(file: pq.ParquetFile) -> dict[str, str]:
    """Our own footer entries of an open object, without their prefix."""
    entries = file.metadata.metadata or {}
    prefix = FOOTER_PREFIX.encode()
    return {
        key[len(prefix) :].decode(): text.decode() for key, text in entries.items() if key.startswith(prefix)
    }


def read_raw(body: bytes, where: str) -> pa.Table:
    """Read a raw object as frames: schema `RAW`, but required columns may hold nulls, which the decoder counts.

    Columns of another integer or binary type are converted when every value fits; optional columns that are
    absent get their defaults (`is_extended_id`: arb_id above 0x7FF; flags: false; channel: "").

    Args:
        body: The object's bytes.
        where: Its key, for messages.

    Raises:
        BadRaw: It is no Parquet file, a required column is missing, or a column cannot be converted.
    """
    file = open_object(body, where)
    names = file.schema_arrow.names
    missing = [name for name in schema.RAW_REQUIRED.names if name not in names]
    if missing:
        raise BadRaw(f"columns {', '.join(missing)} are missing", where)
    if doubled := {name for name in schema.RAW.names if names.count(name) > 1}:
        raise BadRaw(f"columns {', '.join(sorted(doubled))} are there twice", where)
    try:
        table = file.read(columns=[name for name in schema.RAW.names if name in names])
    except _READ_ERRORS as error:
        raise BadRaw(f"its data cannot be read ({_first_line(error)})", where) from error
    return conform_raw(table, where)


def conform_raw(table: pa.Table, where: str) -> pa.Table:
    """Bring a table of frames to the columns, order and dtypes of `RAW`, with defaults for optional ones.

    Raises:
        BadRaw: A column cannot be converted without changing a value.
    """
    columns = []
    for field in schema.RAW:
        if field.name in table.column_names:
            columns.append(_converted(table[field.name], field, where))
        elif field.name == "is_extended_id":
            columns.append(pc.greater(columns[1], pa.scalar(schema.STANDARD_ID_MAX, pa.uint32())))
        else:
            default = pa.scalar("" if field.name == "channel" else False, field.type)
            columns.append(pa.repeat(default, table.num_rows))
    nullable = pa.schema([field.with_nullable(True) for field in schema.RAW])
    return pa.table(columns, schema=nullable)


def _converted(column: pa.ChunkedArray, field: pa.Field, where: str) -> pa.ChunkedArray:
    if pa.types.is_timestamp(field.type) and not pa.types.is_timestamp(column.type):
        raise BadRaw(f"column {field.name} is {column.type}, not a timestamp", where)
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit))  # a zone names the same instant: drop it
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise BadRaw(
            f"column {field.name} is {column.type} and does not convert to {field.type} ({_first_line(error)})",
            where,
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]
