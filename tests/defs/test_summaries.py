"""What is made of whole days, in a real Dagster instance: when it is asked for, what a run does, what late data changes."""

import datetime as dt
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import roll_up
from telemetry_pipeline.defs.lineage import DECODED_SIGNALS, FLEET_DAILY, RAW_FRAMES, SIGNAL_SERIES
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.defs.settling import Book
from telemetry_pipeline.fleet.table import read_day
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.state import series_state
from telemetry_pipeline.settings import Settings
from tests.fleet.conftest import Car
from tests.raw_lake import NOON

DAY = dt.date(2026, 2, 23)


class Room:
    """A lake's definitions in an instance."""

    def __init__(self, store: Store, instance: dg.DagsterInstance) -> None:
        self.store = store
        self.instance = instance
        self.defs = build_definitions(Settings(lake=store.url))

    def decoded(self, raw: RawObject) -> None:
        """What a drain reports."""
        self.instance.add_dynamic_partitions("vehicle_id", [raw.partition.vehicle_id])
        key = to_key(raw.partition)
        self.instance.report_runless_asset_event(dg.AssetMaterialization(DECODED_SIGNALS, partition=key))

    def tick(self, sensor: str, cursor: str | None = None) -> Any:
        with dg.build_sensor_context(
            instance=self.instance, cursor=cursor, resources=self.defs.resources
        ) as context:
            return self.defs.resolve_sensor_def(sensor)(context)

    def run(self, days: list[str], tags: dict[str, str] | None = None, budget_s: float | None = None) -> Any:
        return self.defs.resolve_job_def(roll_up.ROLL_UP).execute_in_process(
            run_config=roll_up.run_config(days, budget_s),
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )

    def told(self, asset: dg.AssetKey) -> list[str | None]:
        records = self.instance.fetch_materializations(asset, limit=100, ascending=True).records
        return [record.partition_key for record in records]


@pytest.fixture
def room(folder_lake: Store, instance: dg.DagsterInstance) -> Room:
    return Room(folder_lake, instance)


@pytest.fixture
def cars(folder_lake: Store) -> list[Car]:
    cars = [Car(folder_lake, name) for name in ("CAR_1", "CAR_2")]
    for car in cars:
        car.drive(0)
        car.decode()
    return cars


def test_a_run_makes_everything_of_its_days_and_nothing_twice(room: Room, cars: list[Car]) -> None:
    assert room.run([DAY.isoformat(), "2026-02-22"]).success
    both = ["2026-02-23|CAR_1", "2026-02-23|CAR_2"]
    assert room.told(SIGNAL_SERIES) == room.told(FLEET_DAILY) == both
    assert all(series_state(room.store, Partition(car.vehicle_id, DAY)).settled for car in cars)
    rows = read_day(room.store, DAY)
    assert rows is not None
    assert rows["rows"].to_list() == [120, 120]
    assert room.run([DAY.isoformat()]).success
    assert room.told(SIGNAL_SERIES) == room.told(FLEET_DAILY) == both


def test_a_late_object_has_only_its_own_partition_made_anew(room: Room, cars: list[Car]) -> None:
    room.run([DAY.isoformat()])
    cars[1].drive(7)
    cars[1].decode()
    assert not series_state(room.store, Partition("CAR_2", DAY)).settled
    assert room.run([DAY.isoformat()]).success
    assert room.told(SIGNAL_SERIES)[2:] == room.told(FLEET_DAILY)[2:] == ["2026-02-23|CAR_2"]
    assert series_state(room.store, Partition("CAR_2", DAY)).settled


def test_events_carry_numbers(room: Room, cars: list[Car]) -> None:
    room.run([DAY.isoformat()])
    (series, fleet) = (
        room.instance.fetch_materializations(asset, limit=1).records[0].asset_materialization.metadata
        for asset in (SIGNAL_SERIES, FLEET_DAILY)
    )
    assert series["dagster/row_count"].value == 60 * 4
    assert fleet["rows"].value == 120
    assert fleet["distance_by"].value == "Dash.Odometer"
    assert fleet["frames_per_recorded_s"].value == pytest.approx(120 / 59)
    assert {record.data["signal"] for record in fleet["signals"].records} >= {"Dash.VehicleSpeed"}


def test_a_backfill_makes_what_it_names_and_reports_it_within_the_run(room: Room, cars: list[Car]) -> None:
    room.run([DAY.isoformat()])
    for asset in (SIGNAL_SERIES, FLEET_DAILY):
        job = room.defs.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=room.instance, partition_key="2026-02-23|CAR_1", asset_selection=[asset]
        )
        events = [event for event in result.all_events if event.is_step_materialization]
        assert [event.partition for event in events] == ["2026-02-23|CAR_1"]


def test_what_a_run_has_no_time_for_is_left_word_of(room: Room, cars: list[Car]) -> None:
    result = room.run([DAY.isoformat()], budget_s=0.0)
    assert result.success
    tags = room.instance.get_run_by_id(result.run_id).tags
    assert {tags["can_telemetry/left/signal_series"], tags["can_telemetry/left/fleet_daily"]} == {
        "2026-02-23"
    }
    assert room.told(SIGNAL_SERIES) == room.told(FLEET_DAILY) == []


def test_the_sensor_asks_for_quiet_days_and_again_for_late_ones(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(2):
        room.decoded(RawObject.starting("CAR_1", NOON + n * DAY_NS))
    first = room.tick("days_settled")
    assert "2 days wait" in first.skip_reason.skip_message
    monkeypatch.setattr("telemetry_pipeline.defs.settling.QUIET_S", 0.0)
    second = room.tick("days_settled", first.cursor)
    (request,) = second.run_requests
    assert request.run_config == roll_up.run_config(["2026-02-24", "2026-02-23"])
    assert request.partition_key is None
    # asked for, and not begun yet
    third = room.tick("days_settled", second.cursor)
    assert not third.run_requests
    result = room.run(["2026-02-24", "2026-02-23"], dict(request.tags))
    assert result.success
    fourth = room.tick("days_settled", third.cursor)
    assert not fourth.run_requests
    assert Book.load(fourth.cursor).ask == ""
    room.decoded(RawObject.starting("CAR_1", NOON))
    (again,) = room.tick("days_settled", fourth.cursor).run_requests
    assert again.run_config == roll_up.run_config(["2026-02-23"])


def test_days_of_a_run_that_failed_or_was_never_seen_wait_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemetry_pipeline.defs.settling.QUIET_S", 0.0)
    room.decoded(RawObject.starting("CAR_1", NOON))
    asked = room.tick("days_settled")
    (request,) = asked.run_requests
    job = room.defs.resolve_job_def(roll_up.ROLL_UP)
    run = room.instance.create_run_for_job(
        job, run_config=request.run_config, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED
    )
    waiting = room.tick("days_settled", asked.cursor)
    assert run.run_id in waiting.skip_reason.skip_message
    room.instance.report_run_failed(run)
    assert room.tick("days_settled", waiting.cursor).run_requests
    monkeypatch.setattr(roll_up, "LOST_AFTER_S", -1.0)
    lost = Book.load(asked.cursor)
    lost.ask = "nobody-heard"
    assert room.tick("days_settled", lost.dump()).run_requests


def test_nights_look_at_the_last_days_whatever_happened(room: Room) -> None:
    schedule = room.defs.resolve_schedule_def("nightly")
    at = dt.datetime(2026, 3, 1, 3, 15, tzinfo=dt.UTC)
    with dg.build_schedule_context(instance=room.instance, scheduled_execution_time=at) as context:
        request = schedule(context)
    days = request.run_config["ops"]["fleet_days"]["config"]["days"]
    assert (days[0], days[-1], len(days)) == ("2026-02-28", "2026-02-21", 8)


def test_raw_frames_are_observed_where_something_was_decoded(room: Room, cars: list[Car]) -> None:
    raw = cars[0].drive(1)
    room.decoded(raw)
    result = room.tick("partitions_touched")
    (observed,) = result.asset_events
    assert observed.asset_key == RAW_FRAMES
    assert observed.metadata["largest"].records[0].data["vehicle"] == "CAR_1"
    assert observed.metadata["objects"].value == 2
    assert isinstance(room.tick("partitions_touched", result.cursor), dg.SkipReason)


def test_a_drain_works_on_whatever_has_been_observed(room: Room, cars: list[Car]) -> None:
    """Dagster looks up what a run without a partition key is made from, and stumbles over partitions."""
    for event in room.tick("databases_changed").asset_events:
        room.instance.report_runless_asset_event(event)
    cars[0].drive(3)
    job = room.defs.resolve_job_def("decode_drain")
    config = {"ops": {"decoded_signals": {"config": {"linger_s": 0.0, "processes": 1}}}}
    assert job.execute_in_process(run_config=config, instance=room.instance).success
    for event in room.tick("partitions_touched").asset_events:
        room.instance.report_runless_asset_event(event)
    cars[0].drive(4)
    assert job.execute_in_process(run_config=config, instance=room.instance).success
    assert room.run([DAY.isoformat()]).success
