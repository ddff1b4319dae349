"""Dagster's control room: its network, its books, three services of one image, and the sign-in in front of its pages."""

from typing import Final

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.assets import Assets
from infra.books import Books
from infra.bucket import make_bucket
from infra.control_room import ControlRoom
from infra.deployment import Deployment
from infra.entrance import INSIDE, Entrance
from infra.function import retention
from infra.lake import LakeStack
from infra.spark import SparkJob

_ZONES: Final = 2


class OrchestrateStack(Stack):
    """The control room."""

    def __init__(  # noqa: PLR0917  what it is built on
        self,
        scope: Construct,
        name: str,
        deployment: Deployment,
        assets: Assets,
        lake: LakeStack,
        function_arn: str | None,
    ) -> None:
        super().__init__(scope, name, description="can-telemetry: Dagster, its books and its sign-in")
        vpc = self._network(deployment)
        books = Books(self, "Books", vpc)
        # S3's own key: load balancers write their logs with no other
        run_logs = make_bucket(self, "RunLogs", access_logs=lake.access_logs, kept_versions_days=1)
        spark = None
        if deployment.work == "glue":
            spark = SparkJob(self, "Spark", name=f"{deployment.name}-spark", assets=assets, lake=lake)
        room = ControlRoom(
            self,
            "Room",
            deployment,
            image_source=assets.pipeline,
            vpc=vpc,
            books=books,
            run_logs=run_logs,
            lake=lake,
            function_arn=function_arn,
            spark=spark,
        )
        Entrance(self, "Entrance", deployment, vpc=vpc, webserver=room.webserver, access_logs=run_logs)
        CfnOutput(self, "ControlRoomUrl", value=f"https://{deployment.control_room_domain}")

    def _network(self, deployment: Deployment) -> ec2.Vpc:
        flows = logs.LogGroup(
            self, "Flows", retention=retention(deployment.log_days), removal_policy=RemovalPolicy.DESTROY
        )
        kinds = {
            "entrance": ec2.SubnetType.PUBLIC,
            "services": ec2.SubnetType.PRIVATE_WITH_EGRESS,
            "books": ec2.SubnetType.PRIVATE_ISOLATED,
        }
        return ec2.Vpc(
            self,
            "Network",
            max_azs=_ZONES,
            ip_addresses=ec2.IpAddresses.cidr(INSIDE),
            nat_gateways=1,
            subnet_configuration=[
                ec2.SubnetConfiguration(name=name, subnet_type=kind, cidr_mask=24)
                for name, kind in kinds.items()
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
            flow_logs={
                "All": ec2.FlowLogOptions(destination=ec2.FlowLogDestination.to_cloud_watch_logs(flows))
            },
        )
