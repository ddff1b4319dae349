"""The lake that questions are asked of: one vehicle, thirty busy days as they are decoded and compacted, and a year.

Each of the thirty days has three drives of two hours, 17 signals of the bundled powertrain at 10, 50 and 100 Hz, in an
object a minute: 12.1 million rows, 363 million in all. The other days of the year are those days again, shifted
(`query_year`). Another vehicle has a day of 1,440 objects that is not compacted yet. What it cost is kept beside the lake.
"""

import datetime as dt
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.lake import decoded_file, layout, schema
from telemetry_pipeline.lake.compacted import OVERVIEW
from telemetry_pipeline.lake.layout import DecodedObject, Partition, stem_of
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.compact import compact_day

VEHICLE: Final = "BENCH_EV"
LIVE: Final = Partition("BENCH_LIVE", dt.date(2026, 1, 1))
"""A day that is not compacted, of another vehicle, which never stands still."""
FIRST: Final = Partition(VEHICLE, dt.date(2026, 1, 1))
DAYS: Final = 30
DRIVES_S: Final = (6 * 3600, 12 * 3600, 17 * 3600 + 1800)
"""When the drives begin; each day shifts them by some minutes."""
DRIVE_S: Final = 7200
DBC: Final = Path(__file__).parents[1] / "dbc" / "ev_powertrain.dbc"

_S_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _S_NS
_RATES_HZ: Final = {
    "BMS_CellVoltages": 10,
    "BMS_PackStatus": 50,
    "MotorCtrl_Status": 100,
    "MotorCtrl_Thermal": 10,
    "CoolantLoop": 10,
}
_JITTER_NS: Final = 50_000
_SPIKES: Final = 20
"""So many spikes of one to three samples a day: what a down-sampler may not lose."""

Times = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass
class Built:
    """What a lake cost: CPU seconds and bytes by step, kept in the lake itself."""

    days: int
    year: bool
    rows: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Built | None":
        """What is said of a lake that was built before; None where none was."""
        try:
            return cls(**json.loads((folder / "built.json").read_text()))
        except (FileNotFoundError, TypeError, ValueError):
            return None

    def keep(self, folder: Path) -> None:
        """Say that a lake is whole."""
        (folder / "built.json").write_text(json.dumps(asdict(self)))


@dataclass(frozen=True)
class SignalOf:
    """One signal: its range and step are those of the database."""

    message: str
    name: str
    unit: str
    low: float
    high: float
    step: float


def signals() -> list[SignalOf]:
    """The signals of the database, sorted by message and name."""
    found = [
        SignalOf(
            message.name,
            signal.name,
            signal.unit or "",
            float(signal.minimum or 0),
            float(signal.maximum or 1),
            float(signal.scale),
        )
        for message in load_dbc(DBC.read_bytes(), DBC.name).database.messages
        for signal in message.signals
    ]
    return sorted(found, key=lambda signal: (signal.message, signal.name))


def build_days(store: Store, days: int, built: Built, drive_s: int = DRIVE_S) -> None:
    """Write vehicle-days as the decoder does and compact them as the pipeline does."""
    for number in range(days):
        begun = time.process_time()
        moves = 3 if drive_s == DRIVE_S else 0
        built.rows += write_day(store, FIRST.shifted(number), number, moves=moves, drive_s=drive_s)
        # as if it had been quiet for a while, as days are before they are compacted
        long_ago(store, FIRST.shifted(number))
        between = time.process_time()
        compact_day(store, FIRST.shifted(number))
        plus(built.cpu_s, "compact", time.process_time() - between)
        plus(built.cpu_s, "decoded", between - begun)


def long_ago(store: Store, day: Partition) -> None:
    """Let a day's folder of decoded objects look as if it had last changed an hour ago."""
    then = time.time_ns() - 3600 * _S_NS
    os.utime(f"{store.root}/{day.prefix(layout.DECODED)}", ns=(then, then))


def measure_sizes(store: Store, built: Built) -> None:
    """How many bytes each zone holds."""
    built.bytes.clear()
    for zone in (layout.DECODED, layout.SERIES):
        built.bytes[zone] = sum(
            info.size for info in store.list_objects(layout.vehicle_prefix(zone, VEHICLE))
        )
    for info in store.list_objects(OVERVIEW):
        plus(built.bytes, info.key.split("/")[1], info.size)


def write_day(
    store: Store,
    day: Partition,
    number: int,
    *,
    drives_s: Sequence[int] = DRIVES_S,
    moves: int = 3,
    drive_s: int = DRIVE_S,
) -> int:
    """The decoded objects of a day, an object a minute; returns how many rows they have."""
    rng = np.random.default_rng(number)
    moved = 600 * int(rng.integers(-moves, moves + 1))
    rows = 0
    for begin in drives_s:
        start_ns = day.start_ns + (begin + moved) * _S_NS
        drive = [(signal, *found) for signal, found in _drive(rng, start_ns, drive_s)]
        for minute in range(drive_s // 60):
            low, high = start_ns + minute * _MINUTE_NS, start_ns + (minute + 1) * _MINUTE_NS
            rows += _write_object(
                store, day, low, [(signal, *_cut(t, v, low, high)) for signal, t, v in drive]
            )
    return rows


def _drive(
    rng: np.random.Generator, start_ns: int, drive_s: int
) -> Iterator[tuple[SignalOf, tuple[Times, Values]]]:
    """The samples of one drive; the signals of a message share their times."""
    times: dict[str, Times] = {}
    for signal in signals():
        rate = _RATES_HZ[signal.message]
        count = drive_s * rate
        if signal.message not in times:
            regular = start_ns + np.arange(count) * (_S_NS // rate)
            times[signal.message] = regular + rng.integers(0, _JITTER_NS, count)
        span = signal.high - signal.low
        phase, period = rng.uniform(0, 6), rng.uniform(20, 400) * rate
        wave = 0.5 + 0.35 * np.sin(phase + np.arange(count) / period) + 0.004 * rng.standard_normal(count)
        if signal.name == "Motor_Torque":
            at = rng.integers(0, count - 3, _SPIKES // len(DRIVES_S))
            for place in at:
                wave[place : place + rng.integers(1, 4)] = 1.0
        raw = np.rint(np.clip(wave, 0, 1) * span / signal.step)
        yield signal, (times[signal.message], raw * signal.step + signal.low)


def _cut(t: Times, v: Values, low: int, high: int) -> tuple[Times, Values]:
    first, stop = np.searchsorted(t, [low, high])
    return t[first:stop], v[first:stop]


def _write_object(
    store: Store, day: Partition, start_ns: int, parts: list[tuple[SignalOf, Times, Values]]
) -> int:
    runs = [len(t) for _, t, _ in parts]
    rows = sum(runs)
    table = pa.Table.from_arrays(
        [
            pa.array(np.concatenate([t for _, t, _ in parts])).cast(schema.TIMESTAMP),
            _names([day.vehicle_id], [rows]),
            _names([signal.message for signal, _, _ in parts], runs),
            _names([signal.name for signal, _, _ in parts], runs),
            pa.array(np.concatenate([v for _, _, v in parts])),
            _names([signal.unit for signal, _, _ in parts], runs),
            _names(["can0"], [rows]),
        ],
        schema=schema.DECODED,
    )
    messages = {signal.message: len(t) for signal, t, _ in parts}
    entries = [
        {
            "message": signal.message,
            "signal": signal.name,
            "unit": signal.unit,
            "rows": len(t),
            "first_ns": int(t[0]),
            "last_ns": int(t[-1]),
            "minimum": float(v.min()),
            "maximum": float(v.max()),
            "total": float(v.sum()),
            "nonfinite": 0,
        }
        for signal, t, v in parts
    ]
    report = {"rows": sum(messages.values()), "messages": messages, "signals": entries}
    body = decoded_file.write_decoded(table, runs, {"report": json.dumps(report)})
    store.put(DecodedObject(day, stem_of(start_ns)).key, body)
    return rows


def _names(names: list[str], runs: list[int]) -> pa.DictionaryArray:
    known = sorted(set(names))
    codes = np.repeat(np.array([known.index(name) for name in names], np.int16), runs)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(known))


def plus(totals: dict[str, Any], name: str, value: float) -> None:
    """Add to one of several sums."""
    totals[name] = totals.get(name, 0) + value
