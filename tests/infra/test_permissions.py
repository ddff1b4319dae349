"""Least privilege: every role of the templates is exactly its rows of the table, and every row names a call that exists."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from infra import permissions
from infra.permissions import Need
from tests.infra.conftest import ROOT, Templates
from tests.infra.policies import allowed, ending, roles

TABLES: dict[str, Sequence[Need]] = {
    name: value for name, value in vars(permissions).items() if isinstance(value, tuple) and name.isupper()
    and value and isinstance(value[0], Need)
}  # fmt: skip
ALONE = {
    "decoder": permissions.DECODER,
    "catalog": permissions.CATALOG,
    "api": (*permissions.API, *permissions.ASKS_ATHENA),
    "edge": permissions.EDGE,
    "compactor": permissions.COMPACTOR,
    "compaction-starter": permissions.STARTS_COMPACTION,
    "nightly": permissions.NIGHTLY,
}
WITH_DAGSTER = {
    "control-room": (*permissions.CONTROL_ROOM, *permissions.SENDS_TO_LAMBDA),
    "task-starter": permissions.STARTS_TASKS,
    "decoder": permissions.SENT_TO,
    "api": permissions.API,
    "edge": (*permissions.EDGE, *permissions.EDGE_SETTINGS, *permissions.EDGE_METRICS),
}


WITH_GLUE = {
    "control-room": (*permissions.CONTROL_ROOM, *permissions.SENDS_TO_GLUE),
    "task-starter": permissions.STARTS_TASKS,
    "spark": permissions.SPARK,
}


def actions(needs: Sequence[Need], *, kms: bool) -> set[str]:
    found = {action for need in needs for action in need.actions}
    keys = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}
    return found | ({keys[action] for action in found if action in keys} if kms else set())


def calls() -> Iterator[tuple[str, str, str]]:
    for name, needs in TABLES.items():
        for need in needs:
            for action, call in need.actions.items():
                yield name, action, call


@pytest.mark.parametrize(("of", "action", "call"), sorted(set(calls())))
def test_every_action_names_a_call_that_is_made(of: str, action: str, call: str) -> None:
    where, _, what = call.partition(": ")
    if where.endswith(".py"):
        assert what in (ROOT / where).read_text(), f"{of}: {action} is needed by nothing in {where}"
    else:
        assert re.match(r"(AWS|Athena|Dagster)", call), f"{of}: {action} is whose call?"


def test_every_role_is_its_rows(alone: Templates, with_dagster: Templates, with_glue: Templates) -> None:
    rows = ((alone, ALONE, False), (with_dagster, WITH_DAGSTER, True), (with_glue, WITH_GLUE, True))
    for found, wanted, kms in rows:
        named = roles(found)
        for name, needs in wanted.items():
            granted = {action for action, _, _ in allowed(named[name])}
            assert granted == actions(needs, kms=kms and name != "task-starter"), name
            assert "ManagedPolicyArns" not in named[name], name


def uses_of_the_key(found: Templates) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every role, or policy of the library's making, with a use of a key that it is granted, and the conditions of it."""
    for name, role in roles(found).items():
        for action, _, condition in allowed(role):
            if action.startswith("kms:"):
                yield name, action, condition
    for name, policy in found.resources("AWS::IAM::Policy").items():
        for action, _, condition in allowed({"Policies": [policy]}):
            # the copy's key is another one: test_lake looks at that
            if action == "kms:Decrypt":
                yield name, action, condition


def test_a_role_uses_the_key_by_s3_alone_and_for_its_own_buckets(
    with_dagster: Templates, with_glue: Templates
) -> None:
    dagsters = {"decoder", "api", "edge", "control-room", "lake/MayReplicate"}
    for found, wanted in ((with_dagster, dagsters), (with_glue, {"spark", "api", "edge", "control-room"})):
        uses = list(uses_of_the_key(found))
        assert {re.sub(r"(?<=Replicate)\w+$", "", name) for name, _, _ in uses} == wanted
        for name, action, condition in uses:
            assert condition.keys() == {"StringEquals", "StringLike"}, name
            (by,) = condition["StringEquals"].items()
            assert (by[0], ending(by[1])) == ("kms:ViaService", "s3.<AWS::Region>.amazonaws.com"), name
            (what,) = condition["StringLike"].items()
            assert what[0] == "kms:EncryptionContext:aws:s3:arn", name
            of = {re.sub(r".*(Data|Results)[0-9A-F]{8}.*?(/\*)?$", r"\1\2", ending(arn)) for arn in what[1]}
            # the service reads decoded days and results; results alone are written in its name, and by nobody else
            mine = {"Data"}
            if name == "api" and found is with_glue:
                mine = {"Data", "Results"} if action == "kms:Decrypt" else {"Results"}
            assert of == mine | {f"{bucket}/*" for bucket in mine}, (name, action)


def test_no_service_takes_a_role_for_another_account(either: Templates, with_glue: Templates) -> None:
    for found in (either, with_glue):
        for name, role in roles(found).items():
            for statement in role["AssumeRolePolicyDocument"]["Statement"]:
                condition = {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
                assert statement["Condition"] == condition, name


def test_dagster_starts_tasks_in_its_own_cluster_with_its_own_roles_alone(with_dagster: Templates) -> None:
    cluster = "arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:{}"
    found = {
        action: (ending_cluster(resource), condition)
        for action, resource, condition in allowed(roles(with_dagster)["control-room"])
        if action.startswith("ecs:")
    }
    resource, condition = found["ecs:RunTask"]
    assert resource == cluster.format("task-definition/run_*")
    ((operator, keys),) = condition.items()
    assert operator == "ArnEquals"
    (of,) = keys["ecs:cluster"]
    assert ending(of).startswith("RoomCluster")
    for action in ("ecs:DescribeTasks", "ecs:StopTask", "ecs:TagResource"):
        assert found[action][0] == cluster.format("task/<RoomCluster>/*"), action
    assert found["ecs:TagResource"][1] == {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    passed = {
        resource: condition
        for action, resource, condition in allowed(roles(with_dagster)["control-room"])
        if action == "iam:PassRole"
    }
    assert {role.rpartition("/")[2] for role in passed} == {"fleet-task-starter", "fleet-control-room"}
    to = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert all(condition == to for condition in passed.values())


def test_vehicles_may_do_what_their_page_says(with_dagster: Templates) -> None:
    # tests/edge_agent/test_least_privilege.py holds the page's policy against agents: enough, and each statement needed
    (text,) = re.findall(
        r"^```json\n(.*?)^```", (ROOT / "docs" / "edge.md").read_text(), re.MULTILINE | re.DOTALL
    )
    said = {
        (it["Action"], it["Resource"].partition("BUCKET/PREFIX")[2] or it["Resource"]): it.get(
            "Condition", {}
        )
        for it in json.loads(text)["Statement"]
    }
    granted = {
        (action, re.sub(r".*(?=/(?:raw|agents)/)", "", resource)): condition
        for action, resource, condition in allowed(roles(with_dagster)["edge"])
        if not action.startswith("kms:")
    }
    assert granted == said


def ending_cluster(resource: str) -> str:
    """A resource without what the library adds to the name of the cluster."""
    return re.sub(r"(?<=RoomCluster)\w+", "", resource)


def test_no_role_has_another_policy(either: Templates) -> None:
    named = {
        name for name, role in either.resources("AWS::IAM::Role").items() if role.get("RoleName")
    }  # made from the table
    for policy in either.resources("AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            attached = [name for name in named if name.endswith(f"/{role['Ref']}")]
            assert all("Replication" in name for name in attached), attached


def test_no_action_is_a_wildcard(either: Templates) -> None:
    for name, role in roles(either).items():
        for action, _, _ in allowed(role):
            assert "*" not in action, name


def test_no_resource_is_wider_than_its_prefix(either: Templates) -> None:
    for name, role in roles(either).items():
        for action, resource, _ in allowed(role):
            if resource == "*":
                assert action in ANYTHING, f"{name} may {action} on anything"
            elif "*" in resource.removesuffix("*"):
                pytest.fail(f"{name}: {resource}")
            elif resource.endswith("*") and action.startswith("s3:"):
                assert re.search(r"/[\w./=$:{}-]+/\*$", resource), f"{name} may {action} on {resource}"


ANYTHING = {
    action for needs in TABLES.values() for need in needs if need.of == "anything" for action in need.actions
}


def test_a_wildcard_would_be_found() -> None:
    role = {
        "Policies": [
            {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}}
        ]
    }
    assert list(allowed(role)) == [("s3:*", "*", {})]


def test_nobody_deletes_or_writes_over_what_vehicles_sent(either: Templates) -> None:
    for name, role in roles(either).items():
        written = {
            resource for action, resource, _ in allowed(role) if action in ("s3:PutObject", "s3:DeleteObject")
        }
        raw = {resource for resource in written if re.search(r"/(raw|dbc)/", resource)}
        assert not raw or name == "edge", (name, raw)
        assert all("${credentials-iot:ThingName}" in resource for resource in raw)
