"""One object as Parquet bytes: written the same way every time, read with a clear error when it is broken.

What the columns are is `schema`'s business, where the bytes go is `store`'s.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.conform import check_columns, conform_raw

FOOTER_PREFIX: Final = "can_telemetry."
"""Our own footer entries begin with this; other writers' entries are not ours to read."""

ROW_GROUP_MIN: Final = 131_072
ROW_GROUP_MAX: Final = 1_048_576
"""Row groups end at a signal's end once they hold the minimum, and never hold more than the maximum."""

BATCH_ROWS: Final = 150_000
"""Frames read and decoded at a time."""

RAW_ROWS_MAX: Final = 50_000_000
RAW_BYTES_MAX: Final = 1 << 32
"""What one raw object may claim to hold; agents cut theirs at a fiftieth of it."""

_READ_ERRORS = (pa.ArrowException, OSError, ValueError)


def write_raw(table: pa.Table, footer: Mapping[str, str] | None = None) -> bytes:
    """Write frames (schema `RAW`) as a raw object, with `footer` as our own footer entries."""
    return _write(
        [table.cast(schema.RAW)],
        lambda: footer or {},
        use_dictionary=["arb_id", "dlc", "data", "vehicle_id", "channel"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        write_statistics=["timestamp", "arb_id"],
    )


def write_decoded(table: pa.Table, runs: Iterable[int], footer: Mapping[str, str]) -> bytes:
    """Write signal values (schema `DECODED`, sorted by message, signal, time) as a decoded object.

    Args:
        table: The rows.
        runs: How many rows each signal has, in the table's order: row groups are cut at these borders.
        footer: Our own footer entries, without their prefix.
    """
    groups: list[pa.Table] = []
    start = 0
    for size in row_group_sizes(runs):
        groups.append(table.slice(start, size))
        start += size
    return write_decoded_groups(groups, lambda: footer)


def write_decoded_groups(groups: Iterable[pa.Table], footer: Callable[[], Mapping[str, str]]) -> bytes:
    """Write signal values that come row group by row group; see `write_decoded`. No more than one of them is held.

    The Arrow schema is not stored: with it, readers take the names for dictionaries and stop pruning row groups.

    Args:
        groups: The rows, in groups of `row_group_sizes`.
        footer: Gives our own footer entries, without their prefix, once all groups are written.
    """
    return _write(
        (group if group.schema.equals(schema.DECODED) else group.cast(schema.DECODED) for group in groups),
        footer,
        use_dictionary=["vehicle_id", "message_name", "signal_name", "unit", "channel"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED", "value": "PLAIN"},
        # statistics of the constant columns cost more than all compression, and nobody prunes by them
        write_statistics=["timestamp", "signal_name"],
        columns=schema.DECODED,
    )


def write_events(table: pa.Table, footer: Mapping[str, str]) -> bytes:
    """Write what rules found in one decoded object (schema `EVENTS`), with `footer` as our own footer entries."""
    return _write(
        [table],
        lambda: footer,
        use_dictionary=[field.name for field in schema.EVENTS if pa.types.is_dictionary(field.type)],
        column_encoding={},
        write_statistics=["timestamp", "last_timestamp"],
        columns=schema.EVENTS,
    )


def _write(
    groups: Iterable[pa.Table],
    footer: Callable[[], Mapping[str, str]],
    *,
    use_dictionary: list[str],
    column_encoding: dict[str, str],
    write_statistics: list[str],
    columns: pa.Schema = schema.RAW,
) -> bytes:
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        columns,
        compression="zstd",
        compression_level=1,
        store_schema=False,
        use_dictionary=use_dictionary,
        column_encoding=column_encoding,
        write_statistics=write_statistics,
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(group.num_rows, 1))
        writer.add_key_value_metadata({f"{FOOTER_PREFIX}{name}": text for name, text in footer().items()})
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
    """Read a raw object as frames in one table; see `read_raw_batches`."""
    return pa.concat_tables(read_raw_batches(body, where))


def read_raw_batches(body: bytes, where: str, rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """Read a raw object as frames, a bounded number at a time: a few bytes of Parquet can stand for millions of rows.

    Args:
        body: The object's bytes.
        where: Its key, for messages.
        rows: The most frames in one table.

    Yields:
        Tables of schema `RAW`, whose required columns may hold nulls; at least one, which may be empty.

    Raises:
        BadRaw: It is no Parquet file, claims more than an object may hold, or its columns are not those of frames.
    """
    file = open_object(body, where)
    _check_claims(file.metadata, where)
    names = file.schema_arrow.names
    check_columns(names, where)
    columns = [name for name in schema.RAW.names if name in names]
    try:
        if file.metadata.num_rows <= rows:
            yield conform_raw(file.read(columns=columns), where)
            return
        for batch in file.iter_batches(batch_size=rows, columns=columns, use_threads=False):
            yield conform_raw(pa.Table.from_batches([batch]), where)
    except _READ_ERRORS as error:
        raise BadRaw(f"its data cannot be read ({_first_line(error)})", where) from error


def _check_claims(metadata: pq.FileMetaData, where: str) -> None:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    if metadata.num_rows != sum(group.num_rows for group in groups):
        raise BadRaw(f"its footer claims {metadata.num_rows} rows, its row groups do not", where)
    size = sum(group.total_byte_size for group in groups)
    if metadata.num_rows > RAW_ROWS_MAX or size > RAW_BYTES_MAX:
        raise BadRaw(
            f"claims {metadata.num_rows:,} rows and {size:,} bytes unpacked; "
            f"one object holds at most {RAW_ROWS_MAX:,} and {RAW_BYTES_MAX:,}",
            where,
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]
