"""What Dagster is told, and when: at once, then at intervals, then the rest; nothing untold after a kill."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import assets
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.jobs import DRAIN, RECONCILE
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings
from telemetry_pipeline.verify import verify_lake
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import ended, wait_until


def run(
    store: Store, instance: dg.DagsterInstance, job: str = DRAIN, **config: Any
) -> dg.ExecuteInProcessResult:
    definition = build_definitions(Settings(lake=store.url)).resolve_job_def(job)
    op = {"linger_s": 0.0, "processes": 1, **config}
    return definition.execute_in_process(
        run_config={"ops": {"decoded_signals": {"config": op}}}, instance=instance, raise_on_error=False
    )


def events(instance: dg.DagsterInstance, raw: RawObject) -> list[dict[str, Any]]:
    """The numbers of a partition's events, oldest first."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=DECODED_SIGNALS, asset_partitions=[to_key(raw.partition)]),
        limit=100,
        ascending=True,
    ).records
    found = [record.asset_materialization for record in records]
    return [{name: value.value for name, value in event.metadata.items()} for event in found if event]


def keep_landing(monkeypatch: pytest.MonkeyPatch, store: Store, times: int, **kwargs: Any) -> list[RawObject]:
    """One more object lands whenever a drain has decoded a batch."""
    honest = assets._log_batch
    landed: list[RawObject] = []

    def log_batch(*args: Any) -> None:
        honest(*args)
        if len(landed) < times:
            landed.append(land(store, "EV_1", NOON + (len(landed) + 1) * 60 * SECOND, count=10))

    monkeypatch.setattr(assets, "_log_batch", log_batch)
    return landed


def test_the_first_event_comes_at_once_and_the_last_says_everything_since(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    first = land(folder_lake, "EV_1", NOON, count=10)
    keep_landing(monkeypatch, folder_lake, 4)
    assert run(folder_lake, instance, tell_every_s=3600.0).success
    told = events(instance, first)
    assert [(event["objects"], event["rows_this_run"], event["rows"]) for event in told] == [
        (1, 10, 10),
        (4, 40, 50),
    ]


def test_an_interval_that_is_over_brings_another_event(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    first = land(folder_lake, "EV_1", NOON, count=10)
    keep_landing(monkeypatch, folder_lake, 3)
    run(folder_lake, instance, tell_every_s=0.0)
    assert [event["rows"] for event in events(instance, first)] == [10, 20, 30, 40]


def test_a_later_run_coalesces_too(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    first = land(folder_lake, "EV_1", NOON, count=10)
    run(folder_lake, instance)
    land(folder_lake, "EV_1", NOON + 60 * SECOND, count=10)
    run(folder_lake, instance)
    assert [event["rows"] for event in events(instance, first)] == [10, 20]
    run(folder_lake, instance)
    assert len(events(instance, first)) == 2, "nothing came, nothing is told"


def test_a_drain_whose_time_is_up_hands_over_what_it_has_not_told(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    first = land(folder_lake, "EV_1", NOON, count=10)
    run(folder_lake, instance)
    land(folder_lake, "EV_1", NOON + 60 * SECOND, count=10)
    with monkeypatch.context() as patch:
        clock = [0.0]
        patch.setattr(assets.time, "monotonic", lambda: clock[0])
        honest = assets._log_batch

        def log_batch(*args: Any) -> None:
            honest(*args)
            clock[0] += 1e6  # deciding took long

        patch.setattr(assets, "_log_batch", log_batch)
        assert run(folder_lake, instance).success
    assert len(events(instance, first)) == 1
    run(folder_lake, instance)
    last = events(instance, first)[-1]
    assert (last["objects"], last["rows_this_run"], last["rows"]) == (1, 10, 20)


def test_reconciliation_decodes_what_was_missed_and_tells_of_it(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1")
    assert folder_lake.root is not None
    os.utime(folder_lake.root / raw.key, ns=(NOON, NOON))
    defs = build_definitions(Settings(lake=folder_lake.url))
    sensor = defs.resolve_sensor_def("reconcile")

    def look() -> Any:
        with dg.build_sensor_context(instance=instance, resources=defs.resources) as context:
            return sensor(context)

    assert isinstance(look(), dg.RunRequest)
    result = run(folder_lake, instance, RECONCILE, source="missed")
    assert result.success
    assert result.dagster_run.tags["can_telemetry/mode"] == "reconcile"
    assert [event["rows"] for event in events(instance, raw)] == [100]
    assert isinstance(look(), dg.SkipReason)


def test_a_backfill_is_marked_as_one_and_keeps_the_totals_right(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1", NOON, count=10)
    land(folder_lake, "EV_1", NOON + 60 * SECOND, count=10)
    run(folder_lake, instance)
    job = build_definitions(Settings(lake=folder_lake.url)).resolve_implicit_global_asset_job_def()
    selected = job.execute_in_process(
        instance=instance, partition_key=to_key(raw.partition), asset_selection=[DECODED_SIGNALS]
    )
    kept = instance.get_run_by_id(selected.run_id)
    assert kept is not None
    assert kept.tags["can_telemetry/mode"] == "backfill"
    land(folder_lake, "EV_1", NOON + 120 * SECOND, count=10)
    run(folder_lake, instance)
    assert [event["rows"] for event in events(instance, raw)] == [20, 20, 30]


PROGRAM = """
import sys
import dagster as dg
from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.settings import Settings
if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        job = build_definitions(Settings(lake=sys.argv[1])).resolve_job_def("decode_drain")
        config = {"linger_s": 0.0, "processes": 2, "tell_every_s": 3600.0}
        job.execute_in_process(
            instance=instance, run_config={"ops": {"decoded_signals": {"config": config}}}
        )
"""


def kill_at(receipts: int, decoded: Path, command: list[str], env: dict[str, str]) -> None:
    """Start a drain and kill it, with its decoding processes, as soon as there are so many receipts."""
    drain = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    with ended(drain, gently=False):
        wait_until(
            lambda: len([*decoded.rglob("*.parquet")]) >= receipts or drain.poll() is not None,
            "some receipts",
            pause=0.02,
        )


@pytest.mark.slow
def test_drains_that_are_killed_lose_nothing_and_leave_nothing_untold(
    folder_lake: Store, tmp_path: Path
) -> None:
    """One is killed at its first receipt, and the next, that has taken over from it, amid its work."""
    add_dbc(folder_lake)
    raws = [
        land(folder_lake, f"EV_{vehicle}", NOON + day * DAY_NS + minute * 60 * SECOND, count=20)
        for vehicle in range(10)
        for day in (0, 1)
        for minute in range(10)
    ]
    folder_lake.put(raws[17].key, b"PAR1 torn")
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    env = {**os.environ, "DAGSTER_HOME": str(home)}
    command = [sys.executable, "-c", PROGRAM, folder_lake.url]
    assert folder_lake.root is not None
    decoded = folder_lake.root / "decoded"
    before: dict[Path, bytes] = {}
    for receipts in (1, 100):
        kill_at(max(receipts, len(before) + 1), decoded, command, env)
        now = {path: path.read_bytes() for path in decoded.rglob("*.parquet")}
        assert before.items() <= now.items()
        before = now
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
    assert not any(verdict.problems for verdict in verify_lake(folder_lake, deep=True))
    assert {path: path.read_bytes() for path in before} == before
    for partition in {raw.partition for raw in raws}:
        assert ledger.read_ledger(folder_lake, partition).pending == []
    with dg.DagsterInstance.from_config(str(home)) as instance:
        told = {raw.partition: events(instance, raw)[-1] for raw in raws}
    assert {event["rows"] for event in told.values()} == {200, 180}
    assert json.loads(folder_lake.get("_state/untold-inbox.json")) == []
