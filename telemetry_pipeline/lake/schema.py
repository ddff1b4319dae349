"""The columns of the lake: names and dtypes are spelled here and nowhere else."""

from typing import Final

import pyarrow as pa

TIMESTAMP: Final = pa.timestamp("ns")
_NAME: Final = pa.dictionary(pa.int16(), pa.string())

RAW_REQUIRED: Final = pa.schema(
    [
        pa.field("timestamp", TIMESTAMP, nullable=False),
        pa.field("arb_id", pa.uint32(), nullable=False),
        pa.field("dlc", pa.uint8(), nullable=False),
        pa.field("data", pa.binary(), nullable=False),
        pa.field("vehicle_id", pa.string(), nullable=False),
    ]
)
"""The seed's columns: a raw object without them all cannot be read."""

RAW_OPTIONAL: Final = pa.schema(
    [
        pa.field("is_extended_id", pa.bool_(), nullable=False),
        pa.field("is_fd", pa.bool_(), nullable=False),
        pa.field("is_error_frame", pa.bool_(), nullable=False),
        pa.field("is_remote_frame", pa.bool_(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
    ]
)
"""Columns that the seed's agent did not write; a reader fills them with their defaults."""

RAW: Final = pa.schema([*RAW_REQUIRED, *RAW_OPTIONAL])
"""What our agent writes and every reader gets: one row per frame, payload length is len(data), never dlc."""

FD_FLAGS: Final = pa.schema(
    [
        pa.field("bitrate_switch", pa.bool_(), nullable=False),
        pa.field("error_state_indicator", pa.bool_(), nullable=False),
    ]
)
"""What CAN FD frames say of their sending: the data came at the higher bit rate, the sender is error-passive.

No value depends on them. They follow the columns of `RAW` in objects in which a frame has one of them, and in no other.
"""

RAW_FD: Final = pa.schema([*RAW, *FD_FLAGS])
"""`RAW` with the flags of CAN FD."""


def _coded(columns: pa.Schema) -> pa.Schema:
    code = pa.dictionary(pa.int8(), pa.string())
    return pa.schema(
        [field.with_type(code) if pa.types.is_string(field.type) else field for field in columns]
    )


RAW_CODED: Final = _coded(RAW)
RAW_FD_CODED: Final = _coded(RAW_FD)
"""`RAW` and `RAW_FD` in memory, with codes for the names; in a file they are the same."""

RAW_NULLABLE: Final = pa.schema([field.with_nullable(True) for field in RAW])
"""`RAW` as it is read: other writers leave nulls, which the decoder counts as bad rows."""

DECODED: Final = pa.schema(
    [
        pa.field("timestamp", TIMESTAMP, nullable=False),
        pa.field("vehicle_id", _NAME, nullable=False),
        pa.field("message_name", _NAME, nullable=False),
        pa.field("signal_name", _NAME, nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("unit", _NAME, nullable=False),
        pa.field("channel", _NAME, nullable=False),
    ]
)
"""One row per signal value, sorted by (message_name, signal_name, timestamp)."""

EVENTS: Final = pa.schema(
    [
        pa.field("timestamp", TIMESTAMP, nullable=False),
        pa.field("last_timestamp", TIMESTAMP, nullable=False),
        *(
            pa.field(name, _NAME, nullable=False)
            for name in (
                *("vehicle_id", "rule", "severity", "description"),
                *("message_name", "signal_name", "unit", "channel", "condition"),
            )
        ),
        pa.field("min_duration_ns", pa.int64(), nullable=False),
        pa.field("max_hole_ns", pa.int64(), nullable=False),
        pa.field("worst_value", pa.float64(), nullable=False),
        pa.field("worst_timestamp", TIMESTAMP, nullable=False),
        pa.field("samples", pa.int64(), nullable=False),
        pa.field("open_start", pa.bool_(), nullable=False),
        pa.field("open_end", pa.bool_(), nullable=False),
    ]
)
"""One row per interval of one decoded object in which a rule's condition held, sorted by timestamp and rule."""

FLEET_SIGNAL: Final = pa.struct(
    [
        pa.field("message_name", pa.string(), nullable=False),
        pa.field("signal_name", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("minimum", pa.float64()),
        pa.field("maximum", pa.float64()),
        pa.field("mean", pa.float64()),
        pa.field("std", pa.float64()),
        pa.field("nonfinite", pa.int64(), nullable=False),
        pa.field("out_of_range", pa.int64(), nullable=False),
    ]
)
"""One signal of one vehicle's day: statistics of its finite values, null when it has none."""

FLEET_DAILY: Final = pa.schema(
    [
        pa.field("vehicle_id", pa.string(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("objects", "raw_bytes", "decoded_bytes")),
        pa.field("first_timestamp", TIMESTAMP),
        pa.field("last_timestamp", TIMESTAMP),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("hours", "longest_gap_s")),
        pa.field("gaps", pa.int64(), nullable=False),
        pa.field("distance_km", pa.float64()),
        pa.field("distance_source", pa.string(), nullable=False),
        pa.field("speed_km", pa.float64()),
        pa.field("speed_signal", pa.string(), nullable=False),
        pa.field("speed_left_out", pa.int64(), nullable=False),
        pa.field("odometer_km", pa.float64()),
        pa.field("odometer_signal", pa.string(), nullable=False),
        pa.field("odometer_left_out", pa.int64(), nullable=False),
        *(
            pa.field(name, pa.int64(), nullable=False)
            for name in (
                *("rows", "decoded_frames", "truncated", "unknown_id", "decode_error", "skipped", "bad_rows"),
                *("outside_day", "other_vehicle", "quarantined", "pending", "unreadable", "signal_values"),
            )
        ),
        pa.field("signals", pa.list_(pa.field("element", FLEET_SIGNAL, nullable=False)), nullable=False),
        pa.field("inputs", pa.string(), nullable=False),
    ]
)
"""One row per vehicle and day; `inputs` is the fingerprint of the objects it was made from."""

SERIES: Final = pa.schema(
    [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in DECODED]
)
"""The columns of `DECODED`, in the same order of rows; names are dictionaries of one entry in the file itself."""

OVERVIEW: Final = pa.schema(
    [
        pa.field("message_name", pa.string(), nullable=False),
        pa.field("signal_name", pa.string(), nullable=False),
        pa.field("bucket", TIMESTAMP, nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("nonfinite", pa.int64(), nullable=False),
        pa.field("first", pa.float64(), nullable=False),
        pa.field("last", pa.float64(), nullable=False),
        pa.field("t_first", TIMESTAMP, nullable=False),
        pa.field("t_last", TIMESTAMP, nullable=False),
        pa.field("min", pa.float64()),
        pa.field("max", pa.float64()),
        pa.field("t_min", TIMESTAMP),
        pa.field("t_max", TIMESTAMP),
        pa.field("sum", pa.float64()),
        pa.field("sum_above_min", pa.float64()),
        pa.field("sum_sq_dev", pa.float64()),
        pa.field("longest", pa.int64(), nullable=False),
        pa.field("t_longest", TIMESTAMP, nullable=False),
    ]
)
"""One row per signal and bucket that has a sample; what the columns mean is said in docs/data-contract.md."""

STANDARD_ID_MAX: Final = 0x7FF
"""The largest 11-bit arbitration id; a raw object without is_extended_id is read by this limit."""

EXTENDED_ID_MAX: Final = 0x1FFF_FFFF
"""The largest 29-bit arbitration id."""
