"""The rules' eye on decoded rows as they pass: what it finds becomes the events object beside the decoded one.

A signal whose smallest and largest value cannot meet a condition is not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from telemetry_pipeline.decode.signals import SignalStats
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.layout import DecodedObject
from telemetry_pipeline.lake.row_group import RowGroup
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.rules.evaluate import find_intervals, series_of
from telemetry_pipeline.rules.interval import Interval, to_table
from telemetry_pipeline.rules.rows import Rows, join_channels
from telemetry_pipeline.rules.rule import Rule, VehicleRules


class Watch:
    """Evaluates a vehicle's rules over one decoded object.

    Args:
        rules: The vehicle's rules.
        signals: The statistics of the object's signals, in the order of its rows.
    """

    def __init__(self, rules: VehicleRules, signals: Iterable[SignalStats]) -> None:
        self.rules = rules
        self.intervals: list[Interval] = []
        self._signals: list[_Watched] = []
        if rules.rules:
            start = 0
            for stats in signals:
                found = [rule for rule in rules.on(stats.message, stats.signal) if _possible(rule, stats)]
                if found:
                    self._signals.append(_Watched(stats, found, start, start + stats.rows))
                start += stats.rows

    def through(self, parts: Iterable[RowGroup]) -> Iterator[RowGroup]:
        """The same row groups, looked at on their way; together they are the object's rows in their order."""
        return self._through(parts) if self._signals else iter(parts)

    def wants(self, start: int, end: int) -> bool:
        """Whether any of the rows in [start, end) is looked at."""
        return any(signal.start < end and signal.end > start for signal in self._signals)

    def look(self, start: int, table: pa.Table) -> None:
        """Look at the rows of the object from number `start` on. Rows come in their order; others may be left out."""
        end = start + table.num_rows
        rows: Rows | None = None
        for signal in self._signals:
            low, high = max(signal.start, start), min(signal.end, end)
            if low < high:
                rows = rows or Rows.of(table)
                signal.held.append(rows.part(low - start, high - start))
                if high == signal.end:
                    self.intervals += signal.evaluate()

    def _through(self, parts: Iterable[RowGroup]) -> Iterator[RowGroup]:
        start = 0
        for part in parts:
            # before it is handed on: nobody need ask for more after the last one
            self.look(start, part.table)
            start += part.num_rows
            yield part


class _Watched:
    """One signal, its rules, and its rows until they are all there."""

    def __init__(self, stats: SignalStats, rules: Sequence[Rule], start: int, end: int) -> None:
        self.start, self.end = start, end
        self.held: list[Rows] = []
        self._stats = stats
        self._rules = rules

    def evaluate(self) -> Iterator[Interval]:
        parts, self.held = self.held, []
        for channel, times, values in join_channels(parts):
            for rule in self._rules:
                series = series_of(rule, self._stats.message, self._stats.signal, channel)
                yield from find_intervals(rule, series, self._stats.unit, times, values)


def put_events(store: Store, decoded: DecodedObject, watch: Watch, footer: Mapping[str, str]) -> None:
    """Write what the rules found in a decoded object, or remove what they found there before.

    Args:
        store: The lake.
        decoded: The object.
        watch: The watch, through which all of its rows went.
        footer: Entries of the decoded object's own footer; `raw_key`, `raw_digest` and `code_version` are taken over.

    Raises:
        TransientError: The store does not answer.
    """
    if watch.intervals:
        kept = {name: footer[name] for name in ("raw_key", "raw_digest", "code_version") if name in footer}
        table = to_table(watch.intervals, decoded.partition.vehicle_id)
        body = parquet.write_events(table, {**kept, "rules_digest": watch.rules.digest})
        store.put(decoded.events_key, body)
    elif watch.rules.rules:
        store.delete(decoded.events_key)


def _possible(rule: Rule, stats: SignalStats) -> bool:
    if stats.nonfinite or stats.minimum is None or stats.maximum is None:
        return True
    return rule.condition.possible(stats.minimum, stats.maximum)
