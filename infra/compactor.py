"""The task that compacts the days that have become quiet, once a night, and who is told when it fails.

Nothing of it runs all day, and nothing can reach it: its network has no way in, no gateway that costs by the hour, and a
way out for TLS alone. What the task does is `telemetry_pipeline.compact_task`'s business.
"""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.assets import Assets
from infra.deployment import Deployment
from infra.function import retention
from infra.lake import LakeStack, nightly_rule
from infra.permissions import COMPACTOR, NIGHTLY, STARTS_COMPACTION
from infra.roles import make_role

VCPU: Final = 1
MEMORY_GB: Final = 4
DISK_GB: Final = 50
"""A day of 301 million rows takes 0.9 GB of memory, and half a gigabyte to some of the disk: there is room for ten of it."""

SCRATCH: Final = "/scratch/tmp"
"""The only folder that the task can write to; the image has it, for its user."""

USER: Final = "10001:10001"
COMMAND: Final = ("--days", "27", "--quiet", "1h", "--begin-within", "6h", "--end-within", "20h")
"""It ends before the next one begins, whatever it waits for."""

_INSIDE: Final = "10.91.0.0/26"
_RUNBOOK: Final = "docs/operations.md, The compaction of every night"


class Compactor(Construct):
    """The task, its schedule, and its network."""

    def __init__(
        self, scope: Construct, name: str, deployment: Deployment, assets: Assets, lake: LakeStack
    ) -> None:
        super().__init__(scope, name)
        vpc = self._network(deployment)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.DISABLED)
        starter = f"{deployment.name}-compaction-starter"
        worker = f"{deployment.name}-compactor"
        task = self._task(deployment, assets, lake, starter=starter, worker=worker)
        role = make_role(
            Construct(self, "Nightly"),
            nightly_rule(deployment),
            "events.amazonaws.com",
            NIGHTLY,
            {
                "compaction": task.task_definition_arn,
                "cluster": cluster.cluster_arn,
                "task_roles": [lake.role_arn(starter), lake.role_arn(worker)],
                "topic": lake.topic.topic_arn,
            },
        ).without_policy_updates()
        group = ec2.SecurityGroup(
            self, "Group", vpc=vpc, description="no way in, TLS out", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS's own services")
        # by its ARN: the lake's queue says itself who may send to it
        unstarted = sqs.Queue.from_queue_arn(self, "Unstarted", lake.landing.dead_letters.queue_arn)
        events.Rule(
            self,
            "Schedule",
            rule_name=nightly_rule(deployment),
            schedule=events.Schedule.cron(hour="3", minute="15"),
            targets=[
                targets.EcsTask(
                    cluster=cluster,
                    task_definition=task,
                    role=role,
                    subnet_selection=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
                    # costs while the task runs; a NAT gateway, or endpoints, cost all day
                    assign_public_ip=True,
                    security_groups=[group],
                    max_event_age=Duration.hours(6),
                    dead_letter_queue=unstarted,
                )
            ],
        )
        events.Rule(
            self,
            "Failed",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail=failed_in(cluster.cluster_arn),
            ),
            targets=[targets.SnsTopic(lake.topic, authorize_using_role=True, role=role, message=_words())],
        )

    def _task(
        self, deployment: Deployment, assets: Assets, lake: LakeStack, *, starter: str, worker: str
    ) -> ecs.FargateTaskDefinition:
        log = logs.LogGroup(
            self, "Log", retention=retention(deployment.log_days), removal_policy=RemovalPolicy.RETAIN
        )
        image = ecr_assets.DockerImageAsset(self, "Image", directory=str(assets.api), target="compact")
        for_tasks = "ecs-tasks.amazonaws.com"
        starts = make_role(
            Construct(self, "Starter"),
            starter,
            for_tasks,
            STARTS_COMPACTION,
            {"log": log.log_group_arn, "image": image.repository.repository_arn, "anything": "*"},
        )
        works = make_role(
            Construct(self, "Worker"),
            worker,
            for_tasks,
            COMPACTOR,
            {"data": lake.data, "catalogue": lake.catalogue_arns},
            key=lake.key.key_arn if lake.key else None,
        )
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=VCPU * 1024,
            memory_limit_mib=MEMORY_GB * 1024,
            ephemeral_storage_gib=DISK_GB,
            execution_role=starts.without_policy_updates(),
            task_role=works.without_policy_updates(),
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        # of the task's own disk, and gone with it
        task.add_volume(name="scratch")
        less = ecs.LinuxParameters(self, "Linux")
        less.drop_capabilities(ecs.Capability.ALL)
        container = task.add_container(
            "compact",
            image=ecs.ContainerImage.from_docker_image_asset(image),
            command=list(COMMAND),
            environment={"TELEMETRY_LAKE": lake.url, "AWS_REGION": Stack.of(self).region},
            user=USER,
            readonly_root_filesystem=True,
            linux_parameters=less,
            logging=ecs.LogDrivers.aws_logs(stream_prefix="compact", log_group=log),
        )
        container.add_mount_points(
            ecs.MountPoint(container_path=SCRATCH, source_volume="scratch", read_only=False)
        )
        return task

    def _network(self, deployment: Deployment) -> ec2.Vpc:
        flows = logs.LogGroup(
            self, "Flows", retention=retention(deployment.log_days), removal_policy=RemovalPolicy.DESTROY
        )
        return ec2.Vpc(
            self,
            "Network",
            max_azs=2,
            ip_addresses=ec2.IpAddresses.cidr(_INSIDE),
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="tasks",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=28,
                    # the task asks for an address of its own, nothing else gets one
                    map_public_ip_on_launch=False,
                )
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
            flow_logs={
                "All": ec2.FlowLogOptions(destination=ec2.FlowLogDestination.to_cloud_watch_logs(flows))
            },
        )


def failed_in(cluster: str) -> dict[str, object]:
    """What an event of ECS says of a task that did not do its work: it ended with another code than 0, or never began."""
    return {
        "clusterArn": [cluster],
        "lastStatus": ["STOPPED"],
        "$or": [
            {"containers": {"exitCode": [{"anything-but": [0]}]}},
            {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
        ],
    }


def _words() -> events.RuleTargetInput:
    """The event as a person reads it."""
    of = {
        name: events.EventField.from_path(f"$.detail.{name}")
        for name in ("stopCode", "stoppedReason", "taskArn")
    }
    return events.RuleTargetInput.from_text(
        f"The compaction of this night did not end well: {of['stopCode']}, {of['stoppedReason']}. "
        f"Task: {of['taskArn']}. What to do: {_RUNBOOK}."
    )
