"""Which partitions Athena knows: it finds no row in one that is not registered, and says nothing."""

import threading
from collections.abc import Collection, Iterator
from typing import Final

from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.tables import Table
from telemetry_pipeline.errors import PermanentError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.ours import parse_ours

_REMEMBERED: Final = 1_000_000


class Catalogue:
    """Remembers what Glue knows: days that were registered once stay so. Safe to use from several threads.

    Args:
        glue: The catalogue of the lake.
    """

    def __init__(self, glue: Glue) -> None:
        self._glue = glue
        self._lock = threading.Lock()
        self._known: set[tuple[str, Partition]] = set()
        self._projected: dict[str, bool] = {}

    def unknown(self, table: Table, days: Collection[Partition]) -> set[Partition]:
        """Those of some days of one vehicle that Athena would find nothing of in a table.

        Raises:
            PermanentError: There is no such table, or Glue refuses.
            TransientError: Glue does not answer.
        """
        with self._lock:
            left = {day for day in days if (table.name, day) not in self._known}
        if not left or self._is_projected(table):
            return set()
        found = left & set(self._registered(table, left))
        with self._lock:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            self._known.update((table.name, day) for day in found)
        return left - found

    def has(self, table: Table) -> bool:
        """Whether there is such a table."""
        return table.name in self._projected or self._glue.table(table.name) is not None

    def _is_projected(self, table: Table) -> bool:
        """Whether Athena computes the table's partitions instead of looking them up."""
        if table.name not in self._projected:
            declared = self._glue.table(table.name)
            if declared is None:
                raise PermanentError(
                    "the catalogue has no such table",
                    f"{self._glue.database}.{table.name}",
                    "Run: telemetry catalog sync",
                )
            self._projected[table.name] = declared.get("Parameters", {}).get("projection.enabled") == "true"
        return self._projected[table.name]

    def _registered(self, table: Table, days: Collection[Partition]) -> Iterator[Partition]:
        vehicle_id = next(iter(days)).vehicle_id
        years = sorted({day.date.year for day in days})
        parts = [f"vehicle_id = '{vehicle_id}'", f"year >= '{years[0]:04d}'", f"year <= '{years[-1]:04d}'"]
        if len({(day.date.year, day.date.month) for day in days}) == 1:
            parts.append(f"month = '{next(iter(days)).date.month:02d}'")
        for item in self._glue.partitions(table, " AND ".join(parts)):
            values = zip(layout.DAY_KEYS, item["Values"], strict=True)
            found = parse_ours(Partition.parse, "/".join(f"{key}={value}" for key, value in values))
            if found is not None:  # else somebody else's
                yield found
