"""Make a vehicle-day's series object from its decoded objects, and swap it in.

The object is written under a new name, after the overview that is made from it, and the one that it replaces is removed
afterwards: a reader finds the old one, both, or the new one, and counts by what they cover. A crash leaves at most a
leftover, which the next run removes.
"""

import json
import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from telemetry_pipeline.errors import BadRaw, NotFound, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.series_file import SeriesWriter
from telemetry_pipeline.lake.store import TICK_NS, Store
from telemetry_pipeline.query.day import joined
from telemetry_pipeline.series.merge import HELD_ROWS, Broken, merged
from telemetry_pipeline.series.overview import update_overview
from telemetry_pipeline.series.sources import Catalogue, Source
from telemetry_pipeline.series.state import (
    COVERS,
    FORMAT,
    REFUSED,
    SeriesState,
    list_decoded,
    series_name,
    series_state,
)
from telemetry_pipeline.series.totals import Totals
from telemetry_pipeline.version import __version__

if TYPE_CHECKING:
    from telemetry_pipeline.query.index import Span

_log: Final = logging.getLogger(__name__)

_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Compacted:
    """A vehicle-day that is compacted.

    Attributes:
        partition: Which one.
        key: Its series object.
        written: Whether the object was made now; if not, it was there.
        rows: Rows in it.
        signals: Signals in it.
        objects: Decoded objects whose rows are in it.
        refused: Why decoded objects could not be read, by key; readers skip them, too.
        size: The object's bytes.
        removed: Keys of the series objects that it replaced.
        days_in_overview: How many days the overview holds in this day's month, this one included.
    """

    partition: Partition
    key: str
    written: bool
    rows: int
    signals: int
    objects: int
    refused: Mapping[str, str]
    size: int
    removed: Sequence[str]
    days_in_overview: int


def compact_day(store: Store, partition: Partition, *, held_rows: int = HELD_ROWS) -> Compacted:
    """Compact a vehicle-day: its series object, then its days in the overview. Does only what is not done yet.

    It may be called at any time, also while objects are decoded and while another process compacts the same day.

    Args:
        store: The lake.
        partition: The vehicle-day.
        held_rows: Rows in memory at a time.

    Raises:
        NotFound: The day has no decoded object; what series objects it has are left alone.
        TransientError: The store does not answer, or the day's objects change faster than they can be read.
    """
    for _ in range(_ATTEMPTS):
        changed_ns = _quiet_since(store, partition)
        state = series_state(store, partition)
        if not state.decoded:
            raise NotFound(
                f"no decoded objects of {partition.vehicle_id} on {partition.date}",
                store.url,
                "Decode its raw objects first: telemetry decode --pending",
            )
        try:
            if (done := _compact(store, state, changed_ns, held_rows)) is not None:
                return done
        except NotFound as error:  # decoded again or removed while it was read
            _log.info("%s %s: begins again (%s)", partition.vehicle_id, partition.date, error)
    raise TransientError(
        "its decoded objects change all the time",
        partition.prefix(layout.DECODED),
        "Compact the day when it is quiet",
    )


def _quiet_since(store: Store, partition: Partition) -> int | None:
    """When the folder of a day's decoded objects last changed, if a change from now on will show."""
    changed_ns = store.changed_ns(partition.prefix(layout.DECODED))
    return changed_ns if changed_ns and changed_ns < time.time_ns() - TICK_NS else None


def _compact(store: Store, state: SeriesState, changed_ns: int | None, held_rows: int) -> Compacted | None:
    """One attempt; None if objects changed meanwhile."""
    partition = state.partition
    refused: dict[str, BadRaw] = {}
    with tempfile.TemporaryDirectory(prefix="telemetry-") as folder:
        path = Path(folder) / "series.parquet"
        made = None
        series = state.series
        if state.uncovered or series is None:
            made = _write(store, state, path, refused, held_rows)
            if list_decoded(store, partition) != list(state.decoded):
                return None
            key = made.key
        else:
            key = series.key
        # the overview first: then a day that is settled is in it
        whole = not refused if made else not state.refused
        summary = update_overview(
            store, partition, key, path if made else None, changed_ns if whole else None
        )
        if made:
            store.put_file(key, path)
    old = [*state.leftovers, *([state.series.key] if state.series else [])]
    removed = [found for found in old if found != key]
    for found in removed:
        store.delete(found)
    return Compacted(
        partition,
        key,
        made is not None,
        summary.rows,
        summary.signals,
        made.objects if made else len(state.covered),
        {key: error.what for key, error in refused.items()}
        or {info.key: "cannot be read" for info in state.refused},
        summary.size,
        removed,
        summary.days,
    )


@dataclass(frozen=True)
class _Made:
    key: str
    objects: int


def _write(store: Store, state: SeriesState, path: Path, refused: dict[str, BadRaw], held_rows: int) -> _Made:
    """Write the series object into a file, again from the beginning whenever an object turns out to be broken."""
    while True:
        catalogue = Catalogue()
        sources: list[Source] = []
        for info in state.decoded:
            if info.key not in refused:
                try:
                    sources.append(catalogue.open(store, info, state.partition))
                except BadRaw as error:
                    _refuse(refused, info.key, error)
        covers = {DecodedObject.parse(source.info.key).stem: source.info.etag for source in sources}
        broken = {
            DecodedObject.parse(info.key).stem: info.etag for info in state.decoded if info.key in refused
        }
        totals = Totals(state.partition)
        try:
            with path.open("wb") as sink:
                writer = SeriesWriter(sink, state.partition.vehicle_id)
                for signal in merged(store, sources, catalogue.numbers, held_rows):
                    writer.add(signal)
                    totals.add(signal)
                writer.close(_footer(sources, covers, broken, totals))
        except Broken as error:
            _refuse(refused, error.source.info.key, error.error)
            continue
        return _Made(SeriesObject(state.partition, series_name(covers, broken)).key, len(sources))


def _refuse(refused: dict[str, BadRaw], key: str, error: BadRaw) -> None:
    refused[key] = error
    _log.warning("left out: %s", error)


def _footer(
    sources: Sequence[Source], covers: Mapping[str, str], refused: Mapping[str, str], totals: Totals
) -> dict[str, str]:
    messages: dict[str, int] = {}
    spans: list[Span] = []
    for source in sources:
        spans += source.spans
        for message, frames in source.messages.items():
            messages[message] = messages.get(message, 0) + frames
    report = {
        "rows": sum(source.frames for source in sources),
        "messages": dict(sorted(messages.items())),
        "signals": totals.signals(),
    }
    return {
        "report": _compactly(report),
        "spans": _compactly([[span.first_ns, span.last_ns, span.frames] for span in joined(spans)]),
        "outside_day": _compactly(totals.outside()),
        COVERS: _compactly(covers),
        REFUSED: _compactly(refused),
        "format": FORMAT,
        "code_version": __version__,
    }


def _compactly(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
