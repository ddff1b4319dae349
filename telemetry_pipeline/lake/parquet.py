"""One object as Parquet bytes: written the same way every time, read with a clear error when it is broken.

What the columns are is `schema`'s business, where the bytes go is `store`'s.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.errors import BadRaw, first_line
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.conform import check_columns, conform_raw

FOOTER_PREFIX: Final = "can_telemetry."
"""Our own footer entries begin with this; other writers' entries are not ours to read."""

BATCH_ROWS: Final = 150_000
"""Frames read and decoded at a time."""

RAW_ROWS_MAX: Final = 50_000_000
RAW_BYTES_MAX: Final = 1 << 32
"""What one raw object may claim to hold; agents cut theirs at a fiftieth of it."""

_LOOKED_AT: Final = 4096
_ALIKE_MOST: Final = 0.4
"""Payloads of which more are their own are smaller, and written sooner, without a dictionary."""

_READ_ERRORS = (pa.ArrowException, OSError, ValueError)


def write_raw(table: pa.Table, footer: Mapping[str, str] | None = None) -> bytes:
    """Write frames (schema `RAW` or `RAW_FD`, with codes or without) as a raw object, with our own entries `footer`.

    The bytes are the same with codes and without, but are made in less time with them. Flags of CAN FD that no frame
    has are not written.
    """
    if not _has_fd_flags(table):
        table = table.drop_columns([name for name in schema.FD_FLAGS.names if name in table.column_names])
        forms = schema.RAW, schema.RAW_CODED
    else:
        forms = schema.RAW_FD, schema.RAW_FD_CODED
    columns = forms[1] if table.schema == forms[1] else forms[0]
    return _write(
        [table if table.schema == columns else table.cast(columns)],
        lambda: footer or {},
        use_dictionary=[
            "arb_id",
            "dlc",
            "vehicle_id",
            "channel",
            *(["data"] if _repeats(table["data"]) else []),
        ],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        write_statistics=["timestamp", "arb_id"],
        columns=columns,
    )


def _has_fd_flags(table: pa.Table) -> bool:
    flags = [table[name] for name in schema.FD_FLAGS.names if name in table.column_names]
    return any(bool(flag.to_numpy().any()) for flag in flags)


def _repeats(payloads: pa.ChunkedArray) -> bool:
    """Whether payloads are alike so often that a dictionary of them is worth its room, by a look into their middle."""
    some = payloads.slice(max(len(payloads) - _LOOKED_AT, 0) // 2, _LOOKED_AT).to_pylist()
    return len(some) < _LOOKED_AT or len(set(some)) <= _ALIKE_MOST * len(some)


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


def open_object(source: bytes | BinaryIO, where: str) -> pq.ParquetFile:
    """Open an object, as bytes or as a file, for reading row groups and columns.

    Raises:
        BadRaw: It is not a Parquet file.
    """
    try:
        if isinstance(source, bytes):  # all of it is there: nothing is gained by reading ahead
            return pq.ParquetFile(pa.BufferReader(source), pre_buffer=False)
        return pq.ParquetFile(source)
    except _READ_ERRORS as error:
        raise BadRaw(f"not a readable Parquet file ({first_line(error)})", where) from error


def read_footer(file: pq.ParquetFile) -> dict[str, str]:
    """Our own footer entries of an open object, without their prefix."""
    entries = file.metadata.metadata or {}
    prefix = FOOTER_PREFIX.encode()
    return {
        key[len(prefix) :].decode(): text.decode() for key, text in entries.items() if key.startswith(prefix)
    }


def read_raw(body: bytes, where: str, *, wanted: pa.Schema = schema.RAW) -> pa.Table:
    """Read a raw object as frames in one table; see `read_raw_batches`."""
    return pa.concat_tables(read_raw_batches(body, where, wanted=wanted))


def read_raw_batches(
    body: bytes, where: str, rows: int = BATCH_ROWS, *, wanted: pa.Schema = schema.RAW
) -> Iterator[pa.Table]:
    """Read a raw object as frames, a bounded number at a time: a few bytes of Parquet can stand for millions of rows.

    Args:
        body: The object's bytes.
        where: Its key, for messages.
        rows: The most frames in one table.
        wanted: `RAW`, or `RAW_FD` for who wants the flags of CAN FD, too.

    Yields:
        Tables of the wanted schema, whose columns may hold nulls; at least one, which may be empty.

    Raises:
        BadRaw: It is no Parquet file, claims more than an object may hold, or its columns are not those of frames.
    """
    file = open_object(body, where)
    _check_claims(file.metadata, where)
    names = file.schema_arrow.names
    check_columns(names, where, wanted=wanted)
    columns = [name for name in wanted.names if name in names]
    try:
        if file.metadata.num_rows <= rows:
            yield conform_raw(file.read(columns=columns, use_threads=False), where, wanted=wanted)
            return
        for batch in file.iter_batches(batch_size=rows, columns=columns, use_threads=False):
            yield conform_raw(pa.Table.from_batches([batch]), where, wanted=wanted)
    except _READ_ERRORS as error:
        raise BadRaw(f"its data cannot be read ({first_line(error)})", where) from error


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
