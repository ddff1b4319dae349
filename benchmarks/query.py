"""One signal of one hour from a lake of minute objects, down-sampled as the dashboard asks for it. No target yet."""

import tempfile
from pathlib import Path
from typing import Final

from api.query import Question, ask
from api.query import Result as Answer
from benchmarks.measure import Line, Result, race
from benchmarks.workload import START_NS, VEHICLE, load_car, make_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_object
from telemetry_pipeline.query.parquet_reader import ParquetReader

NAME: Final = "query"

_MINUTES: Final = 60
_FRAMES: Final = 600_000
_SLOWER: Final = 21
"""A bus so much less busy than the drive's sends that many frames in an hour."""
_SIGNAL: Final = ("M00", "S0_0_0")
_MAX_POINTS: Final = 10_000
_HOUR_NS: Final = 3_600_000_000_000


def run(frames: int, rounds: int) -> Result:
    """Ask a fresh reader, which knows no footer yet, and one that was asked before."""
    drive = make_frames(min(frames, _FRAMES), slower=_SLOWER)
    share = drive.num_rows // _MINUTES
    plan = compile_plan([load_car()])
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder).as_uri())
        for number in range(_MINUTES):
            part = drive.slice(number * share, share)
            raw = RawObject.starting(VEHICLE, part["timestamp"][0].value)
            store.put(raw.key, parquet.write_raw(part))
            process_object(store, raw, plan)
        question = Question(VEHICLE, [_SIGNAL], START_NS, START_NS + _HOUR_NS, _MAX_POINTS)
        used = ParquetReader(store)
        answer: Answer = ask(used, question)
        took = race(
            {"fresh": lambda: ask(ParquetReader(store), question), "again": lambda: ask(used, question)},
            rounds,
        )
    (series,) = answer.series
    return Result(
        NAME,
        f"One signal for one hour, {series.source.points:,} of its samples in {_MINUTES} objects of {share:,} frames, "
        f"down-sampled to {len(series.t):,} points. Informative: there is no other side.",
        [
            Line("a reader that knows no footer yet", f"{1000 * took['fresh']:.1f} CPU ms"),
            Line("the same reader again", f"{1000 * took['again']:.1f} CPU ms"),
        ],
    )
