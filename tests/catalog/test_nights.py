"""A night that was never begun is missed by the function of every hour, which has told Glue of its days before."""

import os
import time

import pytest

from telemetry_pipeline import compact_task
from telemetry_pipeline.catalog.nights import FOLDER, MISSED_AFTER, miss_nights, note_night
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from tests.nights import QUIET, days, fill

HOUR_NS = 3_600_000_000_000
LIMIT_NS = int(MISSED_AFTER.total_seconds() * 1e9)


def test_a_lake_without_a_night_yet_misses_none(folder_lake: Store) -> None:
    miss_nights(folder_lake, time.time_ns())


def test_the_last_night_is_missed_when_two_should_have_been(folder_lake: Store) -> None:
    note_night(folder_lake, {"compacted": 1})
    (mark,) = folder_lake.list_objects(FOLDER)
    miss_nights(folder_lake, mark.modified_ns + LIMIT_NS)
    with pytest.raises(TransientError, match="no compaction of a night was through for 53 hours"):
        miss_nights(folder_lake, mark.modified_ns + LIMIT_NS + 3 * HOUR_NS)
    note_night(folder_lake, {"compacted": 0})  # the next one
    miss_nights(folder_lake, time.time_ns() + HOUR_NS)


def test_a_night_that_left_days_undone_was_a_night_all_the_same(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder_lake, days(1))
    monkeypatch.setenv("TELEMETRY_LAKE", folder_lake.url)

    def failing(store: Store, partition: Partition) -> None:
        raise TransientError("away", partition.prefix("decoded"))

    monkeypatch.setattr(compact_task, "compact_day", failing)
    assert compact_task.main(list(QUIET)) == 1
    assert list(folder_lake.list_objects(FOLDER))
    assert folder_lake.root is not None
    old = time.time() - 3 * 86_400
    os.utime(folder_lake.root / FOLDER / "last.json", (old, old))
    with pytest.raises(TransientError, match="72 hours"):
        miss_nights(folder_lake, time.time_ns())
