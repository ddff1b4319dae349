"""What questions of one vehicle cost, first and again, beside DuckDB, Polars and the way of the seed.

    python -m benchmarks.query [--folder DIR] [--write]

The whole: a year of a vehicle, and a server under load. A lake that lies in the folder is used as it is; without a
folder it is built in a temporary one. `make bench` runs a day of it.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa

from api import encode
from api.query import Memory, Question, ask
from benchmarks.measure import WHOLE, Line, Result
from benchmarks.page import print_result, write_page
from benchmarks.query_lake import DAYS, DRIVE_S, LIVE, Built, build_days, measure_sizes, plus, write_day
from benchmarks.query_load import load
from benchmarks.query_questions import NAMES, PEERS, Asked, by_rows, ours, questions, same, samples_of
from benchmarks.query_year import build_year
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader

NAME: Final = "query"
PAGE: Final = Path(__file__).parents[1] / "docs" / "query-benchmarks.md"

_MAX_POINTS: Final = 10_000

_INTRODUCTION: Final = """# Benchmarks of the query service

Made by `python -m benchmarks.query --write`; do not edit. One vehicle with 17 signals of the bundled EV powertrain at
10, 50 and 100 Hz, three drives of two hours a day. Answers are compared value by value before anything is timed.

*First* is a reader that has opened nothing of the lake yet, with the files in the machine's memory; *again* is the best of
several rounds of one that was asked before. CPU is that of the process, all threads; wall time tells as well who else was
on the machine.
"""

T = TypeVar("T")


def run(frames: int, rounds: int) -> Result:
    """A day of the large lake: what `make bench` has time for."""
    # a shorter drive is for whoever only wants to see it run
    drive_s = DRIVE_S if frames >= WHOLE else 3000
    with tempfile.TemporaryDirectory() as folder:
        built = Built(1, year=False)
        store = Store.open(Path(folder).as_uri())
        build_days(store, 1, built, drive_s)
        result = Result(
            NAME,
            f"One vehicle, {built.rows:,} samples of 17 signals in a day that is compacted: `python -m benchmarks.query` "
            "asks a year of it, and a server under load (docs/query-benchmarks.md). First: a reader that has opened "
            "nothing yet.",
        )
        for asked in questions(1, year=False, live=False):
            result.lines += _asked(store, asked, rounds, result, ["DuckDB", "Polars"])
    return result


def build(folder: Path, days: int, *, year: bool) -> Built:
    """Build the lake, or say what one cost that is there."""
    known = Built.of(folder)
    if known is not None:
        if (known.days, known.year) != (days, year):
            raise SystemExit(f"{folder} holds a lake of {known.days} days, year: {known.year}")
        return known
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} holds something else, or a lake that was not finished: remove it")
    store, built = Store.open(folder.as_uri()), Built(days, year)
    print(f"building {days} days{' and a year' if year else ''} in {folder} …", flush=True)
    build_days(store, days, built)
    if year:
        build_year(store, built)
    begun = time.process_time()
    write_day(store, LIVE, days, drives_s=range(0, 86_400, DRIVE_S), moves=0)
    plus(built.cpu_s, "live", time.process_time() - begun)
    measure_sizes(store, built)
    built.keep(folder)
    return built


def readers(store: Store, built: Built, rounds: int, peers: list[str]) -> Result:
    """Every question, first and again, in this process."""
    result = Result(
        "one reader",
        f"{built.rows:,} samples in {built.days} days{', and the year that they are a part of' if built.year else ''}. An "
        "hour is answered with its samples; days with buckets of 10 s, 60 s and 600 s (the tier that a chart of 10,000 "
        "points takes). The peers read the same series objects.",
    )
    for asked in questions(built.days, year=built.year):
        slow = asked.width_s is not None and asked.end_ns - asked.start_ns > 40 * 86_400 * 10**9
        result.lines += _asked(store, asked, rounds, result, [] if slow else peers)
        if slow and peers:
            result.notes.append(f"{asked.text}: not asked of the peers, which would read all of its samples")
    return result


def services(store: Store, built: Built, rounds: int) -> Result:
    """The same questions as the service answers them: planned, drawn and written as JSON."""
    result = Result(
        "server time",
        f"What the service does for a question of at most {_MAX_POINTS:,} points a signal, from the parsed request to the "
        "bytes of the JSON: choose, read, down-sample (LTTB), find the gaps, encode.",
    )
    for asked in questions(built.days, year=built.year):
        question = Question(asked.vehicle_id, list(asked.names), asked.start_ns, asked.end_ns, _MAX_POINTS)

        answer = partial(_answered, ParquetReader(store), question, Memory())
        first, body = _timed(answer)
        again = _best(answer, rounds)
        result.lines.append(_line(asked, first, again, f"{len(body) / 1000:,.0f} kB"))
    return result


def _answered(reader: ParquetReader, question: Question, memory: Memory) -> bytes:
    return encode.to_json(ask(reader, question, memory=memory))


def costs(built: Built) -> Result:
    """What the lake takes to build and to keep."""
    result = Result(
        "the lake",
        f"{built.rows:,} samples in {built.days} days, an object a minute as they are decoded"
        + (", and the 335 days of the year that follow (their objects count below)." if built.year else "."),
    )
    result.lines = [
        Line("decoded objects", f"{built.cpu_s['decoded']:.0f} CPU s", "made up and written, 30 days"),
        Line(
            "compaction",
            f"{built.cpu_s['compact']:.0f} CPU s",
            f"{built.rows / built.cpu_s['compact'] / 1e6:.1f} M samples/s, overview included",
        ),
    ]
    result.lines += [Line(f"bytes of {name}", f"{size / 1e6:,.1f} MB") for name, size in built.bytes.items()]
    return result


def _asked(store: Store, asked: Asked, rounds: int, result: Result, peers: list[str]) -> list[Line]:
    used = ParquetReader(store)
    first, answer = _timed(lambda: ours(used, asked))
    again = _best(lambda: ours(used, asked), rounds)
    lines = [_line(asked, first, again, f"{samples_of(answer):,} samples")]
    if asked.vehicle_id == LIVE.vehicle_id or not peers:
        return lines
    found = {name: PEERS[name] for name in peers}
    if asked.width_s is None:
        found["rows in Python (the hour's objects only)"] = by_rows
    for name, work in found.items():
        (cpu, wall), theirs = _timed(lambda work=work: work(store, asked))
        if same(answer, theirs):
            slower = f"{cpu / max(again[0], 1e-9):,.0f} ×"
            lines.append(Line(f"… {name}", f"{1000 * cpu:,.1f} CPU ms, {1000 * wall:,.1f} ms", "", slower))
        else:
            result.notes.append(f"{asked.text}: {name} and we DIFFER")
            lines.append(Line(f"… {name}", "another answer", target="ours", met=False))
    return lines


def _line(asked: Asked, first: tuple[float, float], again: tuple[float, float], what: str) -> Line:
    took = ", ".join(
        f"{name} {1000 * cpu:.1f} CPU ms, {1000 * wall:.1f} ms"
        for name, (cpu, wall) in {"first": first, "again": again}.items()
    )
    target = asked.target_ms
    return Line(
        asked.text,
        took,
        what,
        target="" if target is None else f"≤ {target:g} ms",
        met=None if target is None else 1000 * again[1] <= target,
    )


def _timed(work: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """CPU and wall seconds of one call, and what it gave."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    return (time.process_time() - cpu, time.perf_counter() - wall), found


def _best(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The best CPU and the best wall seconds of some rounds."""
    took = [_timed(work)[0] for _ in range(max(rounds, 1))]
    return min(cpu for cpu, _ in took), min(wall for _, wall in took)


def main() -> None:
    """Build or find the lake, ask everything, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the lake is, or is built and stays")
    parser.add_argument("--days", type=int, default=DAYS, help=f"days that are decoded and compacted: {DAYS}")
    parser.add_argument("--no-year", action="store_true", help="leave out the rest of the year")
    parser.add_argument("--no-peers", action="store_true", help="leave out DuckDB, Polars and rows in Python")
    parser.add_argument("--no-load", action="store_true", help="leave out the server under load")
    parser.add_argument("--load-only", action="store_true", help="leave out everything else; never written")
    parser.add_argument("--rounds", type=int, default=10, help="the best of so many")
    parser.add_argument("--seconds", type=int, default=60, help="how long the sustained load lasts")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    asked = parser.parse_args()
    year = not asked.no_year and asked.days == DAYS
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        built = build(folder, asked.days, year=year)
        store = Store.open(folder.as_uri())
        peers = [] if asked.no_peers else list(PEERS)
        warm_up(store)
        loaded = partial(load, store, built, asked.seconds)
        parts = [
            partial(costs, built),
            partial(services, store, built, asked.rounds),
            *([] if asked.no_load else [loaded]),
            partial(readers, store, built, asked.rounds, peers),
        ]
        if asked.load_only:
            parts = [loaded]
        results = []
        for part in parts:
            results.append(part())
            print_result(results[-1])
            sys.stdout.flush()
    if asked.write and not asked.load_only:
        write_page(PAGE, results, _INTRODUCTION)


def warm_up(store: Store) -> None:
    """Load what Python and Arrow load once per process: no question is the first of its kind."""
    (asked, *_) = questions(1, year=False)
    encode.to_json(
        ask(ParquetReader(store), Question(asked.vehicle_id, list(NAMES), asked.start_ns, asked.end_ns, 100))
    )


if __name__ == "__main__":
    main()
