"""Frames as columns: what every reader fills and what becomes the lake's raw columns."""

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.lake import schema

FD_LENGTHS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
"""Payload bytes by DLC (ISO 11898-1): DLC 9 to 15 mean 12 to 64 bytes in CAN FD."""

NS_PER_S: Final = 1_000_000_000
BATCH_FRAMES: Final = 250_000
"""About how many frames one table holds."""

_DLC_OF: Final = np.searchsorted(np.array(FD_LENGTHS), np.arange(256)).clip(max=15).astype(np.uint8)


@dataclass(frozen=True)
class Frames:
    """Columns of n frames.

    Attributes:
        stamps: int64 (n,), nanoseconds since the epoch, or since the log's own start.
        arb_id: uint32 (n,), without flag bits.
        dlc: uint8 (n,), the DLC as sent, 0 to 15.
        data: binary (n,), the payloads.
        extended: bool (n,).
        fd: bool (n,).
        bitrate_switch: bool (n,), only with `fd`; false where the log does not say.
        error_state: bool (n,), the error state indicator, likewise.
        error: bool (n,).
        remote: bool (n,).
        channel: string (n,), "" where the log names none.
    """

    stamps: npt.NDArray[np.int64]
    arb_id: npt.NDArray[np.uint32]
    dlc: npt.NDArray[np.uint8]
    data: pa.Array
    extended: npt.NDArray[np.bool_]
    fd: npt.NDArray[np.bool_]
    bitrate_switch: npt.NDArray[np.bool_]
    error_state: npt.NDArray[np.bool_]
    error: npt.NDArray[np.bool_]
    remote: npt.NDArray[np.bool_]
    channel: pa.Array

    def at(self, stamps: npt.NDArray[np.int64]) -> "Frames":
        """The same frames at other times."""
        return replace(self, stamps=stamps)

    def take(self, rows: npt.NDArray[Any]) -> "Frames":
        """The frames at indices, int64 (k,), or where a mask, bool (n,), is true."""
        chosen = pa.array(np.flatnonzero(rows) if rows.dtype == np.bool_ else rows)
        columns = (getattr(self, field.name) for field in fields(self))
        return Frames(*(c[rows] if isinstance(c, np.ndarray) else c.take(chosen) for c in columns))

    def to_arrow(self) -> pa.Table:
        """The columns as they are, by their own names."""
        return pa.table({field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def from_arrow(cls, batch: pa.RecordBatch) -> "Frames":
        """What `to_arrow` gave."""
        arrow = ("data", "channel")
        names = (field.name for field in fields(cls))
        return cls(*(batch[name] if name in arrow else np.asarray(batch[name]) for name in names))

    def to_table(self, vehicle_id: str) -> pa.Table:
        """The frames as a table of schema `RAW_FD`."""
        columns: dict[str, Any] = {
            "timestamp": pa.array(self.stamps).view(schema.TIMESTAMP),
            "arb_id": self.arb_id,
            "dlc": self.dlc,
            "data": self.data,
            "vehicle_id": pa.repeat(vehicle_id, len(self.stamps)),
            "is_extended_id": self.extended,
            "is_fd": self.fd,
            "is_error_frame": self.error,
            "is_remote_frame": self.remote,
            "channel": self.channel,
            "bitrate_switch": self.bitrate_switch,
            "error_state_indicator": self.error_state,
        }
        return pa.table(columns, schema=schema.RAW_FD)


def dlc_of(lengths: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The smallest DLC that holds each payload length (any integer dtype, 0 to 255 bytes)."""
    return _DLC_OF[lengths]  # type: ignore[no-any-return]


def concat(parts: list[Frames]) -> Frames:
    """Frames of several parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Frames(*(_joined([getattr(part, field.name) for part in parts]) for field in fields(Frames)))


def _joined(columns: list[Any]) -> Any:  # noqa: ANN401  a column is NumPy's or Arrow's
    return np.concatenate(columns) if isinstance(columns[0], np.ndarray) else pa.concat_arrays(columns)
