"""`telemetry smoke` over stand-ins: a sound deployment passes, each fault fails its own step, nothing is left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.permissions import Need
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.tables import Table
from telemetry_pipeline.lake import layout
from telemetry_pipeline.smoke import front
from telemetry_pipeline.smoke.aws import Aws, faults
from telemetry_pipeline.smoke.deployment import Smoke, Wanted
from telemetry_pipeline.smoke.passage import wait_for
from telemetry_pipeline.smoke.step import Outcome, run
from tests.raw_lake import NOON
from tests.smoke.account import NAME, VEHICLE
from tests.smoke.scene import Scene, deployed

pytestmark = pytest.mark.slow

STEPS = (
    *("stacks", "alarms", "dead letters", "lake", "identity", "landing", "other prefixes", "decoding"),
    *("catalogue", "Athena", "unsigned", "service", "dashboard", "dead letters again"),
    *("objects removed", "identity removed"),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, deployed(tmp_path_factory.mktemp("smoke"), patch) as found:
        yield found


@pytest.fixture(autouse=True)
def signed_in(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is that of an administrator of the deployment."""
    for name, value in scene.env.items():
        monkeypatch.setenv(name, value)


def check(scene: Scene, folder: Path, *, timeout_s: float = 60.0, **changes: Any) -> dict[str, Outcome]:
    """A check in this process, by step; without a token, whose steps the whole one has."""
    endpoint = str(scene.client("s3").meta.endpoint_url)
    wanted = {"name": NAME, "vehicle_id": VEHICLE, "token": None} | changes
    smoke = Smoke(
        Aws(), Wanted(**wanted, timeout_s=timeout_s, credentials_endpoint=scene.host, ca=scene.ca,
                      endpoint_url=endpoint), folder
    )  # fmt: skip
    done = {outcome.step: outcome for outcome in run(smoke.steps(), faults())}
    return done | {outcome.step: outcome for outcome in run(smoke.removal(), faults())}


def failed(outcomes: dict[str, Outcome]) -> dict[str, str]:
    for outcome in outcomes.values():
        assert bool(outcome.remedy) == (outcome.state == "fail"), outcome
    return {name: outcome.said for name, outcome in outcomes.items() if outcome.state == "fail"}


def test_a_sound_deployment_passes_and_is_left_as_it_was(scene: Scene, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(scene.issuer.headers()["Authorization"].removeprefix("Bearer "))
    command = [Path(sys.executable).with_name("telemetry"), "smoke", "--json", "--token-file", token]
    command += ["--credentials-endpoint", scene.host, "--ca", scene.ca]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    assert {it["step"]: it["state"] for it in answer["steps"]} == dict.fromkeys(STEPS, "pass"), answer
    assert done.returncode == 0
    assert (answer["failed"], answer["left_out"]) == (0, 0)
    said = {it["step"]: it["said"] for it in answer["steps"]}
    assert said["Athena"].partition(",")[0] == said["service"]
    assert scene.left() == []


def test_a_deployment_that_is_not_there(scene: Scene, tmp_path: Path) -> None:
    done = check(scene, tmp_path, name="another")
    assert failed(done) == {"stacks": "no stack another-lake, another-site, another-query, another-observe"}
    assert {name for name, outcome in done.items() if outcome.state == "pass"} == {
        "objects removed",
        "identity removed",
    }


def test_what_watches_is_missing(scene: Scene, tmp_path: Path) -> None:
    scene.client("cloudwatch").delete_alarms(AlarmNames=[f"{NAME}-critical-BucketSize"])
    sqs = scene.client("sqs")
    sqs.send_message(QueueUrl=scene.dead_letters, MessageBody="x")
    where = [info.key for info in scene.store.list_objects("")]
    with scene.nobody_decodes():  # else somebody's object is in quarantine when the next test looks
        scene.store.put(layout.RawObject.starting(VEHICLE, NOON).key, b"somebody's")
        try:
            done = failed(check(scene, tmp_path))
        finally:
            scene.add_alarm("critical-BucketSize")
            sqs.purge_queue(QueueUrl=scene.dead_letters)
            scene.store.delete(layout.RawObject.starting(VEHICLE, NOON).key)
    assert done["alarms"] == f"{NAME}: 2 of 3 critical alarms are there"
    assert "1 messages wait in it" in done["dead letters"]
    assert "the lake has this vehicle" in done["lake"]
    assert [info.key for info in scene.store.list_objects("")] == where


def test_a_vehicle_that_may_too_much_or_too_little(scene: Scene, tmp_path: Path) -> None:
    from infra.permissions import EDGE

    with scene.nobody_decodes():  # what a stranger's object becomes is not looked at
        try:
            scene.allow((Need("data", {"s3:PutObject": "x"}, ("raw/",)),))
            wide = failed(check(scene, tmp_path, timeout_s=1))
            scene.allow((Need("data", {"s3:PutObject": "x"}, ("raw/vehicle_id=OTHER/",)),))
            narrow = check(scene, tmp_path, timeout_s=1)
        finally:
            scene.allow(EDGE)
    assert wide.keys() == {"other prefixes", "decoding"}
    assert "a vehicle may" in wide["other prefixes"]
    assert "refuses access" in narrow["landing"].said
    assert narrow["decoding"].state == "left out"
    assert scene.left() == []


def test_a_thing_that_is_there_is_left_alone(scene: Scene, tmp_path: Path) -> None:
    scene.client("iot").create_thing(thingName=VEHICLE)
    try:
        done = failed(check(scene, tmp_path))
        assert scene.left() == [VEHICLE]
    finally:
        scene.client("iot").delete_thing(thingName=VEHICLE)
    assert done == {"identity": f"{VEHICLE}: there is a thing of that name"}


def test_nobody_decodes(scene: Scene, tmp_path: Path) -> None:
    with scene.nobody_decodes():
        done = check(scene, tmp_path, timeout_s=1)
    assert failed(done).keys() == {"decoding"}
    assert "not there after 1 s" in done["decoding"].said
    assert done["service"].said == "needs decoding, a token"
    assert scene.left() == []


def test_nobody_tells_glue_and_athena_fails(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, listing = [], Glue.partitions

    def partitions(glue: Glue, table: Table, expression: str = "") -> Iterator[dict[str, Any]]:
        asked.append(expression)
        return listing(glue, table, expression)

    monkeypatch.setattr(Glue, "partitions", partitions)
    scene.catalog_error = "Task timed out"
    try:
        assert "Task timed out" in failed(check(scene, tmp_path))["catalogue"]
    finally:
        scene.catalog_error = None
    scene.orders({"fail": {"reason": "HIVE_BAD_DATA: x", "category": 2}})
    done = failed(check(scene, tmp_path))
    assert done.keys() == {"Athena"}
    assert scene.left() == []
    assert f"vehicle_id = '{VEHICLE}'" in asked
    assert "" not in asked, "the whole table was listed"


def test_doors_that_are_not_as_they_should_be(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a vehicle that a token does not show may be known in a moment: the service alone is waited for in vain
    monkeypatch.setattr(front, "wait_for", lambda there, what, _: wait_for(there, what, 1.0))
    del scene.headers["X-Frame-Options"]
    stranger = scene.issuer.token(**{"telemetry:vehicles": ["EV_*"]})
    try:
        done = failed(check(scene, tmp_path, token=stranger))
    finally:
        scene.headers["X-Frame-Options"] = "DENY"
    assert done.keys() == {"service", "dashboard"}
    assert "without x-frame-options" in done["dashboard"]
