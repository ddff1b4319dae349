"""The overview of a vehicle: its days in the tiers, made from series objects and kept in objects of a month or a day.

A day counts while the series object that it was made from does: the footer names it. Two processes that add days to
one month at the same time leave two objects, which the next one joins; readers take each day from where it counts.
"""

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.compacted import OverviewMonth, SeriesObject, overview_name
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.overview_file import OverviewFile, OverviewWriter
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.index import to_ns
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.series.tiers import (
    S_NS,
    TIERS_S,
    Buckets,
    TierRows,
    concatenate,
    empty_rows,
    merge,
    tier_rows_of,
)

DAILY: Final = TIERS_S[:1]
"""Tiers with an object for each day: they serve hours to days, and a month of them would be rewritten every day."""

FORMAT: Final = "1"


@dataclass(frozen=True)
class Summary:
    """A day in the overview: rows and signals of its series object, and how many days its month holds."""

    rows: int
    signals: int
    days: int


def update_overview(
    store: Store, partition: Partition, series: ObjectInfo, path: Path | None = None
) -> Summary:
    """Bring a day into all tiers; does nothing where it is there already.

    Args:
        store: The lake.
        partition: The vehicle-day.
        series: Its series object, the one that counts.
        path: The same object as a local file, if there is one.

    Raises:
        BadRaw: The series object cannot be read.
        NotFound: It is gone.
        TransientError: The store does not answer.
    """
    name = SeriesObject.parse(series.key).name
    day = partition.date.isoformat()
    with ExitStack() as stack:
        source = stack.enter_context(path.open("rb") if path else store.open_file(series.key))
        file = parquet.open_object(source, series.key)
        signals = _signals(file, series.key)
        behind = [tier for tier in TIERS_S if days_of(store, partition, tier).get(day) != name]
        if behind:
            wide: dict[int, _Fresh] = {tier: {} for tier in TIERS_S[1:]}
            with _writing() as (writer, written):
                for signal, unit, finest in _tiers(file, signals, partition):
                    if len(finest):
                        _add(writer, signal, unit, finest)
                    rows = finest
                    for tier in TIERS_S[1:]:  # each from the one before
                        rows = merge(rows, tier * S_NS)
                        wide[tier][signal] = unit, rows
                writer.close(TIERS_S[0], {day: name})
                if TIERS_S[0] in behind:
                    _swap_day(store, partition, name, written)
            for tier in TIERS_S[1:]:
                if tier in behind:
                    _swap_month(store, partition, tier, name, wide[tier])
    return Summary(
        sum(count for _, _, count in signals), len(signals), len(days_of(store, partition, TIERS_S[-1]))
    )


def days_of(store: Store, partition: Partition, tier: int) -> dict[str, str]:
    """The days that a tier holds in a day's month (`2026-11-22`), with the names of the series objects they are from.

    Where objects disagree, the day counts from the last of them.
    """
    days: dict[str, str] = {}
    month = OverviewMonth.containing(tier, partition)
    if tier in DAILY:
        for info in list_overview(store, month):
            number, _, series = str(overview_name(info.key)).partition("-")
            days[f"{partition.date:%Y-%m}-{number}"] = series
        return days
    for info in list_overview(store, month):
        try:
            with store.open_file(info.key) as file:
                days |= OverviewFile(file, info.key).days
        except (BadRaw, NotFound):
            continue  # what cannot be read holds no day, and is replaced with the next one
    return days


def list_overview(store: Store, month: OverviewMonth) -> list[ObjectInfo]:
    """The overview objects of a month in one tier, sorted by key; strangers' files are passed over."""
    found = [info for info in store.list_objects(month.prefix) if overview_name(info.key) is not None]
    return sorted(found, key=lambda info: info.key)


def rows_of(file: OverviewFile, name: SignalName) -> TierRows:
    """The rows of a signal in an open overview object; none if it has none.

    Raises:
        BadRaw: They cannot be read.
    """
    columns = file.read(name)
    return TierRows(*(columns[key] for key in _KEYS)) if columns else empty_rows()  # type: ignore[arg-type]


_Fresh = dict[SignalName, tuple[str, TierRows]]
"""A day's rows by signal, with the units."""

_NOTHING: Final = ("", empty_rows())
_KEYS: Final = tuple(field.name for field in fields(TierRows))


def _add(writer: OverviewWriter, signal: SignalName, unit: str, rows: TierRows) -> None:
    columns = {**{key: getattr(rows, key) for key in _KEYS}, "sum": rows.sum}
    writer.add(*signal, unit, columns)


def _signals(file: pq.ParquetFile, where: str) -> list[tuple[SignalName, str, int]]:
    try:
        entries = json.loads(parquet.read_footer(file)["report"])["signals"]
        return [((item["message"], item["signal"]), item["unit"], int(item["rows"])) for item in entries]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRaw(f"not a series object ({error})", where) from error


def _tiers(
    file: pq.ParquetFile, signals: list[tuple[SignalName, str, int]], partition: Partition
) -> Iterator[tuple[SignalName, str, TierRows]]:
    """The rows of the finest tier, signal by signal; samples of other days are left out."""
    width = TIERS_S[0] * S_NS
    group = 0
    message = ""
    shared: dict[int, tuple[slice, Buckets | None]] = {}
    for signal, unit, rows in signals:
        if signal[0] != message:
            message = signal[0]
            shared.clear()
        parts, missing = [], rows
        while missing > 0:
            meta = file.metadata.row_group(group)
            times_at = meta.column(0).data_page_offset
            columns = ["value"] if times_at in shared else ["timestamp", "value"]
            table = file.read_row_group(group, columns=columns, use_threads=False)
            if times_at not in shared:
                shared[times_at] = _bucketed(to_ns(table["timestamp"]), partition, width)
            inside, buckets = shared[times_at]
            if buckets is not None:
                parts.append(tier_rows_of(buckets, table["value"].to_numpy()[inside]))
            missing -= meta.num_rows
            group += 1
        yield signal, unit, merge(concatenate(parts), width)


def _bucketed(t: np.ndarray, partition: Partition, width: int) -> tuple[slice, Buckets | None]:
    inside = slice(*np.searchsorted(t, [partition.start_ns, partition.end_ns]))
    return inside, Buckets.of(t[inside], width) if inside.start < inside.stop else None


@contextmanager
def _writing() -> Iterator[tuple[OverviewWriter, Path]]:
    with tempfile.TemporaryDirectory(prefix="telemetry-") as folder:
        path = Path(folder) / "overview.parquet"
        with path.open("wb") as sink:
            yield OverviewWriter(sink), path


def _swap_day(store: Store, partition: Partition, name: str, path: Path) -> None:
    month = OverviewMonth.containing(TIERS_S[0], partition)
    number = f"{partition.date:%d}-"
    before = [info for info in list_overview(store, month) if str(overview_name(info.key)).startswith(number)]
    key = month.key(f"{number}{name}")
    store.put_file(key, path)
    for info in before:
        if info.key != key:
            store.delete(info.key)


def _swap_month(
    store: Store,
    partition: Partition,
    tier: int,
    name: str,
    fresh: _Fresh,
) -> None:
    month = OverviewMonth.containing(tier, partition)
    before = list_overview(store, month)
    day = partition.date.isoformat()
    with ExitStack() as stack:
        files = []
        for info in before:
            try:
                files.append(OverviewFile(stack.enter_context(store.open_file(info.key)), info.key))
            except (BadRaw, NotFound):
                continue  # its days are made again from their series objects
        owner = {date: file for file in files for date in file.days if date != day}
        days = {day: name} | {date: file.days[date] for date, file in owner.items()}
        known = {signal: unit for file in files for signal, unit in file.units.items()}
        known.update({signal: unit for signal, (unit, _) in fresh.items()})
        with _writing() as (writer, path):
            for signal in sorted(known):
                kept = [fresh.get(signal, _NOTHING)[1]]
                kept += [_of_days(rows_of(file, signal), partition, file, owner) for file in files]
                rows = concatenate([part for part in kept if len(part)])
                if len(rows):
                    _add(writer, signal, known[signal], rows[np.argsort(rows.bucket, kind="stable")])
            writer.close(tier, dict(sorted(days.items())))
            digest = hashlib.sha256(json.dumps([FORMAT, tier, sorted(days.items())]).encode()).hexdigest()
            key = month.key(digest[:24])
            store.put_file(key, path)
    for info in before:
        if info.key != key:
            store.delete(info.key)


def _of_days(
    rows: TierRows, partition: Partition, file: OverviewFile, owner: Mapping[str, OverviewFile]
) -> TierRows:
    """Those rows of a month's object whose days it keeps."""
    keep = np.zeros(len(rows), np.bool_)
    for date, kept_by in owner.items():
        if kept_by is file:
            whose = Partition(partition.vehicle_id, dt.date.fromisoformat(date))
            first, stop = np.searchsorted(rows.bucket, [whose.start_ns, whose.end_ns])
            keep[first:stop] = True
    return rows[keep]
