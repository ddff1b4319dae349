"""A small car whose CAN database has a speed, an odometer and a counter: what a day of the fleet is made of."""

import struct

import numpy as np
import pyarrow as pa
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import ledger, parquet, schema
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from tests.raw_lake import NOON, SECOND

DBC = """VERSION ""
BU_: X
BO_ 256 Dash: 8 X
 SG_ VehicleSpeed : 0|16@1+ (0.01,0) [0|300] "km/h" X
 SG_ Odometer : 16|32@1+ (0.1,0) [0|0] "km" X
 SG_ Fan_Speed : 48|8@1+ (1,0) [0|100] "%" X
BO_ 257 Wheels: 2 X
 SG_ WHEEL_SPEED_FL : 0|16@1+ (0.01,0) [0|0] "kph" X
"""


class Car:
    """Lands and decodes minutes of a drive at a constant speed."""

    def __init__(self, store: Store, vehicle_id: str = "CAR_1") -> None:
        self.store = store
        self.vehicle_id = vehicle_id
        store.put("dbc/car.dbc", DBC.encode())

    def drive(self, minute: int, *, kmh: float = 72.0, fan: int = 50, unknown: int = 0) -> RawObject:
        """One raw object of 60 s, a Dash frame and a Wheels frame a second."""
        start = NOON + minute * 60 * SECOND
        times, ids, data = [], [], []
        for second in range(60):
            metres = (minute * 60 + second) * kmh / 3.6
            times += [start + second * SECOND] * 2
            ids += [256, 257]
            data += [
                struct.pack("<HIBx", round(kmh * 100), 1_000_000 + int(metres / 100), fan),
                struct.pack("<H", round(kmh * 110)),
            ]
        for number in range(unknown):
            times.append(start + number)
            ids.append(0x7AA)
            data.append(b"\0")
        table = pa.table(
            {
                "timestamp": pa.array(np.array(times), pa.timestamp("ns")),
                "arb_id": pa.array(ids, pa.uint32()),
                "dlc": pa.array([len(body) for body in data], pa.uint8()),
                "data": pa.array(data, pa.binary()),
                "vehicle_id": pa.array([self.vehicle_id] * len(ids), pa.string()),
            }
        )
        raw = RawObject.starting(self.vehicle_id, start)
        self.store.put(raw.key, parquet.write_raw(parquet.conform_raw(table, "car").cast(schema.RAW)))
        return raw

    def decode(self) -> None:
        """Decode what waits of this car."""
        day = Partition.containing(self.vehicle_id, NOON)
        waiting = ledger.read_ledger(self.store, day).pending
        list(process_objects(self.store, Databases.load(self.store), waiting))


@pytest.fixture
def car(folder_lake: Store) -> Car:
    return Car(folder_lake)
