"""Raw objects as other writers make them, and damage that knows a Parquet file's structure: footer and page headers."""

import io
import struct
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.lake import thrift
from tests.corpus import CORPUS
from tests.fuzz import damage

_MAGIC: Final = b"PAR1"
_KINDS: Final = (thrift.I8, thrift.I32, thrift.I64, thrift.BINARY, thrift.LIST, thrift.STRUCT, thrift.DOUBLE)


def recorded() -> list[bytes]:
    """Objects of the corpus of hostile ones that are small; none where it is not there."""
    paths = sorted((CORPUS / "hostile").rglob("*.parquet"))
    return [path.read_bytes() for path in paths if path.stat().st_size < 60_000]


def written(table: pa.Table, random: Random) -> bytes:
    """A table by a writer with other habits than ours."""
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression=random.choice(["NONE", "SNAPPY", "ZSTD", "GZIP", "LZ4"]),
        row_group_size=random.choice([7, 50, 10_000]),
        use_dictionary=random.choice([True, False]),
        data_page_version=random.choice(["1.0", "2.0"]),
        data_page_size=random.choice([64, 100_000]),
        store_schema=random.choice([True, False]),
        write_statistics=random.choice([True, False]),
    )
    return sink.getvalue()


def odd_table(table: pa.Table, random: Random) -> pa.Table:
    """Frames of which columns are missing, doubled, of another type, or have nulls and values that no frame has."""
    for _ in range(random.choice((1, 1, 2, 3))):
        index = random.randrange(table.num_columns)
        name, column = table.column_names[index], table.column(index)
        change = random.choice((*["values"] * 8, "type", "type", "type", "drop", "double", "rename"))
        if change == "values":
            table = table.set_column(index, name, _odd_values(random, column))
        elif change == "type":
            kind = random.choice(_TYPES)
            try:
                table = table.set_column(index, name, column.cast(kind, safe=False))
            except pa.ArrowException:
                table = table.set_column(index, name, pa.nulls(table.num_rows, kind))
        elif change == "drop" and table.num_columns > 1:
            table = table.remove_column(index)
        elif change == "double":
            table = table.append_column(name, column)
        else:
            table = table.rename_columns([f"{old}x" if old == name else old for old in table.column_names])
    return table


_TYPES: Final = (
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64(), pa.float32(), pa.float64()),
    *(pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.bool_(), pa.list_(pa.uint8())),
    *(
        pa.timestamp("ns", "UTC"),
        pa.timestamp("ms"),
        pa.timestamp("us", "UTC"),
        pa.date32(),
        pa.decimal128(20, 3),
    ),
    *(pa.binary(8), pa.dictionary(pa.int32(), pa.string()), pa.struct([("a", pa.int8())])),
)


def _odd_values(random: Random, column: pa.ChunkedArray) -> pa.Array:
    """The column with one, some or many values that it had better not have."""
    kind = column.type
    plain = pa.int64() if pa.types.is_timestamp(kind) else kind
    values = column.cast(plain).to_pylist()
    for _ in range(random.choice((1, 5, len(values)))):
        values[random.randrange(len(values))] = _odd_value(random, plain)
    return pa.array(values, plain).cast(kind)


def _odd_value(random: Random, kind: pa.DataType) -> Any:
    value: Any = None
    if pa.types.is_boolean(kind):
        value = random.random() < 0.5
    elif pa.types.is_integer(kind):
        value = damage.number(random) % (1 << kind.bit_width)
        if pa.types.is_signed_integer(kind) and value >> kind.bit_width - 1:
            value -= 1 << kind.bit_width
    elif pa.types.is_floating(kind):
        value = random.choice((0.5, -1.0, 1e300, float("inf"), float("nan")))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        value = random.choice(damage.TEXTS)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        value = random.randbytes(random.choice((0, 1, 7, 8, 9, 63, 64, 65, 300)))
    return None if random.random() < 0.3 else value


def damaged_footer(random: Random, body: bytes) -> bytes:
    """The file with a footer whose thrift is whole, but says something else."""
    size = int.from_bytes(body[-8:-4], "little")
    if len(body) < size + 12:
        return damage.damaged(random, body)
    footer, _ = thrift.read_struct(body[-8 - size : -8])
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _change(random, footer)
    new = _written(footer)
    if new is None:
        return damage.damaged(random, body)
    return body[: -8 - size] + new + struct.pack("<I", len(new)) + _MAGIC


def damaged_page(random: Random, body: bytes) -> bytes:
    """The file with one page whose header says something else, or whose data are damaged."""
    try:
        metadata = pq.ParquetFile(pa.BufferReader(body)).metadata
        groups = range(metadata.num_row_groups)
        chunks = [metadata.row_group(g).column(c) for g in groups for c in range(metadata.num_columns)]
        chunk = random.choice(chunks)
        starts = [chunk.data_page_offset, *filter(None, [chunk.dictionary_page_offset])]
        at = random.choice(starts)
        header, end = thrift.read_struct(body, at)
    except (pa.ArrowException, OSError, ValueError, IndexError):
        return damage.damaged(random, body)
    if random.random() < 0.4:
        page = body[end : end + max(header.get(3) or 0, 0)]
        return (
            body[:end]
            + damage.damaged(random, page)[: len(page)].ljust(len(page), b"\0")
            + body[end + len(page) :]
        )
    _change(random, header)
    new = _written(header)
    if new is None:
        return damage.damaged(random, body)
    if random.random() < 0.5:  # what comes behind stays where the footer says that it is
        return body[:at] + new[: end - at].ljust(end - at, b"\0") + body[end:]
    return body[:at] + new + body[end:]


def _written(tree: thrift.Struct) -> bytes | None:
    """The struct's bytes; None for one that the writer has no way to write."""
    try:
        return thrift.write_struct(tree)
    except (TypeError, ValueError, AttributeError):
        return None


def _change(random: Random, tree: thrift.Struct) -> None:
    """Change one value, somewhere in a struct."""
    places = list(_structs(tree))
    place = random.choice(places)
    if not place.fields:
        place.fields[random.randrange(1, 20)] = (thrift.I32, damage.number(random))
        return
    field = random.choice(sorted(place.fields))
    kind, value = place.fields[field]
    change = random.random()
    if change < 0.1:
        del place.fields[field]
    elif change < 0.15:
        place.fields[random.randrange(1, 20)] = (kind, value)
    elif change < 0.2:
        place.fields[field] = (random.choice(_KINDS), value)
    else:
        place.fields[field] = (kind, _other(random, kind, value))


def _other(random: Random, kind: int, value: Any) -> Any:
    if kind in (thrift.I16, thrift.I32, thrift.I64) and isinstance(value, int):
        return damage.number(random, value)
    if kind == thrift.I8:
        return random.randrange(256)
    if kind == thrift.BINARY and isinstance(value, bytes):
        return random.choice((damage.damaged(random, value), random.choice(damage.TEXTS).encode()))
    if isinstance(value, thrift.Items) and value.values:
        values = list(value.values)
        if value.kind in (thrift.I32, thrift.I64) and random.random() < 0.5:
            values[random.randrange(len(values))] = damage.number(random)
        elif random.random() < 0.5:
            del values[random.randrange(len(values))]
        else:
            values.insert(random.randrange(len(values)), random.choice(values))
        return thrift.Items(value.kind, values)
    if isinstance(value, bool):
        return not value
    return value


def _structs(tree: thrift.Struct) -> Iterator[thrift.Struct]:
    yield tree
    for _, value in tree.fields.values():
        if isinstance(value, thrift.Struct):
            yield from _structs(value)
        elif isinstance(value, thrift.Items) and value.kind == thrift.STRUCT:
            for item in value.values:
                yield from _structs(item)
