"""Which rows of a raw table are data frames: nulls and impossible payloads are bad, error and remote frames skipped.

Knows the columns and SocketCAN's flag bits, but no database.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.decode.match import EXTENDED_BIT
from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX

Keys = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]

PAYLOAD_MAX: Final = 64
"""Bytes of the longest CAN FD payload."""

_REMOTE_BIT: Final = 1 << 30
_ERROR_BIT: Final = 1 << 29


@dataclass(frozen=True)
class Sifted:
    """The rows of a raw table by kind.

    Attributes:
        keys: For each row its arbitration id, with `EXTENDED_BIT` for an extended one, shape (rows,).
        frames: The rows that are data frames, shape (rows,); None when all are.
        skipped: Error and remote frames, by kind.
        bad: Rows that are no frame, by reason.
    """

    keys: Keys
    frames: Mask | None
    skipped: dict[str, int]
    bad: dict[str, int]


def sift(raw: pa.Table, *, any_length: bool = False) -> Sifted:
    """Sort the rows of a raw table (columns of `lake.schema.RAW`).

    Flags above the 29 bits of an id are SocketCAN's (linux/can.h: extended, remote, error): raw objects without
    flag columns may carry them.

    Args:
        raw: The rows.
        any_length: Take payloads for good that no single frame has.
    """
    ids = _flat(raw["arb_id"])
    extended, remote, error = (
        _flags(raw[name]) for name in ("is_extended_id", "is_remote_frame", "is_error_frame")
    )
    keys = ids.astype(np.uint32, copy=False)
    if len(keys) and keys.max() > EXTENDED_ID_MAX:
        remote = _or_flagged(remote, keys, _REMOTE_BIT)
        error = _or_flagged(error, keys, _ERROR_BIT)
        extended = _or_flagged(extended, keys, EXTENDED_BIT)
        keys = keys & np.uint32(EXTENDED_ID_MAX)
    if extended is not None:
        keys = keys | (extended.astype(np.uint32) << np.uint32(31))

    frames: Mask | None = None
    bad: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for counts, reason, mask in (
        (bad, "timestamp is null", _nulls(raw["timestamp"])),
        (bad, "arb_id is null", _nulls(raw["arb_id"])),
        (bad, "data is null", _nulls(raw["data"])),
        (bad, f"payload over {PAYLOAD_MAX} bytes", None if any_length else _too_long(raw["data"])),
        (skipped, "error frame", error),
        (skipped, "remote frame", remote),
    ):
        if mask is None:
            continue
        new = mask if frames is None else mask & frames
        if count := int(np.count_nonzero(new)):
            counts[reason] = count
            frames = ~mask if frames is None else frames & ~mask
    return Sifted(keys, frames, skipped, bad)


def _flat(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column of numbers or flags as an array, with 0 for null."""
    filled = (
        column.fill_null(0 if pa.types.is_integer(column.type) else False) if column.null_count else column
    )
    flat: npt.NDArray[Any] = filled.to_numpy()
    return flat


def _flags(column: pa.ChunkedArray) -> Mask | None:
    """A column of flags as an array, with False for null; None when no flag is set."""
    return _flat(column) if pc.any(column).as_py() else None


def _or_flagged(mask: Mask | None, keys: Keys, bit: int) -> Mask:
    flagged: Mask = (keys & bit) != 0
    return flagged if mask is None else mask | flagged


def _nulls(column: pa.ChunkedArray) -> Mask | None:
    return column.is_null().to_numpy() if column.null_count else None


def _too_long(column: pa.ChunkedArray) -> Mask | None:
    lengths = pc.binary_length(column)
    longest = pc.max(lengths).as_py()
    if longest is None or longest <= PAYLOAD_MAX:
        return None
    mask: Mask = pc.fill_null(pc.greater(lengths, PAYLOAD_MAX), False).to_numpy()
    return mask
