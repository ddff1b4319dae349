"""Runs whose process is gone without a word are declared failed, in a real Dagster instance; others are left alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import dagster as dg
import pytest
import yaml

from telemetry_pipeline import defs
from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import heartbeat, lifeless, roll_up
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.heartbeat import DEAD_AFTER_S, beating, signs_of_life
from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.defs.lineage import FLEET_DAILY, GLUE_PARTITIONS, SIGNAL_SERIES
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.errors import PermanentError, TelemetryError, TransientError
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings
from tests.raw_lake import add_dbc, land
from tests.servers import wait_until


class Room:
    """A lake, Dagster's books, and the sensor with its cursor; the time is what a test says."""

    def __init__(self, store: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self._enter(build_definitions(Settings(lake=store.url)), store, instance, monkeypatch)

    @classmethod
    def of(
        cls,
        definitions: dg.Definitions,
        store: Store,
        instance: dg.DagsterInstance,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Self:
        """One of other definitions than those of a folder."""
        room = cls.__new__(cls)
        room._enter(definitions, store, instance, monkeypatch)
        return room

    def _enter(
        self,
        definitions: dg.Definitions,
        store: Store,
        instance: dg.DagsterInstance,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.defs, self.store, self.instance, self.now = definitions, store, instance, 1e9
        self.cursor: str | None = None
        monkeypatch.setattr(lifeless.time, "time", lambda: self.now)

    def start(self, what: dg.AssetKey | str = DECODED_SIGNALS) -> str:
        """A run that is at work in the books, a job's or one of an asset's backfill; the id."""
        if isinstance(what, str):
            run = self.instance.create_run_for_job(
                self.defs.resolve_job_def(what), status=dg.DagsterRunStatus.STARTING
            )
        else:
            job = self.defs.resolve_implicit_global_asset_job_def()
            run = self.instance.create_run_for_job(
                job.get_subset(asset_selection={what}),
                asset_selection=frozenset({what}),
                tags={"dagster/backfill": "abcdefgh"},
                status=dg.DagsterRunStatus.STARTING,
            )
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name=run.job_name, message="started")
        self.instance.report_dagster_event(event, run.run_id)
        return run.run_id

    def beat(self, run_id: str) -> None:
        """One sign of life, as of a process that then dies."""
        key = f"_state/alive/{run_id}.json"
        with beating(self.store, run_id):
            pass
        self.store.put(key, json.dumps({"run_id": run_id, "at": self.now, "over": False}).encode())

    def look(self, after_s: float = 0.0) -> dg.SensorResult:
        self.now += after_s
        sensor = self.defs.resolve_sensor_def("lifeless_runs")
        with dg.build_sensor_context(
            instance=self.instance, resources=self.defs.resources, cursor=self.cursor
        ) as context:
            answer = sensor(context)
        assert isinstance(answer, dg.SensorResult)
        self.cursor = answer.cursor
        return answer

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status


@pytest.fixture
def room(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    shipped = yaml.safe_load((Path(defs.__file__).parent / "dagster.yaml").read_text())
    with dg.DagsterInstance.ephemeral(settings={"run_retries": shipped["run_retries"]}) as instance:
        yield Room(folder_lake, instance, monkeypatch)


def test_a_backfill_whose_machine_lost_power_is_begun_again_within_minutes(room: Room) -> None:
    run_id = room.start()
    room.beat(run_id)
    room.look()
    room.look(DEAD_AFTER_S / 2)
    assert room.status(run_id) == dg.DagsterRunStatus.STARTED
    answer = room.look(DEAD_AFTER_S / 2)
    assert run_id in str(answer.skip_reason)
    assert room.status(run_id) == dg.DagsterRunStatus.FAILURE
    buried = room.instance.get_run_by_id(run_id)
    assert buried is not None
    assert buried.tags["dagster/will_retry"] == "true"
    room.look()
    assert signs_of_life(room.store) == {}


def test_a_run_that_shows_signs_goes_on_however_long_it_takes(room: Room) -> None:
    run_id = room.start()
    for _ in range(5):
        room.beat(run_id)
        room.look(DEAD_AFTER_S)
    assert room.status(run_id) == dg.DagsterRunStatus.STARTED


def test_a_run_that_has_decoded_and_does_something_else_owes_no_sign(room: Room) -> None:
    run_id = room.start()
    with beating(room.store, run_id):
        pass
    room.look()
    room.look(10 * DEAD_AFTER_S)
    assert room.status(run_id) == dg.DagsterRunStatus.STARTED


@pytest.mark.parametrize("refusal", [TransientError("away"), PermanentError("access denied")])
def test_a_sign_that_is_refused_once_is_not_the_last(
    room: Room, monkeypatch: pytest.MonkeyPatch, refusal: TelemetryError
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)
    honest, tries = Store.put, []

    def put(store: Store, key: str, body: bytes) -> None:
        tries.append(key)
        if len(tries) == 1:
            raise refusal
        honest(store, key, body)

    monkeypatch.setattr(Store, "put", put)
    with beating(room.store, "run"):
        wait_until(lambda: heartbeat.is_alive(room.store, "run"), "the second sign")


def test_whatever_died_before_its_first_sign_is_found_later(room: Room) -> None:
    assets = lifeless._ASSETS - {GLUE_PARTITIONS}
    run_ids = [room.start(what) for what in (*sorted(assets), *sorted(lifeless._JOBS))]
    room.look()
    room.look(DEAD_AFTER_S)
    assert {room.status(run_id) for run_id in run_ids} == {dg.DagsterRunStatus.STARTED}
    room.look(lifeless.FIRST_SIGN_S)
    assert {room.status(run_id) for run_id in run_ids} == {dg.DagsterRunStatus.FAILURE}


def test_an_outage_of_the_store_kills_nobody(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = room.start()
    room.beat(run_id)
    room.look()

    def away(_: Store) -> dict[str, str]:
        raise TransientError("the store does not answer", "s3://telemetry")

    with monkeypatch.context() as outage:
        outage.setattr(lifeless, "signs_of_life", away)
        assert "does not answer" in str(room.look(10 * DEAD_AFTER_S).skip_reason)
    room.look()
    assert room.status(run_id) == dg.DagsterRunStatus.STARTED


def test_no_job_and_no_asset_is_forgotten(room: Room) -> None:
    graph = room.defs.resolve_asset_graph()
    assert set(graph.executable_asset_keys) <= lifeless._ASSETS
    assert lifeless._ASSETS - set(graph.executable_asset_keys) == {GLUE_PARTITIONS}, (
        "a folder has no catalogue"
    )
    named = {job.name for job in room.defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert named == lifeless._JOBS


def test_runs_of_others_in_the_same_books_are_left_alone(room: Room) -> None:
    @dg.job
    def theirs() -> None:
        """Nothing of ours."""

    run = room.instance.create_run_for_job(theirs, status=dg.DagsterRunStatus.STARTING)
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name="theirs", message="started")
    room.instance.report_dagster_event(event, run.run_id)
    room.look()
    room.look(10 * lifeless.FIRST_SIGN_S)
    assert room.status(run.run_id) == dg.DagsterRunStatus.STARTED


def test_whatever_works_shows_signs_and_says_when_it_is_done(room: Room) -> None:
    add_dbc(room.store)
    raw = land(room.store, "EV_1")
    configs = {
        DRAIN: {"ops": {"decoded_signals": {"config": {"linger_s": 0.0}}}},
        roll_up.ROLL_UP: roll_up.run_config([raw.partition.date.isoformat()]),
    }
    # the drain comes first: the others work on what it decoded
    ran = [
        room.defs.resolve_job_def(name).execute_in_process(
            instance=room.instance, run_config=configs.get(name)
        )
        for name in (DRAIN, *sorted(lifeless._JOBS - {DRAIN}))
    ]
    ran += [
        room.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=room.instance, asset_selection=[asset], partition_key=to_key(raw.partition)
        )
        for asset in (DECODED_SIGNALS, SIGNAL_SERIES, FLEET_DAILY)
    ]
    for result in ran:
        assert result.success
        sign = json.loads(room.store.get(f"_state/alive/{result.run_id}.json"))
        assert sign["over"] is True, result.job_def.name
    room.look()
    assert signs_of_life(room.store) == {}
