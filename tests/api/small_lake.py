"""A lake of two cars and a truck with some samples each: enough that every endpoint has an answer."""

import datetime as dt

from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from tests.decoded_lake import put_decoded

DAY = dt.date(2026, 2, 12)
START_NS = Partition("EV_001", DAY).start_ns + 14 * 3_600 * 10**9
SPEED = {"message_name": "Drive", "signal_name": "Speed"}
RANGE = {"start": "2026-02-12T14:00:00Z", "end": "2026-02-12T14:10:00Z"}
QUERY = {"signals": [SPEED], "start_time": RANGE["start"], "end_time": RANGE["end"]}
VEHICLES = ("EV_001", "EV_002", "TRUCK_7")


def fill(store: Store, vehicles: tuple[str, ...] = VEHICLES, samples: int = 600) -> Store:
    """Write the vehicles' samples: half a second apart, the level every ten seconds."""
    times = [START_NS + index * 10**9 // 2 for index in range(samples)]
    for vehicle in vehicles:
        put_decoded(
            store,
            Partition(vehicle, DAY),
            "20260212T140000.000Z",
            {
                ("Drive", "Speed"): (times, [index / 7 for index in range(samples)]),
                ("Battery", "Level"): (times[::20], [float("nan"), *map(float, range(len(times[::20]) - 1))]),
            },
        )
    return store
