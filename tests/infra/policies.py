"""What the roles of templates may do, as pairs of an action and the end of a resource."""

from collections.abc import Iterator
from typing import Any

from tests.infra.conftest import Templates


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(role: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every action, resource and condition that a role is allowed by policies of its own."""
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield action, ending(resource), statement.get("Condition", {})


def ending(resource: Any) -> str:
    """A resource as text: what is only known when it is deployed is named by what it is of."""
    if isinstance(resource, str):
        return resource
    ((function, value),) = resource.items()
    if function == "Fn::Join":
        return "".join(part if isinstance(part, str) else f"<{ending(part)}>" for part in value[1])
    if function == "Fn::GetAtt":
        return str(value[0])
    return str(value)


def roles(found: Templates) -> dict[str, dict[str, Any]]:
    """The roles that have names, without the deployment's name before them."""
    return {
        role["RoleName"].removeprefix("can-telemetry-").removeprefix("fleet-"): role
        for role in found.resources("AWS::IAM::Role").values()
        if "RoleName" in role
    }
