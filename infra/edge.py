"""What a vehicle is in AWS: a thing with a certificate, and for its certificate keys for an hour that write its own frames.

Things and certificates are made per vehicle by whoever builds it in (docs/deploy.md): no key of a vehicle passes here.
"""

from typing import Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iot as iot
from constructs import Construct

from infra.deployment import Deployment
from infra.lake import LakeStack
from infra.permissions import EDGE, EDGE_METRICS, EDGE_SETTINGS
from infra.roles import make_role

KEYS_GOOD_FOR_S: Final = 3_600


class Edge(Construct):
    """The identities of vehicles.

    Args:
        scope: The stack.
        name: Its name in the stack.
        deployment: The settings.
        lake: The lake.
    """

    def __init__(self, scope: Construct, name: str, deployment: Deployment, lake: LakeStack) -> None:
        super().__init__(scope, name)
        held = make_role(
            self,
            f"{deployment.name}-edge",
            "credentials.iot.amazonaws.com",
            (
                *EDGE,
                *(EDGE_SETTINGS if deployment.edge_settings else ()),
                *(EDGE_METRICS if deployment.edge_metrics else ()),
            ),
            {"data": lake.data, "anything": "*"},
            key=lake.key.key_arn if lake.key else None,
        )
        alias = iot.CfnRoleAlias(
            self,
            "Alias",
            role_alias=f"{deployment.name}-edge",
            role_arn=held.role_arn,
            credential_duration_seconds=KEYS_GOOD_FOR_S,
        )
        iot.CfnThingType(self, "Vehicle", thing_type_name=f"{deployment.name}-vehicle")
        policy = iot.CfnPolicy(
            self,
            "Policy",
            policy_name=f"{deployment.name}-edge",
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "iot:AssumeRoleWithCertificate",
                        "Resource": alias.attr_role_alias_arn,
                        # a certificate alone is nobody: the thing that it is attached to names the prefix
                        "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}},
                    }
                ],
            },
        )
        stack = Stack.of(self)
        CfnOutput(stack, "EdgeRoleAlias", value=alias.ref)
        CfnOutput(stack, "EdgePolicy", value=policy.ref)
