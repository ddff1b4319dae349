"""A lake of frames that carry the speeds one asks for, judged by rules, and what is found in it."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout, parquet
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.rules.interval import Interval
from tests.raw_lake import NOON, SECOND, add_dbc, frames

V = "EV_001"
STEP = SECOND // 10
EVER = (NOON - 40 * DAY_NS, NOON + 40 * DAY_NS)
FAST = "rules:\n- name: fast\n  when: Motor_RPM > 100 for 10s\n  severity: critical\n"


def use_rules(lake: Store, text: str) -> None:
    add_dbc(lake)
    lake.put(layout.RULES, text.encode())


def land(lake: Store, start: int, rpm: Iterable[int], *, vehicle: str = V, channel: str = "") -> RawObject:
    """A raw object whose frames, a tenth of a second apart, carry these speeds."""
    speeds = np.array(list(rpm), np.uint16)
    table = frames(vehicle, start, len(speeds), STEP)
    data = [int(speed).to_bytes(2, "little") + bytes(6) for speed in speeds]
    table = table.set_column(table.schema.get_field_index("data"), "data", pa.array(data, pa.binary()))
    at = table.schema.get_field_index("channel")
    table = table.set_column(at, "channel", pa.array([channel] * len(speeds)))
    raw = RawObject.starting(vehicle, start)
    lake.put(raw.key, parquet.write_raw(table))
    return raw


def decode(lake: Store, *raws: RawObject) -> None:
    outcomes = list(process_objects(lake, Databases.load(lake), raws))
    assert [outcome.failed for outcome in outcomes] == [None] * len(raws)


def found(lake: Store, start: int = EVER[0], end: int = EVER[1], vehicle: str = V) -> list[Interval]:
    answer = EventReader(lake).events(vehicle, start, end)
    assert answer.skipped_objects == 0
    return answer.events


def spans(intervals: Iterable[Interval], origin: int = NOON) -> list[tuple[float, float]]:
    return [((i.first_ns - origin) / SECOND, (i.last_ns - origin) / SECOND) for i in intervals]


def events_bytes(lake: Store) -> dict[str, bytes]:
    return {info.key: lake.get(info.key) for info in lake.list_objects("events/")}
