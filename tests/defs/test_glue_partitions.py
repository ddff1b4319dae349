"""`glue_partitions` on a real Glue: registered as partitions are decoded, each reported once."""

import json
import uuid
from collections.abc import Iterator

import dagster as dg
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, FLEET_DAILY, SIGNAL_OVERVIEW
from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import lifeless, roll_up
from telemetry_pipeline.defs.lineage import GLUE_PARTITIONS, RAW_FRAMES
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.settings import Settings
from tests.defs.test_lifeless import Room as Watch
from tests.defs.test_summaries import Room
from tests.raw_lake import NOON, add_dbc, land
from tests.s3_server import S3Server


@pytest.fixture
def settings(aws_lake: str, aws_server: S3Server) -> Settings:
    return Settings(
        lake=aws_lake, endpoint_url=aws_server.endpoint, catalog=f"dagster_{uuid.uuid4().hex[:8]}"
    )


@pytest.fixture
def room(settings: Settings) -> Iterator[Room]:
    with dg.DagsterInstance.ephemeral() as instance:
        store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
        add_dbc(store)
        room = Room.__new__(Room)
        room.store, room.instance, room.defs = store, instance, build_definitions(settings)
        yield room


def registered(settings: Settings) -> set[tuple[str, ...]]:
    glue = open_catalog(settings.lake, settings.catalog, endpoint_url=settings.endpoint_url)
    assert glue is not None
    return {tuple(item["Values"]) for item in glue.partitions(DECODED_SIGNALS)}


def test_what_is_decoded_is_registered_once(room: Room, settings: Settings) -> None:
    for n in range(2):
        room.decoded(land(room.store, "EV_1", NOON + n * DAY_NS))
    first = room.tick("partitions_touched")
    events = [event for event in first.asset_events if event.asset_key == GLUE_PARTITIONS]
    assert [event.partition for event in events] == ["2026-02-23|EV_1", "2026-02-24|EV_1"]
    assert registered(settings) == {("EV_1", "2026", "02", "23"), ("EV_1", "2026", "02", "24")}
    for event in events:
        room.instance.report_runless_asset_event(event)
    room.decoded(land(room.store, "EV_1", NOON + 60_000_000_000))
    second = room.tick("partitions_touched", first.cursor)
    assert [event.asset_key for event in second.asset_events] == [RAW_FRAMES]


def test_what_somebody_else_registered_is_reported_all_the_same(room: Room, settings: Settings) -> None:
    room.decoded(land(room.store, "EV_1"))
    room.tick("partitions_touched")  # its events are lost
    again = room.tick("partitions_touched")
    assert GLUE_PARTITIONS in [event.asset_key for event in again.asset_events]


def test_a_person_registers_partitions_by_hand(room: Room, settings: Settings) -> None:
    raw = land(room.store, "EV_1")
    room.instance.add_dynamic_partitions("vehicle_id", ["EV_1"])
    job = room.defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=room.instance, partition_key="2026-02-23|EV_1", asset_selection=[GLUE_PARTITIONS]
    )
    events = [event for event in result.all_events if event.is_step_materialization]
    assert [event.partition for event in events] == ["2026-02-23|EV_1"]
    assert registered(settings) == {(raw.partition.vehicle_id, "2026", "02", "23")}


def test_a_run_of_it_shows_signs_of_life_and_says_when_it_is_done(room: Room, settings: Settings) -> None:
    land(room.store, "EV_1")
    room.instance.add_dynamic_partitions("vehicle_id", ["EV_1"])
    job = room.defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=room.instance, partition_key="2026-02-23|EV_1", asset_selection=[GLUE_PARTITIONS]
    )
    assert result.success
    assert json.loads(room.store.get(f"_state/alive/{result.run_id}.json"))["over"] is True


def test_a_run_of_it_that_died_before_its_first_sign_is_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
        watch = Watch.of(build_definitions(settings), store, instance, monkeypatch)
        graph = watch.defs.resolve_asset_graph()
        assert set(graph.executable_asset_keys) == lifeless._ASSETS
        run_id = watch.start(GLUE_PARTITIONS)
        watch.look()
        watch.look(lifeless.FIRST_SIGN_S)
        assert watch.status(run_id) == dg.DagsterRunStatus.FAILURE


def test_a_glue_that_does_not_answer_is_asked_again(
    room: Room, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.decoded(land(room.store, "EV_1"))

    def away(*_: object, **__: object) -> None:
        raise TransientError("Glue does not answer", "telemetry_db")

    with monkeypatch.context() as patched:
        patched.setattr("telemetry_pipeline.defs.following.register_days", away)
        with pytest.raises(TransientError):
            room.tick("partitions_touched")
    assert registered_after(room, settings) == {("EV_1", "2026", "02", "23")}


def registered_after(room: Room, settings: Settings) -> set[tuple[str, ...]]:
    room.tick("partitions_touched")
    return registered(settings)


def test_summaries_register_what_they_make(room: Room, settings: Settings) -> None:
    raw = land(room.store, "EV_1")
    list(process_objects(room.store, Databases.load(room.store), [raw]))
    room.decoded(raw)
    assert room.run(["2026-02-23"]).success
    glue = open_catalog(settings.lake, settings.catalog, endpoint_url=settings.endpoint_url)
    assert glue is not None
    assert [item["Values"] for item in glue.partitions(FLEET_DAILY)] == [["2026", "02", "23"]]
    tiers = {tuple(item["Values"][1:]) for item in glue.partitions(SIGNAL_OVERVIEW)}
    assert tiers == {("EV_1", "2026", "02")}
    assert roll_up.ROLL_UP in [job.name for job in room.defs.jobs or []]
