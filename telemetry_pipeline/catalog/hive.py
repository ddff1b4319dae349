"""Arrow columns as Hive types, which is how Glue and Athena spell them. Which columns there are is `lake.schema`'s."""

from collections.abc import Collection
from typing import Final

import pyarrow as pa

from telemetry_pipeline.errors import Unforeseen

_HIVE: Final = {
    # an unsigned column becomes the narrowest signed type that holds all of its values
    pa.bool_(): "boolean",
    pa.uint8(): "smallint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.uint32(): "bigint",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.string(): "string",
    pa.binary(): "binary",
    pa.date32(): "date",
}


def hive_type(arrow: pa.DataType) -> str:
    """The Hive type that reads a Parquet column of an Arrow type without loss.

    Timestamps are `bigint`: so declared, Athena gives their nanoseconds as they are; declared `timestamp`, it rounds
    them to milliseconds.

    Raises:
        Unforeseen: Nobody has said how to declare this type.
    """
    if pa.types.is_timestamp(arrow):
        return "bigint"
    if pa.types.is_dictionary(arrow):
        return hive_type(arrow.value_type)
    if pa.types.is_list(arrow):
        return f"array<{hive_type(arrow.value_type)}>"
    if pa.types.is_struct(arrow):
        fields = (arrow.field(number) for number in range(arrow.num_fields))
        return f"struct<{','.join(f'{field.name}:{hive_type(field.type)}' for field in fields)}>"
    if arrow not in _HIVE:
        raise Unforeseen(f"no Hive type is known for {arrow}", "catalog/hive.py")
    return _HIVE[arrow]


def hive_columns(columns: pa.Schema, partition_keys: Collection[str]) -> list[dict[str, str]]:
    """Columns as Glue takes them; those that are partition keys as well are left out, for Glue refuses both."""
    return [
        {"Name": field.name, "Type": hive_type(field.type)}
        for field in columns
        if field.name not in partition_keys
    ]
