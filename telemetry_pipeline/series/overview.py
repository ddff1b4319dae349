"""The overview of a vehicle: its days in the tiers, made from series objects and kept in objects of a month or a day.

A day counts while the series object that it was made from does: the footer names it. Two processes that add days to
one month at the same time leave two objects, which the next one joins; readers take each day from where it counts.
"""

import hashlib
import io
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.compacted import OverviewMonth, SeriesObject, overview_name
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.overview_file import DayNote, OverviewWriter, read_columns, read_index
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.index import to_ns
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.series.buckets import Buckets
from telemetry_pipeline.series.tier_days import daily_name, date_of, days_of, list_overview
from telemetry_pipeline.series.tier_reader import COLUMNS, in_order, of_days, rows_of
from telemetry_pipeline.series.tiers import (
    S_NS,
    TIERS_S,
    TierRows,
    concatenate,
    empty_rows,
    merge,
    tier_rows_of,
)

_log: Final = logging.getLogger(__name__)

FORMAT: Final = "2"


@dataclass(frozen=True)
class Summary:
    """A day in the overview: rows, signals and bytes of its series object, and how many days its month holds."""

    rows: int
    signals: int
    size: int
    days: int


def update_overview(
    store: Store, partition: Partition, key: str, path: Path | None = None, covered_ns: int | None = None
) -> Summary:
    """Bring a day into all tiers; does nothing where it is there already.

    Args:
        store: The lake.
        partition: The vehicle-day.
        key: Its series object: the one that counts, or will.
        path: The same object as a local file; None: it is in the lake.
        covered_ns: When the day's folder of decoded objects had last changed, if the series object holds the rows of
            all that are in it since then.

    Raises:
        BadRaw: The series object cannot be read.
        NotFound: It is gone.
        TransientError: The store does not answer.
    """
    name = SeriesObject.parse(key).name
    day = partition.date.isoformat()
    with ExitStack() as stack:
        source = stack.enter_context(path.open("rb") if path else store.open_file(key))
        file = parquet.open_object(source, key)
        signals = _signals(file, key)
        note = _note(file, covered_ns, key)
        size = source.seek(0, io.SEEK_END)
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
                    _swap_month(store, partition, tier, (name, note), wide[tier])
    return Summary(
        sum(count for _, _, count in signals), len(signals), size, len(days_of(store, partition, TIERS_S[-1]))
    )


_Fresh = dict[SignalName, tuple[str, TierRows]]
"""A day's rows by signal, with the units."""

_NOTHING: Final = ("", empty_rows())


def _add(writer: OverviewWriter, signal: SignalName, unit: str, rows: TierRows) -> None:
    columns = {**{key: getattr(rows, key) for key in COLUMNS}, "sum": rows.sum}
    writer.add(*signal, unit, columns)


def _signals(file: pq.ParquetFile, where: str) -> list[tuple[SignalName, str, int]]:
    try:
        entries = json.loads(parquet.read_footer(file)["report"])["signals"]
        return [((item["message"], item["signal"]), item["unit"], int(item["rows"])) for item in entries]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRaw(f"not a series object ({error})", where) from error


def _note(file: pq.ParquetFile, covered_ns: int | None, where: str) -> DayNote:
    try:
        footer = parquet.read_footer(file)
        outside = json.loads(footer["outside_day"])
        spans = json.loads(footer["spans"])
        limits = None if outside is None else (outside["first_ns"], outside["last_ns"])
        return DayNote.parse({"covered_ns": covered_ns, "outside": limits, "spans": spans})
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
        with path.open("wb") as sink, OverviewWriter(sink) as writer:
            yield writer, path


def _swap_day(store: Store, partition: Partition, name: str, path: Path) -> None:
    month = OverviewMonth.containing(TIERS_S[0], partition)
    number = daily_name(partition, "")
    before = [info for info in list_overview(store, month) if str(overview_name(info.key)).startswith(number)]
    key = month.key(daily_name(partition, name))
    store.put_file(key, path)
    _remove(store, before, key)


def _swap_month(
    store: Store, partition: Partition, tier: int, day: tuple[str, DayNote], fresh: _Fresh
) -> None:
    month = OverviewMonth.containing(tier, partition)
    before = list_overview(store, month)
    broken: set[str] = set()
    while True:
        with _writing() as (writer, path):
            try:
                days, notes = _write_month(
                    store, [info for info in before if info.key not in broken], writer, fresh, partition
                )
            except BadRaw as error:
                broken.add(error.where)  # its days are made again from their series objects
                _log.warning("left out: %s", error)
                continue
            date = partition.date.isoformat()
            days = dict(sorted((days | {date: day[0]}).items()))
            # readers ask the widest tier alone
            notes = dict(sorted((notes | {date: day[1]}).items())) if tier == TIERS_S[-1] else {}
            writer.close(tier, days, notes)
            told = {date: note.entry() for date, note in notes.items()}
            digest = hashlib.sha256(json.dumps([FORMAT, tier, days, told]).encode()).hexdigest()
            key = month.key(digest[:24])
            store.put_file(key, path)
        _remove(store, before, key)
        return


def _write_month(
    store: Store, before: list[ObjectInfo], writer: OverviewWriter, fresh: _Fresh, partition: Partition
) -> tuple[dict[str, str], dict[str, DayNote]]:
    """Write the rows of a month's objects, with those of one day in place of what they have; returns the other days."""
    with ExitStack() as stack:
        files = [(info.key, stack.enter_context(store.open_file(info.key))) for info in before]
        indexes = [(key, file, read_index(file, key)) for key, file in files]
        owner = {date: key for key, _, index in indexes for date in index.days}
        owner.pop(partition.date.isoformat(), None)
        units = {signal: unit for _, _, index in indexes for signal, unit in index.units.items()}
        units.update({signal: unit for signal, (unit, _) in fresh.items()})
        for signal in sorted(units):
            parts = [fresh.get(signal, _NOTHING)[1]]
            for key, file, index in indexes:
                kept = [date_of(partition, date) for date, whose in owner.items() if whose == key]
                columns = read_columns(file, index, [signal], key).get(signal)
                parts += [of_days(rows_of(columns), kept)] if columns else []
            if len(rows := in_order(parts)):
                _add(writer, signal, units[signal], rows)
        owned = [(index, date) for key, _, index in indexes for date in index.days if owner.get(date) == key]
        days = {date: index.days[date] for index, date in owned}
        return days, {date: index.notes[date] for index, date in owned if date in index.notes}


def _remove(store: Store, before: list[ObjectInfo], key: str) -> None:
    for info in before:
        if info.key != key:
            store.delete(info.key)
