"""Small raw objects of the EV powertrain messages, made by hand: what a test lands in a lake."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake import layout, parquet, schema
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store

EV_DBC = Path(__file__).parents[1] / "dbc" / "ev_powertrain.dbc"
MOTOR_STATUS = 0x2B0
SECOND = 1_000_000_000
NOON = 1_771_848_000 * SECOND
"""2026-02-23T12:00:00Z"""


def frames(
    vehicle_id: str, start_ns: int, count: int, step_ns: int = 10_000_000, arb_id: int = MOTOR_STATUS
) -> pa.Table:
    """`count` frames of one arbitration id; the k-th carries the number k as Motor_RPM."""
    payload = np.zeros((count, 8), np.uint8)
    payload[:, 0] = np.arange(count) & 0xFF
    payload[:, 1] = np.arange(count) >> 8 & 0xFF
    table = pa.table(
        {
            "timestamp": pa.array(start_ns + np.arange(count) * step_ns, pa.timestamp("ns")),
            "arb_id": pa.array(np.full(count, arb_id), pa.uint32()),
            "dlc": pa.array(np.full(count, 8), pa.uint8()),
            "data": pa.array([row.tobytes() for row in payload], pa.binary()),
            "vehicle_id": pa.array([vehicle_id] * count, pa.string()),
        }
    )
    return parquet.conform_raw(table, "frames").cast(schema.RAW)


def land(store: Store, vehicle_id: str, start_ns: int = NOON, count: int = 100, **kwargs: int) -> RawObject:
    """Put one raw object of such frames."""
    raw = RawObject.starting(vehicle_id, start_ns)
    store.put(raw.key, parquet.write_raw(frames(vehicle_id, start_ns, count, **kwargs)))
    return raw


def add_dbc(store: Store, path: Path = EV_DBC) -> None:
    """Put a CAN database into the lake."""
    store.put(f"{layout.DBC}{path.name}", path.read_bytes())
