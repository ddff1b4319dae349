"""The compaction of every night: reached by nobody, held to its folder, ended by itself, and told of when it fails."""

import json
from typing import Any

import pytest

from telemetry_pipeline.catalog.nights import MISSED_AFTER
from telemetry_pipeline.catalog.recent import DAYS
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.settings import Settings
from tests.infra.conftest import ROOT, Templates
from tests.infra.policies import ending
from tests.recipes import Recipe

STAGE = Recipe.read(ROOT / "deploy" / "lambda-api.Dockerfile").stages[0]
NIGHT_NS = parse_duration("24h")


def task(found: Templates) -> dict[str, Any]:
    return found.one("AWS::ECS::TaskDefinition", "decode")


def container(found: Templates) -> dict[str, Any]:
    (made,) = task(found)["ContainerDefinitions"]
    return dict(made)


def rule(found: Templates, name: str) -> dict[str, Any]:
    return found.one("AWS::Events::Rule", "decode", name)


def test_nothing_leads_to_it_and_nothing_of_its_network_costs_by_the_hour(alone: Templates) -> None:
    for kind in ("AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::ECS::Service", "AWS::EC2::Instance"):
        assert not alone.resources(kind), kind
    (endpoint,) = alone.resources("AWS::EC2::VPCEndpoint").values()
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert ending(endpoint["ServiceName"]).endswith(".s3")
    (group,) = alone.resources("AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group
    assert [(it["IpProtocol"], it["FromPort"], it["ToPort"]) for it in group["SecurityGroupEgress"]] == [
        ("tcp", 443, 443)
    ]
    assert not alone.resources("AWS::EC2::SecurityGroupIngress")
    subnets = alone.resources("AWS::EC2::Subnet").values()
    assert [subnet["MapPublicIpOnLaunch"] for subnet in subnets] == [False, False]
    assert alone.one("AWS::EC2::FlowLog")["TrafficType"] == "ALL"


def test_the_task_is_an_ordinary_user_who_writes_to_one_folder(alone: Templates) -> None:
    made = container(alone)
    assert made["ReadonlyRootFilesystem"] is True
    assert made["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}}
    assert not made.get("Privileged")
    (mount,) = made["MountPoints"]
    (volume,) = task(alone)["Volumes"]
    assert (mount["SourceVolume"], mount["ReadOnly"]) == (volume["Name"], False)
    assert volume.keys() == {"Name"}, "of the task's own disk"
    # Fargate gives a volume the owner that the image says, if it declares the very same path
    assert [json.loads(words) for words in STAGE.all("VOLUME")] == [[mount["ContainerPath"]]]
    assert f"TMPDIR={mount['ContainerPath']}" in STAGE.all("ENV")[0].split()
    assert STAGE.all("USER") == [made["User"]]
    assert made["User"].split(":")[0] != "0"
    assert f"--chown={made['User']} scratch/ /scratch/" in STAGE.all("COPY")


def test_the_task_has_what_was_measured_to_be_enough(alone: Templates) -> None:
    made = task(alone)
    assert (made["Cpu"], made["Memory"]) == ("1024", "4096")
    assert made["EphemeralStorage"] == {"SizeInGiB": 50}
    assert made["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    given = {it["Name"]: it["Value"] for it in container(alone)["Environment"]}
    assert given.keys() == {"TELEMETRY_LAKE", "AWS_REGION"}
    settings = Settings.from_env({**given, "TELEMETRY_LAKE": "s3://bucket"})
    assert settings.catalog == "telemetry_db"
    assets = json.loads(next(alone.folder.glob("*-decode.assets.json")).read_text())["dockerImages"]
    assert [it["source"].get("dockerBuildTarget") for it in assets.values()].count(STAGE.name) == 1


def test_a_night_ends_before_the_next_one_begins(alone: Templates) -> None:
    words = container(alone)["Command"]
    said = dict(zip(words[::2], words[1::2], strict=True))
    assert said.keys() == {"--days", "--quiet", "--begin-within", "--end-within"}
    assert int(said["--days"]) == DAYS, "Glue is told of the same days"
    begin, end = (parse_duration(said[name]) for name in ("--begin-within", "--end-within"))
    assert begin < end < NIGHT_NS
    # the start may be late by as much as it is tried again
    (target,) = rule(alone, "Schedule")["Targets"]
    late = target["RetryPolicy"]["MaximumEventAgeInSeconds"] * 1_000_000_000
    assert end + late >= NIGHT_NS
    # nor is one missed that is through as late as it may be
    assert MISSED_AFTER.total_seconds() * 1e9 >= NIGHT_NS + late + end


def test_it_starts_every_night_and_what_does_not_start_is_a_dead_letter(alone: Templates) -> None:
    made = rule(alone, "Schedule")
    assert (made["ScheduleExpression"], made["State"]) == ("cron(15 3 * * ? *)", "ENABLED")
    (target,) = made["Targets"]
    assert target["EcsParameters"]["TaskCount"] == 1
    network = target["EcsParameters"]["NetworkConfiguration"]["AwsVpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"
    assert "NightlyRole" in ending(target["RoleArn"])
    assert "LandingDeadLetters" in ending(target["DeadLetterConfig"]["Arn"])
    policies = alone.resources("AWS::SQS::QueuePolicy", "lake").values()
    (sender,) = [
        it
        for policy in policies
        for it in policy["PolicyDocument"]["Statement"]
        if it.get("Principal") == {"Service": "events.amazonaws.com"}
    ]
    assert sender["Action"] == "sqs:SendMessage"
    source = ending(sender["Condition"]["ArnEquals"]["aws:SourceArn"])
    assert source.endswith(f":rule/{made['Name']}")


def matches(pattern: Any, event: Any) -> bool:
    """Whether EventBridge passes an event on, of what patterns here are made of; of a list any member will do."""
    if isinstance(event, list):
        return any(matches(pattern, member) for member in event)
    if isinstance(pattern, dict):
        rest = {key: value for key, value in pattern.items() if key != "$or"}
        return (
            isinstance(event, dict)
            and all(key in event and matches(value, event[key]) for key, value in rest.items())
            and ("$or" not in pattern or any(matches(one, event) for one in pattern["$or"]))
        )
    return any(event not in one["anything-but"] if isinstance(one, dict) else event == one for one in pattern)


def stopped(**detail: Any) -> dict[str, Any]:
    ended = {"lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", "clusterArn": "ours"}
    return {**ended, "containers": [{"name": "compact", "exitCode": 0}], **detail}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (stopped(), False),
        (stopped(containers=[{"exitCode": 1}]), True),
        (stopped(containers=[{"exitCode": 137}]), True),
        (stopped(containers=[{"name": "compact"}], stopCode="TaskFailedToStart"), True),
        (stopped(containers=[{"exitCode": 143}], stopCode="UserInitiated"), True),
        (stopped(containers=[{"exitCode": 1}], lastStatus="DEPROVISIONING"), False),
        (stopped(containers=[{"exitCode": 1}], clusterArn="another"), False),
    ],
)
def test_a_task_that_did_not_do_its_work_is_told_of(event: dict[str, Any], told: bool) -> None:
    from infra.compactor import failed_in  # starts Node, which every worker would wait for

    assert matches(failed_in("ours"), event) is told


def test_failures_are_told_where_alarms_are(alone: Templates) -> None:
    from infra.compactor import failed_in  # starts Node, which every worker would wait for

    made = rule(alone, "Failed")
    cluster = made["EventPattern"]["detail"]["clusterArn"][0]
    assert made["EventPattern"]["detail"] == failed_in(cluster)
    assert "Cluster" in ending(cluster)
    (target,) = made["Targets"]
    alarm = next(iter(alone.resources("AWS::CloudWatch::Alarm").values()))
    assert [ending(target["Arn"])] == [ending(it) for it in alarm["AlarmActions"]]
    assert "The compaction of every night" in target["InputTransformer"]["InputTemplate"]
    assert "## The compaction of every night" in (ROOT / "docs" / "operations.md").read_text()


def test_with_dagster_there_is_none(with_dagster: Templates, with_glue: Templates) -> None:
    for found in (with_dagster, with_glue):
        assert not found.resources("AWS::Events::Rule")
        assert not [name for name in found.resources("AWS::ECS::TaskDefinition") if "Compact" in name]
