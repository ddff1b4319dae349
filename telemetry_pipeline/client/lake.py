"""What can be asked of a lake. How rows are found is `query`'s business, what frames look like is `shapes`'."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from telemetry_pipeline.client import raw, shapes
from telemetry_pipeline.client.range import Instant, range_of, width_of
from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.open import open_reader
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.row_export import MAX_SIGNALS, RowExport
from telemetry_pipeline.settings import Settings

_READERS: Final = 4
"""Objects that are looked into at once."""


class Lake:
    """One lake.

    Args:
        url: A folder, `file:///abs/path` or `s3://bucket/prefix`; default: what `TELEMETRY_LAKE` says.
        endpoint_url: An S3-compatible server; default: what `AWS_ENDPOINT_URL` says.

    Attributes:
        url: Where it is, `file:///…` or `s3://…`.

    Raises:
        BadSetting: It is not the place of a lake, or no credentials are found.
    """

    def __init__(self, url: str | Path | None = None, *, endpoint_url: str | None = None) -> None:
        settings = Settings.from_env()
        if isinstance(url, Path) or (url is not None and "://" not in url):
            url = Path(url).expanduser().absolute().as_uri()
        self._store = Store.open(url or settings.lake, endpoint_url=endpoint_url or settings.endpoint_url)
        self.url: Final = self._store.url
        self._reader = open_reader(self._store, settings)
        self._objects = ObjectReader(self._store, _READERS)
        self._events = EventReader(self._store)

    def vehicles(self) -> pl.DataFrame:
        """Who there is: `vehicle_id`, `first`, `last` (when it was heard) and `frames` (recorded), by id."""
        return shapes.vehicles(self._reader.vehicles())

    def sessions(self, vehicle_id: str) -> pl.DataFrame:
        """The drives of a vehicle, newest first: `first`, `last` and `frames` (decoded).

        Raises:
            NotFound: There is no such vehicle.
        """
        return shapes.sessions(self._reader.sessions(vehicle_id))

    def signals(self, vehicle_id: str) -> pl.DataFrame:
        """Everything that a vehicle ever sent: `message_name`, `signal_name`, `unit`, `min`, `max`, `mean`.

        Raises:
            NotFound: There is no such vehicle.
        """
        return shapes.signals(
            [
                signal
                for message in self._reader.messages(vehicle_id)
                for signal in self._reader.signals(vehicle_id, message.message)
            ]
        )

    def read(
        self, vehicle_id: str, signals: Sequence[str], start: Instant, end: Instant, *, wide: bool = False
    ) -> pl.DataFrame:
        """Every sample of some signals, in order of time.

        Args:
            vehicle_id: The vehicle.
            signals: `Message.Signal` each, or `Message.*` for all of a message; 200 at most.
            start: The first instant.
            end: The first instant no longer wanted.
            wide: A column per signal and a row per instant at which any of them was sampled, null where one was not
                (of several samples of one signal at one instant, the last); else a row per sample.

        Returns:
            `timestamp`, `message_name`, `signal_name`, `value`, `unit`, `channel`; or `timestamp` and a Float64 column
            per signal, named `Message.Signal`.

        Raises:
            BadQuery: The range has no length, no signal or too many are asked for, or a signal's name has no dot.
            NotFound: There is no such vehicle, or it never sent one of the signals.
        """
        names = self._names(vehicle_id, signals)
        rows = pl.concat([shapes.NO_ROWS, *self._tables(vehicle_id, names, start, end)], rechunk=True)
        return shapes.wide(rows, names) if wide else rows

    def batches(
        self, vehicle_id: str, signals: Sequence[str], start: Instant, end: Instant
    ) -> Iterator[pl.DataFrame]:
        """What `read` gives, about 131,072 rows at a time: for ranges that are larger than memory.

        Raises:
            BadQuery: As in `read`.
            NotFound: As in `read`.
        """
        return self._tables(vehicle_id, self._names(vehicle_id, signals), start, end)

    def buckets(
        self, vehicle_id: str, signals: Sequence[str], start: Instant, end: Instant, every: dt.timedelta
    ) -> pl.DataFrame:
        """Samples summed up exactly in buckets of time; months of them are quick where `every` is a multiple of 10 s.

        Args:
            vehicle_id: The vehicle.
            signals: As in `read`.
            start: The first instant; of the buckets at both ends, only what lies in the range counts.
            end: The first instant no longer wanted.
            every: How wide a bucket is.

        Returns:
            One row per signal and bucket with samples: `timestamp` (where the bucket begins), `message_name`,
            `signal_name`, `unit`, `count`, `nonfinite` (NaN and infinities), and of the finite ones `min`, `max`,
            `mean`, `std` (of the population), with `first` and `last` sample.

        Raises:
            BadQuery: As in `read`, or the buckets have no width.
            NotFound: As in `read`.
        """
        names = self._names(vehicle_id, signals)
        found = self._reader.buckets(vehicle_id, names, *range_of(start, end), width_of(every))
        shapes.warn_of(found.skipped_objects)
        return shapes.buckets(found, names)

    def events(self, vehicle_id: str, start: Instant, end: Instant) -> pl.DataFrame:
        """What rules found that has a part in the range, in order of time.

        Returns:
            `rule`, `severity`, `description`, `first`, `last`, `message_name`, `signal_name`, `unit`, `channel`,
            `condition`, `samples`, `worst`, `worst_at`, and whether an end lies beyond what is known: `open_start`,
            `open_end`.

        Raises:
            BadQuery: The range has no length.
            NotFound: There is no such vehicle.
        """
        found = self._events.events(vehicle_id, *range_of(start, end))
        shapes.warn_of(found.skipped_objects)
        return shapes.events(found.events)

    def frames(self, vehicle_id: str, start: Instant, end: Instant) -> pl.DataFrame:
        """The raw CAN frames of a range, in order of time: `timestamp`, `arb_id`, `dlc`, `data`, flags and `channel`.

        An object that cannot be read is left out with a warning.

        Raises:
            BadQuery: The range has no length.
            TransientError: The store does not answer.
        """
        return raw.frames(self._store, vehicle_id, *range_of(start, end))

    def _names(self, vehicle_id: str, signals: Sequence[str]) -> list[SignalName]:
        names: list[SignalName] = []
        for text in signals:
            message, dot, signal = text.partition(".")
            if not (message and dot and signal):
                raise BadQuery(f"{text!r} is not a signal", remedy="Write Message.Signal, or Message.*")
            if signal == "*":
                names += [(message, each.signal) for each in self._reader.signals(vehicle_id, message)]
            else:
                names.append((message, signal))
        if not names:
            raise BadQuery("no signal is asked for", remedy="Write Message.Signal, or Message.*")
        return list(dict.fromkeys(names))

    def _tables(
        self, vehicle_id: str, names: Sequence[SignalName], start: Instant, end: Instant
    ) -> Iterator[pl.DataFrame]:
        span = range_of(start, end)
        if len(names) > MAX_SIGNALS:
            raise BadQuery(
                f"{len(names)} signals are asked for, the limit is {MAX_SIGNALS}",
                remedy="Ask for some at a time",
            )
        self._reader.count(vehicle_id, names, *span)  # what was never sent is refused
        export = RowExport(self._store, self._objects, vehicle_id, names, *span)
        for _ in export.prepare():
            pass
        shapes.warn_of(len(export.skipped))
        for table in export.tables():
            yield shapes.rows(table)
