"""What the stacks of a deployment say of themselves: their outputs, by the names that scripts ask for."""

from dataclasses import dataclass
from typing import Any, Final

from telemetry_pipeline.smoke.step import Failed

STACKS: Final = ("lake", "decode", "site", "query", "orchestrate", "observe")
OPTIONAL: Final = ("decode", "orchestrate")
"""One of them is there, or both: who decodes is a setting."""

REQUIRED: Final = (
    *("ApiUrl", "CloudFrontDomain", "DataBucket", "CognitoUserPoolId", "CognitoClientId"),
    *("DashboardUrl", "QueueUrl", "DeadLetterQueueUrl", "AthenaWorkgroup", "EdgeRoleAlias", "EdgePolicy"),
)


@dataclass(frozen=True)
class Outputs:
    """The outputs of all stacks.

    Attributes:
        values: By name.
        stacks: The stacks that are there, without the deployment's name.
    """

    values: dict[str, str]
    stacks: tuple[str, ...]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def lake(self) -> str:
        """The lake's URL."""
        return f"s3://{self.values['DataBucket']}"


def read_outputs(cloudformation: Any, name: str) -> Outputs:  # noqa: ANN401  a client, made at run time
    """Ask CloudFormation.

    Args:
        cloudformation: Its client.
        name: What the names of the stacks begin with.

    Raises:
        Failed: A stack is missing or not whole, or an output is.
    """
    found: dict[str, dict[str, Any]] = {}
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            found[stack["StackName"]] = stack
    there = tuple(stack for stack in STACKS if f"{name}-{stack}" in found)
    missing = [stack for stack in STACKS if stack not in there and stack not in OPTIONAL]
    if missing or not set(OPTIONAL) & set(there):
        raise Failed(
            f"no stack {', '.join(f'{name}-{stack}' for stack in missing or OPTIONAL)}",
            remedy="Deploy it: make deploy; or name the deployment with --name, the region with AWS_DEFAULT_REGION",
        )
    values: dict[str, str] = {}
    for stack in there:
        made = found[f"{name}-{stack}"]
        if not made["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in made["StackStatus"]:
            raise Failed(
                f"it is {made['StackStatus']}",
                f"{name}-{stack}",
                "See its events in CloudFormation, and deploy again",
            )
        values |= {item["OutputKey"]: item["OutputValue"] for item in made.get("Outputs", [])}
    if lost := [output for output in REQUIRED if output not in values]:
        raise Failed(f"no output {', '.join(lost)}", name, "Deploy again with this release: make deploy")
    return Outputs(values, there)
