"""Failed checks and silent vehicles reach a real webhook once, and so does their end; a webhook that is away misses none."""

import time
from collections.abc import Iterator

import dagster as dg
import pytest

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import freshness
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import free_port
from tests.web_listener import Listener, listening

HOUR = 3600 * SECOND
QUICK = {"ops": {"decoded_signals": {"config": {"linger_s": 0.0, "processes": 1}}}}


class Watch:
    """The sensors of one lake, ticked by hand as the daemon would."""

    def __init__(self, store: Store, instance: dg.DagsterInstance, webhook: str) -> None:
        self.instance = instance
        self.defs = build_definitions(Settings(lake=store.url, alert_webhook=webhook))
        self.cursors: dict[str, str | None] = {}

    def tick(self, name: str) -> dg.SensorResult:
        with dg.build_sensor_context(
            instance=self.instance,
            resources=self.defs.resources,
            cursor=self.cursors.get(name),
            repository_def=self.defs.get_repository_def(),
        ) as context:
            answer = self.defs.resolve_sensor_def(name)(context)
        assert isinstance(answer, dg.SensorResult)
        self.cursors[name] = answer.cursor
        for event in answer.asset_events:
            self.instance.report_runless_asset_event(event)
        return answer

    def drain(self) -> None:
        job = self.defs.resolve_job_def(DRAIN)
        assert job.execute_in_process(run_config=QUICK, instance=self.instance).success

    def backfill(self, key: str) -> None:
        job = self.defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection={DECODED_SIGNALS})
        assert job.execute_in_process(instance=self.instance, partition_key=key).success


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def told(listener: Listener) -> list[tuple[list[str], list[str]]]:
    return [
        ([item["id"] for item in post["opened"]], [item["id"] for item in post["resolved"]])
        for post in listener.posts
    ]


def test_a_failed_check_is_told_once_and_its_end_once(
    folder_lake: Store, instance: dg.DagsterInstance, listener: Listener
) -> None:
    watch = Watch(folder_lake, instance, listener.url)
    add_dbc(folder_lake)
    bad = land(folder_lake, "EV_1")
    folder_lake.put(bad.key, b"PAR1 torn")
    watch.drain()
    watch.tick("alerts")
    name = f"decoded_signals/quarantine/{to_key(bad.partition)}"
    assert told(listener) == [([name], [])]
    assert "not a readable Parquet file" in listener.posts[0]["opened"][0]["text"]
    land(folder_lake, "EV_2")
    watch.drain()
    watch.tick("alerts")
    assert len(listener.posts) == 1
    folder_lake.delete(bad.quarantine_key)
    land(folder_lake, "EV_1")
    watch.backfill(to_key(bad.partition))
    watch.tick("alerts")
    assert told(listener)[1:] == [([], [name])]
    assert watch.tick("alerts").skip_reason.skip_message == "nothing new"  # type: ignore[union-attr]


def test_a_vehicle_gone_silent_is_told_and_that_it_is_back(
    folder_lake: Store, instance: dg.DagsterInstance, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(folder_lake, instance, listener.url)
    add_dbc(folder_lake)
    folder_lake.put(layout.THRESHOLDS, b"vehicles: [{vehicles: EV_1, silent_after: 1h}]")
    now = time.time_ns()
    for vehicle in ("EV_1", "EV_2"):
        land(folder_lake, vehicle, now - 2 * HOUR, 10)
    watch.drain()
    watch.tick("vehicle_silence")
    watch.tick("alerts")
    assert told(listener) == [(["raw_frames/vehicle_freshness/EV_1"], [])]
    assert listener.posts[0]["opened"][0]["text"].endswith("1h are allowed")
    assert not watch.tick("vehicle_silence").asset_events  # as before
    land(folder_lake, "EV_1", time.time_ns() - SECOND, 10)
    watch.drain()
    watch.tick("vehicle_silence")
    watch.tick("alerts")
    assert told(listener)[1:] == [([], ["raw_frames/vehicle_freshness/EV_1"])]
    monkeypatch.setattr(freshness, "REPEAT_S", -1.0)
    assert watch.tick("vehicle_silence").asset_events  # and from time to time all the same


def test_the_check_of_silence_can_be_asked_by_itself(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    land(folder_lake, "EV_1", time.time_ns() - 48 * HOUR, 10)
    land(folder_lake, "EV_2", NOON, 10)
    defs = build_definitions(Settings(lake=folder_lake.url))
    key = dg.AssetCheckKey(dg.AssetKey("raw_frames"), freshness.VEHICLE_FRESHNESS)
    job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_check_selection={key})
    (evaluation,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
    assert not evaluation.passed
    assert evaluation.description == "1 of 2 vehicles are silent."
    assert evaluation.metadata["retired"].value == 1
    assert evaluation.metadata["table"].records[0].data["vehicle"] == "EV_1"


def test_a_webhook_that_is_away_is_asked_again_and_misses_nothing(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    watch = Watch(folder_lake, instance, f"http://127.0.0.1:{port}")
    add_dbc(folder_lake)
    bad = land(folder_lake, "EV_1")
    folder_lake.put(bad.key, b"PAR1 torn")
    watch.drain()
    said = str(watch.tick("alerts").skip_reason)
    assert "webhook takes no alerts since" in said
    assert "asked again later" in str(watch.tick("alerts").skip_reason)
    folder_lake.delete(bad.quarantine_key)
    land(folder_lake, "EV_1")
    watch.backfill(to_key(bad.partition))
    real = time.time
    monkeypatch.setattr("telemetry_pipeline.defs.alerts.time.time", lambda: real() + 3600)
    with listening(port) as listener:
        watch.tick("alerts")
    assert told(listener) == [([], [f"decoded_signals/quarantine/{to_key(bad.partition)}"])]


def test_a_check_that_is_only_planned_resolves_nothing(
    folder_lake: Store, instance: dg.DagsterInstance, listener: Listener
) -> None:
    watch = Watch(folder_lake, instance, listener.url)
    add_dbc(folder_lake)
    bad = land(folder_lake, "EV_1")
    folder_lake.put(bad.key, b"PAR1 torn")
    watch.drain()
    watch.tick("alerts")
    job = watch.defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection={DECODED_SIGNALS})
    instance.create_run_for_job(job)
    watch.tick("alerts")
    assert len(listener.posts) == 1
