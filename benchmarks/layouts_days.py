"""The decoded days that are written in one layout after the other. How they are written is `layouts_written`'s business."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from benchmarks.workload import START_NS, load_car, make_frames
from edge_agent.database import BUNDLED, read_database
from edge_agent.simulate import Simulator
from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import Plan, compile_plan
from telemetry_pipeline.lake.series_file import Labels, SignalRows

MINUTE_NS: Final = 60_000_000_000
_MINUTES: Final = 120


@dataclass(frozen=True)
class Day:
    """A decoded day, whole and by signal."""

    name: str
    table: pa.Table
    signals: list[SignalRows]

    @property
    def asked(self) -> SignalRows:
        """The signal with most rows."""
        return max(self.signals, key=lambda rows: (len(rows.t), rows.name))


def car(frames: int) -> Day:
    """So many frames of the synthetic car of 80 messages."""
    return _day("80 messages, 643 signals", make_frames(frames, slower=10), compile_plan([load_car()]))


def powertrain() -> Day:
    """Two hours of the simulated EV powertrain."""
    body, database = read_database(BUNDLED)
    simulator = Simulator(database.database, "EV", 0, START_NS)
    minutes = [
        simulator.frames(START_NS + at * MINUTE_NS, START_NS + (at + 1) * MINUTE_NS) for at in range(_MINUTES)
    ]
    return _day(
        "EV powertrain, 17 signals, 2 h", pa.concat_tables(minutes), compile_plan([load_dbc(body, "ev.dbc")])
    )


def _day(name: str, frames: pa.Table, plan: Plan) -> Day:
    decoded = decode_frames(frames, plan)
    signals, start = [], 0
    for entry in decoded.report.signals:
        part = decoded.table.slice(start, entry.rows)
        start += entry.rows
        t, v = part["timestamp"].cast(pa.int64()).to_numpy(), part["value"].to_numpy()
        unit, channel = Labels((entry.unit,)), Labels((part["channel"][0].as_py(),))
        signals.append(SignalRows((entry.message, entry.signal), t, v, unit, channel))
    return Day(name, decoded.table, signals)
