"""Which vehicle-days wait to be compacted: those that are over, quiet and not settled, or not in the overview."""

from collections.abc import Iterable, Iterator

from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.compacted import OverviewMonth, SeriesObject
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.state import SeriesState, series_state
from telemetry_pipeline.series.tier_days import days_of
from telemetry_pipeline.series.tiers import TIERS_S


def days_to_compact(
    store: Store, *, quiet_for_ns: int, now_ns: int, vehicles: Iterable[str] | None = None, first_ns: int = 0
) -> Iterator[Partition]:
    """The vehicle-days for which `compact_day` has something to do, vehicle by vehicle and oldest first.

    Args:
        store: The lake.
        quiet_for_ns: A day is quiet when no decoded object of it was written for so long.
        now_ns: The present, int64 nanoseconds since the epoch. A day that is not over does not wait.
        vehicles: Only these; None: all with decoded objects.
        first_ns: Days that ended before this are not looked at: looking costs two listings a day, and five a month.

    Raises:
        TransientError: The store does not answer.
    """
    for vehicle_id in ledger.vehicles(store, layout.DECODED) if vehicles is None else vehicles:
        overview = _Overview(store)
        for partition in ledger.partitions(store, vehicle_id, layout.DECODED):
            if not first_ns < partition.end_ns <= now_ns:
                continue
            state = series_state(store, partition)
            newest = max((info.modified_ns for info in state.decoded), default=0)
            if newest <= now_ns - quiet_for_ns and not (state.settled and overview.holds(state)):
                yield partition


class _Overview:
    """The days in the tiers, of one month at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._month: OverviewMonth | None = None
        self._days: list[dict[str, str]] = []

    def holds(self, state: SeriesState) -> bool:
        """Whether all tiers hold a settled day as its series object has it."""
        if state.series is None:
            return True
        month = OverviewMonth.containing(0, state.partition)
        if month != self._month:
            self._month = month
            self._days = [days_of(self._store, state.partition, tier) for tier in TIERS_S]
        name = SeriesObject.parse(state.series.key).name
        return all(days.get(state.partition.date.isoformat()) == name for days in self._days)
