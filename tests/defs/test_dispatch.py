"""Work that is sent away gives what the same work gives here: the same bytes, events, checks and faults."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import dispatch
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.inbox import aside
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.pipes import SESSIONS
from telemetry_pipeline.settings import Settings
from tests import glue_service, lambda_service
from tests.defs.draining import drain
from tests.lambda_service import Service
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.s3_server import S3Server
from tests.test_spark_job import needs_java, spark_env

BOUND = b"bindings:\n  - {vehicles: 'EV_*', dbc: ev_powertrain.dbc}\n  - {vehicles: TRUCK, dbc: no.dbc}\n"


@pytest.fixture
def store(s3_lake: str, s3_server: S3Server) -> Store:
    return Store.open(s3_lake, endpoint_url=s3_server.endpoint)


@pytest.fixture
def service(s3_lake: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The function, decoding the same lake."""
    env = {**s3_server.env, "TELEMETRY_LAKE": s3_lake}
    with lambda_service.running(Service(env)) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", service.endpoint)
        yield service


def fill(store: Store) -> list[RawObject]:
    """Two vehicles, two days, unknown ids, one object that is no Parquet, one vehicle without a database."""
    add_dbc(store)
    store.put(layout.BINDINGS, BOUND)
    raws = [
        land(store, vehicle, NOON + day * DAY_NS + minute * 60 * SECOND)
        for vehicle in ("EV_1", "EV_2")
        for day in (0, 1)
        for minute in (0, 1)
    ]
    raws.append(land(store, "EV_1", NOON + 300 * SECOND, count=7, arb_id=0x7AA))
    broken = RawObject.starting("EV_2", NOON + 300 * SECOND)
    store.put(broken.key, b"PAR1 torn")
    return [*raws, broken, land(store, "TRUCK")]


def settings(store: Store, s3_server: S3Server, decoder: str) -> Settings:
    return Settings(lake=store.url, endpoint_url=s3_server.endpoint, decoder=decoder)


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What Dagster shows of each partition, but for the run that did it."""
    records = instance.fetch_materializations(DECODED_SIGNALS, limit=100, ascending=True).records
    return {
        record.partition_key: {
            name: value
            for name, value in record.asset_materialization.metadata.items()
            if not isinstance(value, dg.DagsterRunMetadataValue)
        }
        for record in records
    }


def checks(result: dg.ExecuteInProcessResult) -> list[tuple[str, bool, Any]]:
    return sorted(
        (item.check_name, item.passed, item.metadata) for item in result.get_asset_check_evaluations()
    )


def decoded(store: Store) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list_objects(layout.DECODED)}


def waiting_in_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[RawObject]:
    """What waits when everything has been given the time to mend itself."""
    later = SimpleNamespace(time=lambda: time.time() + 86_400)
    with monkeypatch.context() as patch:
        patch.setattr(aside, "time", later)
        return sorted(open_inbox(store).waiting(10))


def left_over(store: Store) -> list[str]:
    return [info.key for info in store.list_objects(SESSIONS)]


@pytest.mark.slow
def test_a_drain_through_lambda_is_the_drain_here(
    store: Store, s3_server: S3Server, service: Service, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    twin = Store.open((tmp_path / "twin").as_uri())
    raws = fill(store)
    assert fill(twin) == raws
    away = drain(settings(store, s3_server, "lambda:decoder"), instance)
    with dg.DagsterInstance.ephemeral() as other:
        here = drain(Settings(lake=twin.url), other)
        assert shown(instance) == shown(other)
    assert away.success == here.success is False  # the vehicle without a database
    assert checks(away) == checks(here)
    assert decoded(store) == decoded(twin)
    assert len(decoded(store)) == len(raws) - 2
    for lake in (store, twin):  # pending, but nobody is rung for it
        assert ledger.read_ledger(lake, raws[-1].partition).pending == [raws[-1]]
        assert open_inbox(lake).waiting(10) == []
    assert left_over(store) == []
    (payload,) = service.payloads
    assert sorted(payload["raw_keys"]) == sorted(raw.key for raw in raws)


@pytest.mark.slow
def test_a_backfill_through_lambda_decodes_again_in_one_warm_container(
    store: Store, s3_server: S3Server, service: Service, instance: dg.DagsterInstance
) -> None:
    add_dbc(store)
    raws = [land(store, "EV_1", NOON + day * DAY_NS) for day in (0, 1)]
    given = settings(store, s3_server, "lambda:decoder")
    assert drain(given, instance).success
    before = decoded(store)
    for raw in raws:
        store.put(raw.decoded_key, b"damaged")
    job = build_definitions(given).resolve_implicit_global_asset_job_def()
    for raw in raws:
        result = job.execute_in_process(instance=instance, partition_key=to_key(raw.partition))
        events = [event for event in result.all_events if event.is_step_materialization]
        assert [event.partition for event in events] == [to_key(raw.partition)]
    assert decoded(store) == before
    assert len(service.payloads) == 3
    assert service.containers == 1


@pytest.mark.slow
def test_an_object_that_kills_the_function_is_found_and_does_not_stop_the_others(
    store: Store,
    s3_server: S3Server,
    service: Service,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "INVOCATION", 5)
    service.fatal_vehicle = "EV_FATAL"
    add_dbc(store)
    good = [land(store, "EV_1", NOON + k * 60 * SECOND, count=5) for k in range(6)]
    fatal = land(store, "EV_FATAL", count=5)
    good += [land(store, "EV_ZERO", NOON + k * 60 * SECOND, count=5) for k in range(6)]
    result = drain(settings(store, s3_server, "lambda:decoder"), instance)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert fatal.key in str(failure.event_specific_data)
    assert "signal: killed" in str(failure.event_specific_data)
    assert set(decoded(store)) == {raw.decoded_key for raw in good}
    assert set(shown(instance)) == {to_key(raw.partition) for raw in good}
    assert waiting_in_a_day(store, monkeypatch) == []  # set aside: it would kill the next one as well
    assert left_over(store) == []


@pytest.mark.slow
def test_what_a_function_has_no_time_for_is_sent_again(
    store: Store, s3_server: S3Server, service: Service, instance: dg.DagsterInstance
) -> None:
    service.objects = 2
    add_dbc(store)
    raws = [land(store, "EV_1", NOON + k * 60 * SECOND, count=5) for k in range(5)]
    assert drain(settings(store, s3_server, "lambda:decoder"), instance).success
    assert [len(payload["raw_keys"]) for payload in service.payloads] == [5, 3, 1]
    assert set(decoded(store)) == {raw.decoded_key for raw in raws}


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["no function", "throttled", "no lake", "no database store"])
def test_a_function_that_cannot_work_leaves_everything_pending_and_nothing_set_aside(
    store: Store,
    s3_server: S3Server,
    service: Service,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("telemetry_pipeline.drain.PAUSE_FACTOR", 1.0)
    add_dbc(store)
    raws = [land(store, "EV_1", NOON + k * 60 * SECOND, count=5) for k in range(3)]
    says = {
        "no function": "Check TELEMETRY_DECODER",
        "throttled": "Rate Exceeded",
        "no lake": "could not begin",
        "no database store": "the function failed",
    }
    if trouble == "no lake":
        service.env = {**service.env, "TELEMETRY_LAKE": "file:///tmp"}
    elif trouble == "throttled":
        service.throttled = 1_000
    elif trouble == "no database store":
        service.fatal_vehicle = "*"  # the container reads its databases from a store that does not answer
    name = "nobody" if trouble == "no function" else "decoder"
    result = drain(settings(store, s3_server, f"lambda:{name}"), instance)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert says[trouble] in str(failure.event_specific_data) + failure.message
    assert decoded(store) == {}
    assert waiting_in_a_day(store, monkeypatch) == raws
    assert left_over(store) == []


@pytest.mark.slow
def test_more_than_one_invocation_holds_is_sent_to_many_functions_at_once(
    store: Store,
    s3_server: S3Server,
    service: Service,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "INVOCATION", 4)
    add_dbc(store)
    raws = [land(store, f"EV_{k % 2}", NOON + k * 60 * SECOND, count=5) for k in range(14)]
    assert drain(settings(store, s3_server, "lambda:decoder"), instance).success
    assert sorted(len(payload["raw_keys"]) for payload in service.payloads) == [2, 4, 4, 4]
    asked = [key for payload in service.payloads for key in payload["raw_keys"]]
    assert sorted(asked) == sorted(raw.key for raw in raws)
    assert service.containers > 1
    assert {entry["objects"].value for entry in shown(instance).values()} == {7}


def test_an_invocation_fits_into_what_lambda_takes() -> None:
    longest = max(len(RawObject.starting("V" * 64, NOON + k).key) for k in (0, 1))
    assert dispatch.INVOCATION * (longest + 4) < 6_000_000 / 100


@needs_java
@pytest.mark.slow
@pytest.mark.parametrize("decoder", ["spark", "glue:backlog"])
def test_a_drain_through_spark_is_the_drain_here(
    decoder: str,
    store: Store,
    s3_server: S3Server,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in spark_env(tmp_path / "hosts").items():
        monkeypatch.setenv(name, value)
    twin = Store.open((tmp_path / "twin").as_uri())
    assert fill(store) == fill(twin)
    with glue_service.running(glue_service.Service(os.environ)) as glue:
        monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", glue.endpoint)
        away = drain(settings(store, s3_server, decoder), instance)
    with dg.DagsterInstance.ephemeral() as other:
        here = drain(Settings(lake=twin.url), other)
        assert shown(instance) == shown(other)
    assert away.success == here.success is False  # the vehicle without a database
    assert checks(away) == checks(here)
    assert decoded(store) == decoded(twin)
    assert left_over(store) == []
    assert [request["JobName"] for request in glue.started] == (
        [glue_service.JOB] if "glue" in decoder else []
    )


@pytest.mark.slow
def test_a_spark_job_that_fails_leaves_everything_pending(
    store: Store, s3_server: S3Server, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(store)
    raws = [land(store, "EV_1", NOON + k * 60 * SECOND, count=5) for k in range(3)]
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    monkeypatch.setattr("telemetry_pipeline.drain.TRIES", 1)
    result = drain(settings(store, s3_server, "spark"), instance)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "the Spark job ended without it" in failure.message + str(failure.event_specific_data)
    assert waiting_in_a_day(store, monkeypatch) == raws
    assert left_over(store) == []


@pytest.mark.slow
def test_the_partitions_of_a_backfill_are_sent_together(
    store: Store, s3_server: S3Server, service: Service, instance: dg.DagsterInstance
) -> None:
    add_dbc(store)
    raws = [land(store, vehicle, NOON + day * DAY_NS) for day in (0, 1) for vehicle in ("EV_1", "EV_2")]
    instance.add_dynamic_partitions("vehicle_id", ["EV_1", "EV_2", "EV_3"])
    job = build_definitions(
        settings(store, s3_server, "lambda:decoder")
    ).resolve_implicit_global_asset_job_def()
    of_range = {
        "dagster/asset_partition_range_start": "2026-02-23|EV_1",
        "dagster/asset_partition_range_end": "2026-02-24|EV_3",
    }
    result = job.execute_in_process(instance=instance, tags=of_range, asset_selection=[DECODED_SIGNALS])
    events = [event.partition for event in result.all_events if event.is_step_materialization]
    # one that holds nothing has its event, too: a backfill waits for all
    assert sorted(events) == sorted(
        [*(to_key(raw.partition) for raw in raws), "2026-02-23|EV_3", "2026-02-24|EV_3"]
    )
    (payload,) = service.payloads
    assert sorted(payload["raw_keys"]) == sorted(raw.key for raw in raws)
