"""The last days, registered: what is decoded within the window, at a cost that does not grow with the years."""

import datetime as dt
import threading
import time
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_pipeline import catalog_handler
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.nights import note_night
from telemetry_pipeline.catalog.recent import BY_DAY, DAYS, decoded_days, sync_recent, window_of
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, SIGNAL_OVERVIEW, SIGNAL_SERIES
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from tests.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

TODAY = dt.date(2026, 3, 2)


@pytest.fixture
def database() -> str:
    return f"db_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def glue(aws_lake: str, aws_server: S3Server, database: str) -> Glue:
    found = open_catalog(aws_lake, database, endpoint_url=aws_server.endpoint)
    assert found is not None
    return found


@pytest.fixture
def store(aws_lake: str, aws_server: S3Server) -> Store:
    return Store.open(aws_lake, endpoint_url=aws_server.endpoint)


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The prefixes of all listings from now on."""
    asked: list[str] = []
    lock, whole = threading.Lock(), Store.list_dirs

    def listed(self: Store, prefix: str) -> list[str]:
        with lock:
            asked.append(prefix)
        return whole(self, prefix)

    monkeypatch.setattr(Store, "list_dirs", listed)
    return asked


def decode(store: Store, vehicle_id: str, *dates: dt.date) -> None:
    for date in dates:
        store.put(DecodedObject(Partition(vehicle_id, date), "x").key, b"-")


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def registered(glue: Glue, table: Any = DECODED_SIGNALS) -> set[tuple[str, ...]]:
    return {tuple(found["Values"]) for found in glue.partitions(table)}


def test_days_of_the_window_are_registered_in_every_table_of_days(glue: Glue, store: Store) -> None:
    for _ in sync(glue, store):
        pass
    decode(store, "EV_1", TODAY, ago(1), ago(DAYS), ago(DAYS + 1), ago(-1), ago(-2))
    decode(store, "EV_2", ago(3))
    done = list(sync_recent(glue, store, TODAY))
    # two months of one vehicle, one of the other, in three tiers
    assert [(item.table, item.partitions, item.created) for item in done] == [
        *((table.name, 5, 5) for table in BY_DAY),
        (SIGNAL_OVERVIEW.name, 9, 9),
    ]
    assert {values[1] for values in registered(glue, SIGNAL_OVERVIEW)} == {"EV_1", "EV_2"}
    days = {values: dt.date(*map(int, values[1:])) for values in registered(glue)}
    assert sorted(days.values()) == sorted([ago(-1), TODAY, ago(1), ago(3), ago(DAYS)])
    # a day that is there already is not asked for again, whoever registered it
    decode(store, "EV_2", TODAY)
    *again, months = list(sync_recent(glue, store, TODAY))
    assert (months.partitions, months.created, months.updated) == (12, 3, 0)
    assert {(item.partitions, item.created, item.updated) for item in again} == {(6, 1, 0)}
    # what is older is the whole comparison's, which forgets what has no objects
    whole = {item.table: item for item in sync(glue, store)}
    assert whole[DECODED_SIGNALS.name].created == 2
    assert whole[SIGNAL_SERIES.name].removed == 6
    assert whole[SIGNAL_OVERVIEW.name].removed == 12


def test_listings_are_two_a_vehicle_however_old_the_lake(store: Store, listings: list[str]) -> None:
    years = [dt.date(year, month, 1) for year in (2023, 2024, 2025) for month in range(1, 13)]
    decode(store, "EV_1", TODAY, *years)
    for number in range(2, 6):
        decode(store, f"EV_{number}", TODAY)
    assert decoded_days(store, window_of(TODAY, DAYS)) == [
        Partition(f"EV_{number}", TODAY) for number in range(1, 6)
    ]
    assert len(listings) == 1 + 2 * 5


def test_no_window_touches_three_months() -> None:
    days = [dt.date(2023, 12, 1) + dt.timedelta(days=number) for number in range(500)]
    assert max(len({(day.year, day.month) for day in window_of(today, DAYS)}) for today in days) == 2


def test_the_function_looks_back_from_when_it_was_rung(
    glue: Glue, store: Store, database: str, aws_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEMETRY_LAKE", store.url)
    monkeypatch.setenv("TELEMETRY_CATALOG", database)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_server.endpoint)
    decode(store, "EV_1", TODAY)
    rung = {"time": f"{TODAY}T00:00:01Z"}
    with pytest.raises(BadSetting, match="no such table"):
        catalog_handler.handler(rung, None)
    for _ in sync(glue, store):
        pass
    decode(store, "EV_2", TODAY)
    done = catalog_handler.handler(rung, None)
    assert done[DECODED_SIGNALS.name] == {
        "table": DECODED_SIGNALS.name,
        "partitions": 2,
        "created": 1,
        "updated": 0,
        "failed": {},
    }
    with pytest.raises(BadSetting, match="'soon' is no time"):
        catalog_handler.handler({"time": "soon"}, None)
    note_night(store, {})
    catalog_handler.handler(rung, None)
    in_three_days = time.time_ns() + 3 * 86_400_000_000_000
    with monkeypatch.context() as later:
        later.setattr(catalog_handler, "time", SimpleNamespace(time_ns=lambda: in_three_days))
        with pytest.raises(TransientError, match="no compaction of a night"):
            catalog_handler.handler(rung, None)
    _refuse_all(monkeypatch)
    decode(store, "EV_3", TODAY)
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(catalog_handler.metrics_log, "write_line", lambda _, **line: lines.append(line))
    with pytest.raises(
        TransientError, match=r"decoded_signals, signal_series, .*: Glue refused 7 partitions"
    ):
        catalog_handler.handler(rung, None)
    assert [line["table"] for line in lines] == list(done)


def _refuse_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Glue refuses partitions within a call that went well, which moto never does."""
    whole: Callable[..., Any] = Glue.create

    def create(self: Glue, table: Any, prefixes: Any) -> Any:
        done = whole(self, table, [])
        done.failed = dict.fromkeys(prefixes, "InternalServiceException: x")
        return done

    monkeypatch.setattr(Glue, "create", create)
