"""A fleet's vehicles as one process: so many raw objects a minute, evenly spread, with a journal of what landed.

Each object is the same 6,000 frames with its own times and vehicle id. One in a hundred is of an older day, one in a
thousand is torn.
"""

import argparse
import datetime as dt
import json
import random
import time
from pathlib import Path
from typing import Final

import pyarrow as pa

from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.parquet import read_raw, write_raw
from telemetry_pipeline.lake.store import Store

LATE: Final = 0.01
CORRUPT: Final = 0.001
LATE_DAYS: Final = 30
MINUTE_NS: Final = 60_000_000_000


def vehicle_name(number: int) -> str:
    """The id of a vehicle of the fleet."""
    return f"FLEET_{number:05d}"


def body_of(template: pa.Table, vehicle_id: str, start_ns: int) -> bytes:
    """The template's frames as another vehicle's of another time."""
    stamps = template["timestamp"].cast(pa.int64()).to_numpy()
    columns = {
        "timestamp": pa.array(stamps - stamps[0] + start_ns).cast(pa.timestamp("ns")),
        "vehicle_id": pa.repeat(vehicle_id, template.num_rows),
    }
    for name, column in columns.items():
        index = template.schema.get_field_index(name)
        field = template.schema.field(index)
        template = template.set_column(index, field, column.cast(field.type))
    return write_raw(template)


def land_fleet(
    store: Store, template: pa.Table, journal: Path, *, vehicles: int, minutes: float, seed: int
) -> None:
    """Land `vehicles` objects a minute for so many minutes; whoever is late lands at once."""
    chance = random.Random(seed)
    with journal.open("w") as book:
        begun = time.time()
        for number in range(round(vehicles * minutes)):
            due = begun + number * 60.0 / vehicles
            time.sleep(max(0.0, due - time.time()))
            kind = "live"
            start_ns = time.time_ns() - MINUTE_NS
            draw = chance.random()
            if draw < CORRUPT:
                kind = "corrupt"
            elif draw < CORRUPT + LATE:
                kind = "late"
                start_ns -= chance.randint(1, LATE_DAYS) * DAY_NS
            raw = RawObject.starting(vehicle_name(number % vehicles), start_ns)
            body = body_of(template, raw.partition.vehicle_id, start_ns)
            store.put(raw.key, body[: len(body) // 2] if kind == "corrupt" else body)
            behind_s = round(time.time() - due, 3)
            book.write(json.dumps({"key": raw.key, "kind": kind, "behind_s": behind_s}) + "\n")
            book.flush()


def main() -> None:
    """Land a fleet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_lander", description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("template", type=Path, help="a raw object")
    parser.add_argument("journal", type=Path)
    parser.add_argument("--vehicles", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(f"{dt.datetime.now(dt.UTC):%H:%M:%S} landing", flush=True)
    land_fleet(
        Store.open(asked.lake),
        read_raw(asked.template.read_bytes(), str(asked.template)),
        asked.journal,
        vehicles=asked.vehicles,
        minutes=asked.minutes,
        seed=asked.seed,
    )


if __name__ == "__main__":
    main()
