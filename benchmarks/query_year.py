"""The rest of a year: the days that were built, again and again, each some months later.

Everything is a real file where the project would have written it. A series object has the bytes of the earlier day but
for its times; the decoded objects that it covers are links to that day's, which only stand in listings: nobody reads
what a series object covers. The overview is written as the project writes it, months at once.
"""

import datetime as dt
import hashlib
import json
import os
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.query_lake import DAYS, FIRST, Built, long_ago, plus
from telemetry_pipeline.lake import chunks, layout, parquet, schema, thrift
from telemetry_pipeline.lake.chunks import Assembly, Chunk
from telemetry_pipeline.lake.compacted import OverviewMonth, SeriesObject
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition, stem_of, stem_start_ns
from telemetry_pipeline.lake.overview_file import DayNote, OverviewWriter
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.series.overview import update_overview
from telemetry_pipeline.series.state import list_decoded, list_series, series_name
from telemetry_pipeline.series.tier_days import daily_name
from telemetry_pipeline.series.tier_reader import COLUMNS, TierReader
from telemetry_pipeline.series.tiers import S_NS, TIERS_S, TierRows, merge

YEAR: Final = 365

_TIMES: Final = {
    "use_dictionary": False,
    "column_encoding": {"timestamp": "DELTA_BINARY_PACKED"},
    "compression": "zstd",
    "compression_level": 3,
}
_MOVED: Final = ("bucket", "t_first", "t_last", "t_min", "t_max", "t_longest")


@dataclass(frozen=True)
class _Template:
    """A day that was built: its series object, and its rows of the finest tier."""

    day: Partition
    body: bytes
    footer: dict[str, str]
    times: dict[int, np.ndarray]
    rows: dict[SignalName, TierRows]
    units: dict[SignalName, str]


@dataclass(frozen=True)
class _Shifted:
    """A day of the year, made from an earlier one."""

    template: int
    name: str
    note: DayNote


def build_year(store: Store, built: Built) -> None:
    """Write the days of the year that follow those that were built."""
    begun = time.process_time()
    shifted: dict[Partition, _Shifted] = {}
    wide: dict[int, list[dict[SignalName, TierRows]]] = {tier: [] for tier in TIERS_S[1:]}
    units: dict[SignalName, str] = {}
    for number in range(DAYS):
        template = _template(store, FIRST.shifted(number))
        units |= template.units
        for tier, found in wide.items():
            found.append({name: merge(rows, tier * S_NS) for name, rows in template.rows.items()})
        for later in range(number + DAYS, YEAR, DAYS):
            day = FIRST.shifted(later)
            shifted[day] = _write_day(store, template, number, day)
    for month in sorted({day.date.replace(day=1) for day in shifted}):
        days = sorted(day for day in shifted if day.date.replace(day=1) == month)
        if month == FIRST.date.replace(day=1):
            for day in days:  # its objects hold other days, too
                key = SeriesObject(day, shifted[day].name).key
                update_overview(store, day, key, covered_ns=_covered_ns(store, day))
            continue
        for tier in TIERS_S[1:]:
            _write_month(store, tier, {day: shifted[day] for day in days}, wide[tier], units)
    plus(built.cpu_s, "year", time.process_time() - begun)


def _template(store: Store, day: Partition) -> _Template:
    (info,) = list_series(store, day)
    body = store.get(info.key)
    file = pq.ParquetFile(pa.BufferReader(body))
    times: dict[int, np.ndarray] = {}
    for group in range(file.num_row_groups):
        at = file.metadata.row_group(group).column(0).data_page_offset
        if at not in times:
            table = file.read_row_group(group, columns=["timestamp"])
            times[at] = table["timestamp"].cast(pa.int64()).to_numpy()
    footer = parquet.read_footer(file)
    names = [(entry["message"], entry["signal"]) for entry in json.loads(footer["report"])["signals"]]
    found = TierReader(store).read({day: SeriesObject.parse(info.key).name}, names, TIERS_S[0])
    return _Template(day, body, footer, times, dict(found.rows), dict(found.units))


def _write_day(store: Store, template: _Template, number: int, day: Partition) -> _Shifted:
    shift_ns = (day.date - template.day.date).days * DAY_NS
    folder = Path(f"{store.root}/{day.prefix(layout.DECODED)}")
    folder.mkdir(parents=True, exist_ok=True)
    for info in list_decoded(store, template.day):
        start_ns = (stem_start_ns(DecodedObject.parse(info.key).stem) or 0) + shift_ns
        target = Path(f"{store.root}/{DecodedObject(day, stem_of(start_ns)).key}")
        target.unlink(missing_ok=True)
        os.link(f"{store.root}/{info.key}", target)
    long_ago(store, day)
    covers = {DecodedObject.parse(info.key).stem: info.etag for info in list_decoded(store, day)}
    name = series_name(covers, {})
    report = json.loads(template.footer["report"])
    for entry in report["signals"]:
        entry["first_ns"] += shift_ns
        entry["last_ns"] += shift_ns
    spans = [
        (first + shift_ns, last + shift_ns, frames)
        for first, last, frames in json.loads(template.footer["spans"])
    ]
    footer = template.footer | {
        "report": json.dumps(report),
        "spans": json.dumps(spans),
        "covers": json.dumps(covers),
    }
    path = Path(f"{store.root}/{SeriesObject(day, name).key}")
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_series(path, template, shift_ns, footer)
    finest = OverviewMonth.containing(TIERS_S[0], day).key(daily_name(day, name))
    moved = {signal: _moved(rows, shift_ns) for signal, rows in template.rows.items()}
    _write_overview(store, finest, (TIERS_S[0], {day.date.isoformat(): name}, {}), moved, template.units)
    return _Shifted(number, name, DayNote(_covered_ns(store, day), None, tuple(spans)))


def _covered_ns(store: Store, day: Partition) -> int | None:
    return store.changed_ns(day.prefix(layout.DECODED))


def _write_series(path: Path, template: _Template, shift_ns: int, footer: dict[str, str]) -> None:
    """The series object of an earlier day with other times; all other pages are as they were."""
    size = int.from_bytes(template.body[-8:-4], "little")
    groups = thrift.read_struct(template.body[-8 - size : -8])[0][4].values
    placed: dict[int, Chunk] = {}
    with path.open("wb") as sink:
        out = Assembly(sink, schema.SERIES)
        for group in groups:
            row: list[Chunk] = []
            for number, column in enumerate(group[1].values):
                meta = column[3]
                begin = meta[9] if meta.get(11) is None else min(meta[9], meta[11])
                if begin not in placed:
                    placed[begin] = out.place(
                        _times(template.times[meta[9]] + shift_ns)
                        if number == 0
                        else Chunk(template.body[begin : begin + meta[7]], _relative(meta, begin))
                    )
                row.append(placed[begin])
            out.add_group(group[3], row)
        out.close({f"{parquet.FOOTER_PREFIX}{key}": text for key, text in footer.items()})


def _times(times: np.ndarray) -> Chunk:
    table = pa.table(
        [pa.array(times).cast(schema.TIMESTAMP)], schema=pa.schema([schema.SERIES.field("timestamp")])
    )
    (chunk,) = chunks.encode(table, **_TIMES)
    return chunk


def _relative(meta: Any, begin: int) -> Any:
    found = dict(meta.fields)
    for number in (9, 11):
        if number in found:
            found[number] = (found[number][0], found[number][1] - begin)
    return replace(meta, fields=found)


def _moved(rows: TierRows, shift_ns: int) -> TierRows:
    columns = {}
    for column in fields(TierRows):
        values = getattr(rows, column.name)
        if column.name in _MOVED:
            # where there is no value, its time stays 0
            values = np.where(values == 0, 0, values + shift_ns)
        columns[column.name] = values
    return TierRows(**columns)


def _write_month(
    store: Store,
    tier: int,
    days: dict[Partition, _Shifted],
    templates: list[dict[SignalName, TierRows]],
    units: dict[SignalName, str],
) -> None:
    rows = {}
    for signal in sorted(units):
        parts = [
            _moved(templates[item.template][signal], (day.date - _of(item.template)).days * DAY_NS)
            for day, item in days.items()
        ]
        rows[signal] = TierRows(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS)
        )
    names = {day.date.isoformat(): item.name for day, item in days.items()}
    notes = {day.date.isoformat(): item.note for day, item in days.items()} if tier == TIERS_S[-1] else {}
    digest = hashlib.sha256(json.dumps([tier, names]).encode()).hexdigest()[:24]
    key = OverviewMonth.containing(tier, next(iter(days))).key(digest)
    _write_overview(store, key, (tier, names, notes), rows, units)


def _of(number: int) -> dt.date:
    return FIRST.shifted(number).date


def _write_overview(
    store: Store,
    key: str,
    footer: tuple[int, dict[str, str], dict[str, DayNote]],
    rows: dict[SignalName, TierRows],
    units: dict[SignalName, str],
) -> None:
    path = Path(f"{store.root}/{key}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as sink, OverviewWriter(sink) as writer:
        for signal in sorted(rows):
            part = rows[signal]
            columns = {**{name: getattr(part, name) for name in COLUMNS}, "sum": part.sum}
            writer.add(*signal, units[signal], columns)
        writer.close(*footer)
