"""Dagster's launcher with the task that the stacks make: what a run's own task is like, and which calls that takes.

moto has no containers: it keeps definitions and tasks as they are sent. What a task says of itself is answered here.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.utils import make_new_run_id
from dagster_aws.ecs import EcsRunLauncher

from infra import permissions
from tests.infra.clients import Calls, calls_of_clients
from tests.infra.conftest import ROOT, Templates
from tests.moto_server import Aws, moto_running
from tests.servers import Answer, Asked, answering

__all__ = ["calls_of_clients"]

pytestmark = pytest.mark.slow

ROLES = (
    "arn:aws:iam::123456789012:role/fleet-control-room",
    "arn:aws:iam::123456789012:role/fleet-task-starter",
)
JOB = "drain"
NO_CALL = {"iam:PassRole", "ecs:TagResource"}
"""What ECS asks the caller's rights for when it starts a task with roles and tags: no request has that name."""


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with moto_running(tmp_path) as found:
        for name, value in found.env().items():
            monkeypatch.setenv(name, value)
        yield found


def as_sent(value: Any) -> Any:
    """What a template says, as a client would send it; what is known when it is deployed alone is a word."""
    if isinstance(value, list):
        return [as_sent(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
        return "known-later"
    return {name[0].lower() + name[1:]: as_sent(item) for name, item in value.items() if name != "Tags"}


def daemon_of(templates: Templates) -> dict[str, Any]:
    """The daemon's definition: its process starts the runs."""
    made = templates.one("AWS::ECS::TaskDefinition", "orchestrate", "DaemonTask")
    definition = as_sent(made)
    definition["taskRoleArn"], definition["executionRoleArn"] = ROLES
    # moto adds these up for tasks of Fargate, too, where only the task has to say it
    definition["containerDefinitions"][0]["memoryReservation"] = int(definition["memory"])
    return definition


def start_daemon(aws: Aws, definition: dict[str, Any]) -> dict[str, Any]:
    """The daemon's task in a cluster and a network of moto's."""
    ecs, ec2 = aws.client("ecs"), aws.client("ec2")
    ecs.create_cluster(clusterName="fleet")
    registered = ecs.register_task_definition(**definition)["taskDefinition"]
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    network = {"subnets": [subnet["SubnetId"]], "securityGroups": [group], "assignPublicIp": "DISABLED"}
    started = ecs.run_task(
        cluster="fleet",
        taskDefinition=registered["taskDefinitionArn"],
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )
    return started["tasks"][0]


def a_run(instance: dg.DagsterInstance, image: str) -> DagsterRun:
    """A run of one of our jobs, as the code server of an image tells of it."""
    code = RepositoryPythonOrigin(
        executable_path="python",
        code_pointer=ModuleCodePointer("telemetry_pipeline.definitions", "defs"),
        container_image=image,
        entry_point=["dagster"],
        container_context={},
    )
    server = GrpcServerCodeLocationOrigin(host="code.fleet.internal", port=4266, location_name="telemetry")
    run = DagsterRun(
        job_name=JOB,
        run_id=make_new_run_id(),
        job_code_origin=JobPythonOrigin(JOB, code),
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(server, "__repository__"), JOB),
        status=dg.DagsterRunStatus.STARTING,
    )
    return instance.add_run(run)


def said_at_last(
    aws: Aws, died: DagsterRun, launcher: EcsRunLauncher, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    """A run whose task was killed: Dagster shows what it said last."""
    told = launcher.ecs.describe_tasks
    made = [sent for name, sent in calls if name == "ecs:RegisterTaskDefinition"]
    (process,) = made[0]["containerDefinitions"]
    group = process["logConfiguration"]["options"]["awslogs-group"]
    task_id = died.tags["ecs/task_arn"].rpartition("/")[2]
    stream = f"{process['logConfiguration']['options']['awslogs-stream-prefix']}/{process['name']}/{task_id}"
    before, logs = list(calls), aws.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    line = {"timestamp": int(time.time() * 1000), "message": "no memory is left"}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[line])
    calls[:] = before  # the test's own

    def killed(**asked: Any) -> Any:
        answer = told(**asked)
        for task in answer["tasks"]:
            task |= {"lastStatus": "STOPPED", "containers": [{"name": process["name"], "exitCode": 137}]}
        return answer

    monkeypatch.setattr(launcher.ecs, "describe_tasks", killed)
    health = launcher.check_run_worker_health(died)
    assert health.status is WorkerStatus.FAILED
    assert "no memory is left" in (health.msg or "")


def test_a_runs_task_is_made_like_the_daemons_by_calls_that_the_role_may_make(
    aws: Aws,
    calls_of_clients: Calls,
    with_dagster: Templates,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    definition = daemon_of(with_dagster)
    (container,) = definition["containerDefinitions"]
    given = {it["name"]: it["value"] for it in container["environment"]}
    # the code server has this variable, too, and says of every run that it is of this image
    assert given["DAGSTER_CURRENT_IMAGE"] == container["image"]
    task = start_daemon(aws, definition)

    def of_itself(asked: Asked) -> Answer:
        whole = {"Cluster": task["clusterArn"], "TaskARN": task["taskArn"]}
        return Answer(json.dumps(whole if asked.path.endswith("/task") else {"Name": "daemon"}).encode())

    config = yaml.safe_load((ROOT / "deploy" / "instance" / "ecs.yaml").read_text())["run_launcher"]["config"]
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with answering(of_itself) as metadata, dg.DagsterInstance.from_config(str(home)) as instance:
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", metadata)
        launcher = EcsRunLauncher(**config)
        launcher.register_instance(instance)
        run = a_run(instance, container["image"])
        calls_of_clients.clear()
        launcher.launch_run(LaunchRunContext(run, workspace=None))
        again = a_run(instance, container["image"])
        launcher.launch_run(LaunchRunContext(again, workspace=None))
        stored = instance.get_run_by_id(run.run_id)
        assert stored is not None
        assert launcher.check_run_worker_health(stored).status is not WorkerStatus.NOT_FOUND
        launcher.terminate(run.run_id)
        died = instance.get_run_by_id(again.run_id)
        assert died is not None
        said_at_last(aws, died, launcher, monkeypatch, calls_of_clients)
    made = [sent for name, sent in calls_of_clients if name == "ecs:RegisterTaskDefinition"]
    assert len(made) == 1, "the second run is of the same image and finds the definition"
    (process,) = made[0]["containerDefinitions"]
    assert made[0]["family"].startswith("run_")
    assert process["readonlyRootFilesystem"] is True
    for what in ("mountPoints", "secrets", "image"):
        assert process[what] == container[what], what
    assert [it for it in process["environment"] if it not in container["environment"]] == [
        {"name": "DAGSTER_RUN_JOB_NAME", "value": JOB}
    ]
    assert made[0]["volumes"][0]["name"] == container["mountPoints"][0]["sourceVolume"]
    assert (made[0]["taskRoleArn"], made[0]["executionRoleArn"]) == ROLES
    for started in (sent for name, sent in calls_of_clients if name == "ecs:RunTask"):
        assert started["cluster"] == task["clusterArn"]
        assert started["taskDefinition"] == made[0]["family"]
        assert {tag["key"] for tag in started["tags"]} >= {"service"}
    granted = {
        action
        for need in permissions.CONTROL_ROOM
        for action in need.actions
        if action.partition(":")[0] in ("ecs", "ec2", "iam", "logs")
    }
    sent = {name for name, _ in calls_of_clients}
    assert sent - granted == set(), "a call without its row"
    assert granted - sent == NO_CALL, "a row without a call"
