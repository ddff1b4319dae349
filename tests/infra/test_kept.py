"""What holds data outlives its stack, what is private is reached by who is named, and every role is one that we know."""

import json

from telemetry_pipeline.smoke.outputs import OPTIONAL, REQUIRED, STACKS
from telemetry_pipeline.smoke.watched import ALARMS
from tests.docs.named_tests import exists, named
from tests.infra.conftest import ROOT, Templates
from tests.infra.test_permissions import ALONE, WITH_DAGSTER, WITH_GLUE

KEPT = {
    "AWS::S3::Bucket": "Retain",
    "AWS::KMS::Key": "Retain",
    "AWS::Glue::Database": "Retain",
    "AWS::Glue::Table": "Retain",
    "AWS::Cognito::UserPool": "Retain",
    "AWS::RDS::DBInstance": "Snapshot",
}
OF_THE_LIBRARY = ("CustomCDKBucketDeployment", "NetworkAllIAMRole", "CompactorNetworkAllIAMRole")
"""Roles that the CDK makes: of its function that copies files, and of the network's log."""


def test_no_removal_of_a_stack_removes_data(
    alone: Templates, with_dagster: Templates, with_glue: Templates
) -> None:
    seen = set()
    for found in (alone, with_dagster, with_glue):
        for template in found.stacks.values():
            for name, resource in template["Resources"].items():
                if wanted := KEPT.get(resource["Type"]):
                    seen.add(resource["Type"])
                    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == wanted, name
    assert seen == KEPT.keys()


def test_only_dagsters_processes_reach_its_books(with_dagster: Templates) -> None:
    rules = with_dagster.resources("AWS::EC2::SecurityGroupIngress", "orchestrate")
    to_books = [it for it in rules.values() if "Books" in json.dumps(it["GroupId"])]
    assert len(to_books) == 1
    assert "RoomGroup" in json.dumps(to_books[0]["SourceSecurityGroupId"])
    assert (to_books[0]["FromPort"] == to_books[0]["ToPort"]) or "Endpoint" in json.dumps(to_books[0])
    database = with_dagster.one("AWS::RDS::DBInstance")
    subnets = with_dagster.one("AWS::RDS::DBSubnetGroup")
    assert database["DBSubnetGroupName"]
    assert all("books" in json.dumps(subnet) for subnet in subnets["SubnetIds"])


def test_every_role_is_one_of_the_table_or_of_the_library(
    alone: Templates, with_dagster: Templates, with_glue: Templates
) -> None:
    for found, known in ((alone, ALONE), (with_dagster, WITH_DAGSTER), (with_glue, {**ALONE, **WITH_GLUE})):
        for path, role in found.resources("AWS::IAM::Role").items():
            name = role.get("RoleName")
            if name is None:
                logical = path.partition("/")[2]
                assert logical.startswith(OF_THE_LIBRARY), path
            else:
                short = name.removeprefix("can-telemetry-").removeprefix("fleet-")
                assert short in {*known, "replication"}, path


def test_the_check_of_a_deployment_asks_for_names_that_stacks_have(either: Templates) -> None:
    assert set(REQUIRED) <= either.outputs()
    assert set(either.stacks) <= set(STACKS)
    assert set(STACKS) - set(OPTIONAL) <= set(either.stacks)
    names = [it["AlarmName"] for it in either.resources("AWS::CloudWatch::Alarm").values()]
    for severity, count in ALARMS.items():
        made = [name for name in names if f"-{severity}-" in name]
        assert len(made) == count - (severity == "warning" and "decode" not in either.stacks)


def test_the_tests_that_the_pages_name_exist() -> None:
    for page in ("deploy.md", "recovery.md"):
        tests = named((ROOT / "docs" / page).read_text())
        assert tests, page
        assert [test for test in tests if not exists(test)] == [], page
