"""What threshold rules found, as an asset check in a real Dagster instance: per partition, over all, and by itself."""

import time

import dagster as dg
import pytest

from telemetry_pipeline.defs import rule_check
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.checks import quality_checks
from telemetry_pipeline.defs.databases import describe
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.store import Store
from tests.defs.draining import drain
from tests.raw_lake import NOON, SECOND, add_dbc, land

RULES = b"""rules:
- {name: fast, when: Motor_RPM >= 50 for 200ms, severity: critical, vehicles: EV_1}
- {name: odd, when: Motor_RPM >= 90, vehicles: EV_2}
- {name: known, when: Motor_RPM == 7, severity: info}
"""
CHECK = dg.AssetCheckKey(DECODED_SIGNALS, rule_check.NAME)


def evaluations(instance: dg.DagsterInstance) -> list[dg.AssetCheckEvaluation]:
    """The evaluations of the check, oldest first."""
    storage = instance.event_log_storage
    records = storage.get_asset_check_execution_history(check_key=CHECK, limit=100)
    found = [record.evaluation for record in reversed(records)]
    return [item for item in found if isinstance(item, dg.AssetCheckEvaluation)]


def numbers(item: dg.AssetCheckEvaluation) -> dict[str, object]:
    return {
        name: item.metadata[name].value for name in item.metadata if name in ("critical", "warning", "info")
    }


def test_events_are_told_by_partition_and_over_all(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    folder_lake.put(layout.RULES, RULES)
    for vehicle in ("EV_1", "EV_2", "EV_3"):
        land(folder_lake, vehicle, NOON)
    land(folder_lake, "EV_3", NOON + DAY_NS, count=5)
    assert drain(folder_lake, instance).success
    found = evaluations(instance)
    by_partition = {item.partition: item for item in found if item.partition}
    assert {key: numbers(item) for key, item in by_partition.items()} == {
        "2026-02-23|EV_1": {"critical": 1, "info": 1},
        "2026-02-23|EV_2": {"warning": 1, "info": 1},
        "2026-02-23|EV_3": {"info": 1},
    }
    verdicts = {key[-4:]: (item.passed, item.severity.value) for key, item in by_partition.items()}
    assert verdicts == {"EV_1": (False, "ERROR"), "EV_2": (False, "WARN"), "EV_3": (True, "WARN")}
    (first, *_) = by_partition["2026-02-23|EV_1"].metadata["events"].records
    assert first.data["rule"] == "fast"
    assert first.data["begins"] == "2026-02-23T12:00:00.500Z"
    overall = found[-1]
    assert overall.partition is None
    assert (overall.passed, overall.description) == (False, "Events: 1 critical, 1 warning, 3 info.")
    assert numbers(overall) == {"critical": 1, "warning": 1, "info": 3}
    assert overall.metadata["partitions"].records[0].data == {
        "partition": "2026-02-23|EV_1",
        "critical": 1,
        "warning": 0,
        "info": 1,
    }


def test_only_what_changes_is_told_again(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    folder_lake.put(layout.RULES, RULES)
    raw = land(folder_lake, "EV_1", NOON)
    drain(folder_lake, instance)
    told = len(evaluations(instance))
    land(folder_lake, "EV_1", NOON + 60 * SECOND, count=3)
    drain(folder_lake, instance)
    assert len(evaluations(instance)) == told
    land(folder_lake, "EV_1", NOON + 120 * SECOND)
    drain(folder_lake, instance)
    *_, of_partition, overall = evaluations(instance)
    assert (of_partition.partition, numbers(of_partition)) == ("2026-02-23|EV_1", {"critical": 2, "info": 2})
    assert numbers(overall) == {"critical": 2, "warning": 0, "info": 2}
    # a lost memory comes back, and so does a torn one
    folder_lake.put("_state/rule_events.json", b"{ torn")
    land(folder_lake, "EV_1", raw.partition.start_ns, count=3)
    drain(folder_lake, instance)
    assert numbers(evaluations(instance)[-1]) == {"critical": 2, "warning": 0, "info": 2}


def test_what_is_not_reached_waits_for_the_next_run(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    folder_lake.put(layout.RULES, RULES)
    for vehicle in ("EV_1", "EV_2"):
        land(folder_lake, vehicle, NOON)
    monkeypatch.setattr(rule_check, "_BUDGET_S", -1.0)
    drain(folder_lake, instance)
    assert [item.partition for item in evaluations(instance)] == [None]
    monkeypatch.undo()
    land(folder_lake, "EV_3", NOON)  # something must land for a check to be made
    drain(folder_lake, instance)
    told = {item.partition for item in evaluations(instance)}
    assert told == {None, "2026-02-23|EV_1", "2026-02-23|EV_2", "2026-02-23|EV_3"}


def test_without_rules_the_check_passes_and_broken_ones_fail_it(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1", NOON)
    drain(folder_lake, instance)
    (only,) = evaluations(instance)
    assert (only.passed, only.partition, only.description) == (True, None, "No events.")
    folder_lake.put(layout.RULES, b"rules:\n- nonsense\n")
    verdict = rule_check.result(DECODED_SIGNALS, folder_lake)
    assert not verdict.passed
    assert "dbc/rules.yaml line 2" in str(verdict.description)


def test_a_rule_that_changes_makes_nothing_stale(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    before, _ = describe(folder_lake)
    folder_lake.put(layout.RULES, RULES)
    assert describe(folder_lake)[0] == before
    folder_lake.put(layout.BINDINGS, b"bindings: []")
    assert describe(folder_lake)[0] != before


def test_by_itself_it_counts_the_last_days_anew(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    folder_lake.put(layout.RULES, RULES)
    now = time.time_ns() // DAY_NS * DAY_NS
    for start in (now, now - 30 * DAY_NS):
        land(folder_lake, "EV_1", start)
    drain(folder_lake, instance)
    job = dg.Definitions(
        asset_checks=[quality_checks(DECODED_SIGNALS)],
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.checks(CHECK))],
        resources={"lake": LakeResource(url=folder_lake.url)},
    ).resolve_job_def("checks")
    assert job.execute_in_process(instance=instance).success
    assert numbers(evaluations(instance)[-1]) == {"critical": 1, "warning": 0, "info": 1}
