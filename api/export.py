"""Exported rows as a file that is sent while it is written: CSV or Parquet. Which rows is `row_export`'s business."""

import io
from collections.abc import Generator, Iterable, Mapping
from typing import Final, Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from api.sink import Sink
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.parquet import FOOTER_PREFIX

Format = Literal["csv", "parquet"]

MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
}

_NAMES: Final = [field.name for field in schema.DECODED if pa.types.is_dictionary(field.type)]
_GROUP_ROWS: Final = 262_144
"""Rows of a row group: they are held until it is written."""

_TEXT_ROWS: Final = 16_384
"""Rows that are text at a time, a megabyte: on its way out a piece is copied some times."""

_TIME: Final = "%Y-%m-%dT%H:%M:%S%.9fZ"


def to_csv(tables: Iterable[pa.Table]) -> Generator[bytes, None, None]:
    """Tables of schema `DECODED` as CSV (RFC 4180, LF): a header, then rows.

    Times are ISO 8601 in UTC with nine digits of a second, values the shortest text that reads back as the same
    float64; `NaN`, `inf` and `-inf` are written so. Cells are quoted where they have to be.
    """
    yield (",".join(schema.DECODED.names) + "\n").encode()
    for table in tables:
        for rows in pl.DataFrame(table).iter_slices(_TEXT_ROWS):
            text = io.BytesIO()
            named = rows.with_columns(pl.col(_NAMES).cast(pl.String))
            named.write_csv(text, include_header=False, datetime_format=_TIME)
            yield text.getvalue()


def to_parquet(tables: Iterable[pa.Table], footer: Mapping[str, str]) -> Generator[bytes, None, None]:
    """Tables of schema `DECODED` as one Parquet file, row group by row group.

    Args:
        tables: The rows.
        footer: Our own footer entries, without their prefix.
    """
    sink = Sink()
    with pq.ParquetWriter(
        sink,
        schema.DECODED,
        compression="zstd",
        compression_level=1,
        use_dictionary=_NAMES,
        column_encoding={"timestamp": "DELTA_BINARY_PACKED", "value": "PLAIN"},
        write_statistics=["timestamp", "message_name", "signal_name", "value"],
        store_schema=False,
    ) as writer:
        held: list[pa.Table] = []
        for table in tables:
            held.append(table)
            if sum(part.num_rows for part in held) >= _GROUP_ROWS:
                _write(writer, held)
                held = []
                yield sink.taken()
        if held:
            _write(writer, held)
        writer.add_key_value_metadata({f"{FOOTER_PREFIX}{name}": text for name, text in footer.items()})
    yield sink.taken()


def _write(writer: pq.ParquetWriter, held: list[pa.Table]) -> None:
    table = pa.concat_tables(held).unify_dictionaries()
    writer.write_table(table, row_group_size=max(table.num_rows, 1))
