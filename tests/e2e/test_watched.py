"""Checks, staleness and alerts through real processes: Dagster's daemon and webserver, a webhook, the command line."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import servers
from tests.raw_lake import EV_DBC
from tests.stack import ROOT, Stack, running
from tests.web_listener import Listener, listening

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELEMETRY_ALERT_WEBHOOK", listener.url)
        with running(tmp_path_factory.mktemp("stack")) as stack:
            yield stack


def wait_until(condition: Callable[[], Any], what: str, pause: float) -> Any:
    """Sensors, a queue and a run lie between a cause and what is seen of it."""
    return servers.wait_until(condition, what, seconds=400.0, pause=pause)


def check(stack: Stack, name: str) -> dict[str, Any]:
    """What a check's page shows: whether it passed, and what it lists."""
    query = """query ($check: String!) { assetNodeOrError(assetKey: {path: ["decoded_signals"]}) { ... on AssetNode {
        assetCheckOrError(checkName: $check) { ... on AssetCheck { executionForLatestMaterialization { status
        evaluation { success description partition metadataEntries { label ... on JsonMetadataEntry { jsonString } } }
        } } } } } }"""
    shown = stack.graphql(query, check=name)["assetNodeOrError"]["assetCheckOrError"]
    execution = shown["executionForLatestMaterialization"] or {}
    evaluation = execution.get("evaluation") or {}
    entries = {item["label"]: item.get("jsonString") for item in evaluation.get("metadataEntries", [])}
    return {
        "status": execution.get("status"),
        "listed": sorted(json.loads(entries.get("findings") or "{}")),
        "description": evaluation.get("description"),
    }


def histories(stack: Stack, name: str, partition: str) -> list[str]:
    """How a check went for one partition, newest first."""
    query = """query ($check: String!, $partition: String!) { assetCheckExecutions(assetKey: {path: ["decoded_signals"]},
        checkName: $check, partition: $partition, limit: 10) { status } }"""
    found = stack.graphql(query, check=name, partition=partition)["assetCheckExecutions"]
    return [item["status"] for item in found]


def alerts(listener: Listener, kind: str) -> list[str]:
    return [item["id"] for post in listener.posts for item in post[kind]]


def test_a_failed_check_is_seen_told_and_not_hidden(stack: Stack, listener: Listener) -> None:
    stack.telemetry("dbc", "add", str(ROOT / "dbc" / EV_DBC.name))
    folder = stack.lake / "raw" / "vehicle_id=EV_9" / "year=2026" / "month=02" / "day=24"
    folder.mkdir(parents=True)
    poisoned = folder / "20260224T110000.000Z_raw.parquet"
    poisoned.with_suffix(".tmp").write_bytes(b"PAR1 torn")
    poisoned.with_suffix(".tmp").rename(poisoned)
    drive = ("simulate", "--vehicle", "EV_9", "--start", "2026-02-24T12:00:00Z", "--duration", "1m")
    stack.telemetry(*drive)
    partition = "2026-02-24|EV_9"
    wait_until(
        lambda: check(stack, "quarantine")["listed"] == [partition], "the failed check to be shown", pause=1.0
    )
    assert check(stack, "quarantine")["status"] == "FAILED"
    assert histories(stack, "quarantine", partition) == ["FAILED"]
    assert check(stack, "accounting")["status"] == "SUCCEEDED"
    name = f"decoded_signals/quarantine/{partition}"
    wait_until(lambda: name in alerts(listener, "opened"), "the alert", pause=1.0)

    other = ("simulate", "--vehicle", "EV_8", "--start", "2026-02-24T12:00:00Z", "--duration", "1m")
    stack.telemetry(*other)
    wait_until(lambda: "2026-02-24|EV_8" in stack.materializations(), "the next drain's work", pause=1.0)
    assert check(stack, "quarantine")["listed"] == [partition]
    assert histories(stack, "quarantine", "2026-02-24|EV_8") == []
    assert alerts(listener, "opened").count(name) == 1


def test_what_is_stale_is_seen_and_one_command_mends_it(stack: Stack, listener: Listener) -> None:
    stack.telemetry("dbc", "add", str(ROOT / "dbc" / EV_DBC.name))
    (stack.lake / "dbc" / "other.dbc").write_bytes(EV_DBC.read_bytes())
    (stack.lake / "dbc" / "bindings.yaml").write_text(
        "bindings: [{vehicles: EV_*, dbc: ev_powertrain.dbc}, {vehicles: VAN_*, dbc: other.dbc}]"
    )
    for vehicle in ("EV_7", "VAN_7"):
        stack.telemetry(
            "simulate",
            "--vehicle",
            vehicle,
            "--start",
            "2026-02-23T12:00:00Z",
            "--duration",
            "1m",
            *("--dbc", str(EV_DBC)),
        )
    partition = "2026-02-23|VAN_7"
    wait_until(
        lambda: {partition, "2026-02-23|EV_7"} <= set(stack.materializations()), "both drives", pause=1.0
    )
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in stack.lake.rglob("*_decoded.parquet")
    }
    (stack.lake / "dbc" / "other.dbc").write_bytes(EV_DBC.read_bytes() + b"\nBO_ 2047 Extra: 8 Vector__XXX\n")
    wait_until(lambda: check(stack, "stale")["listed"] == [partition], "the check to fail", pause=2.0)

    launched = json.loads(stack.telemetry("stale", "--json", "--launch", "--dagster", stack.dagster))
    assert [(item["vehicle_id"], item["why"]) for item in launched["stale"]] == [
        ("VAN_7", "other.dbc changed")
    ]
    assert (bool(launched["backfill"]), launched["untracked"]) == (True, [])

    def backfill() -> str:
        answer = stack.graphql(
            "query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }",
            id=launched["backfill"],
        )
        return str(answer["partitionBackfillOrError"]["status"])

    finished = wait_until(
        lambda: (status := backfill()) not in {"REQUESTED", "COMPLETED"} and status, "the backfill", pause=1.0
    )
    assert finished == "COMPLETED_SUCCESS"
    assert json.loads(stack.telemetry("stale", "--json"))["stale"] == []
    for path, state in before.items():
        same = (path.read_bytes(), path.stat().st_mtime_ns) == state
        assert same == ("VAN_7" not in str(path)), path
