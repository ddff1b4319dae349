"""Dagster's three services on Fargate: code location, daemon, webserver; every run is a task of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aws_cdk import Duration, IgnoreMode, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.books import Books
from infra.deployment import Deployment
from infra.function import retention
from infra.lake import LakeStack
from infra.permissions import CONTROL_ROOM, SENDS_TO_GLUE, SENDS_TO_LAMBDA, STARTS_TASKS
from infra.roles import make_role
from infra.spark import SparkJob

CODE_PORT: Final = 4266
PAGES_PORT: Final = 3000
SCRATCH: Final = "/tmp"  # noqa: S108  a volume of the task's own
"""The only folder that a process of Dagster can write to."""

_SCRATCH_VOLUME: Final = "scratch"
_HOME: Final = "/opt/dagster/ecs"
_WORKSPACE: Final = "/opt/dagster/workspace.yaml"
_CODE: Final = [
    "dagster",
    "api",
    "grpc",
    "-h",
    "0.0.0.0",  # noqa: S104  the security group says who reaches it
    "-p",
    str(CODE_PORT),
    "-m",
    "telemetry_pipeline.definitions",
]
_DAEMON: Final = ["dagster-daemon", "run", "-w", _WORKSPACE]
_WEBSERVER: Final = [
    *("dagster-webserver", "-w", _WORKSPACE, "-h", "0.0.0.0", "-p", str(PAGES_PORT)),  # noqa: S104  as above
    *("--live-data-poll-rate", "15000"),
]


class ControlRoom(Construct):
    """The services.

    Attributes:
        webserver: The service of Dagster's pages.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        deployment: Deployment,
        *,
        image_source: Path,
        vpc: ec2.Vpc,
        books: Books,
        run_logs: s3.Bucket,
        lake: LakeStack,
        function_arn: str | None,
        spark: SparkJob | None,
    ) -> None:
        super().__init__(scope, name)
        self._vpc = vpc
        self._books = books
        self._cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            default_cloud_map_namespace=ecs.CloudMapNamespaceOptions(name=f"{deployment.name}.internal"),
        )
        self._log = logs.LogGroup(
            self, "Log", retention=retention(deployment.log_days), removal_policy=RemovalPolicy.RETAIN
        )
        self._image = ecr_assets.DockerImageAsset(
            self,
            "Image",
            directory=str(image_source),
            file="deploy/Dockerfile",
            target="ecs",
            platform=ecr_assets.Platform.LINUX_ARM64,
            exclude=_unwanted(image_source),
            ignore_mode=IgnoreMode.DOCKER,
        )
        self._environment = {
            "DAGSTER_HOME": _HOME,
            "DAGSTER_CODE_HOST": f"code.{deployment.name}.internal",
            "DAGSTER_CODE_PORT": str(CODE_PORT),
            # what the code server says it runs in, and so every run: Dagster's launcher takes it from nowhere else
            "DAGSTER_CURRENT_IMAGE": self._image.image_uri,
            "DAGSTER_LOG_BUCKET": run_logs.bucket_name,
            "TELEMETRY_LAKE": lake.url,
            "TELEMETRY_INBOX_QUEUE": lake.landing.queue.queue_url,
            "TELEMETRY_ALERT_TOPIC": lake.topic.topic_arn,
        }
        if deployment.work == "lambda":
            self._environment["TELEMETRY_DECODER"] = f"lambda:{deployment.name}-decoder"
        elif spark is not None:
            self._environment["TELEMETRY_DECODER"] = f"glue:{spark.name}"
        self._roles(deployment, lake, run_logs, function_arn, spark)
        self._group = ec2.SecurityGroup(self, "Group", vpc=vpc, description="the processes of Dagster")
        self._group.add_ingress_rule(self._group, ec2.Port.tcp(CODE_PORT), "each other's definitions")
        books.let_in(self._group)
        code = self._code()
        daemon = self._service("Daemon", _DAEMON, cpu=512, memory=2048)
        self.webserver = self._service("Webserver", _WEBSERVER, cpu=512, memory=2048, port=PAGES_PORT)
        for service in (daemon, self.webserver):
            service.node.add_dependency(code)

    def _roles(
        self,
        deployment: Deployment,
        lake: LakeStack,
        run_logs: s3.Bucket,
        function_arn: str | None,
        spark: SparkJob | None,
    ) -> None:
        stack = Stack.of(self)
        key = lake.key.key_arn if lake.key else None
        starter = f"{deployment.name}-task-starter"
        worker = f"{deployment.name}-control-room"
        self._starter = make_role(
            Construct(self, "Starter"),
            starter,
            "ecs-tasks.amazonaws.com",
            STARTS_TASKS,
            {
                "log": self._log.log_group_arn,
                "secret": self._books.address.secret_arn,
                "image": self._image.repository.repository_arn,
                "anything": "*",
            },
        )
        more = SENDS_TO_LAMBDA if function_arn else SENDS_TO_GLUE if spark else ()
        self._worker = make_role(
            Construct(self, "Worker"),
            worker,
            "ecs-tasks.amazonaws.com",
            (*CONTROL_ROOM, *more),
            {
                "data": lake.data,
                "queue": lake.landing.queue.queue_arn,
                "catalogue": lake.catalogue_arns,
                "topic": lake.topic.topic_arn,
                "run_logs": run_logs,
                "log": self._log.log_group_arn,
                "tasks": stack.format_arn(
                    service="ecs", resource="task", resource_name=f"{self._cluster.cluster_name}/*"
                ),
                "cluster": self._cluster.cluster_arn,
                "task_definitions": stack.format_arn(
                    service="ecs", resource="task-definition", resource_name="run_*"
                ),
                "task_roles": [lake.role_arn(starter), lake.role_arn(worker)],
                "anything": "*",
                **({"function": function_arn} if function_arn else {}),
                **({"job": spark.arn} if spark else {}),
            },
            key=key,
        )

    def _definition(self, name: str, *, cpu: int, memory: int) -> ecs.FargateTaskDefinition:
        made = ecs.FargateTaskDefinition(
            self,
            f"{name}Task",
            cpu=cpu,
            memory_limit_mib=memory,
            execution_role=self._starter.without_policy_updates(),
            task_role=self._worker.without_policy_updates(),
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        # of the task's own disk, and gone with it; whose it is says the image, which declares the same path a volume
        made.add_volume(name=_SCRATCH_VOLUME)
        return made

    def _container(
        self,
        definition: ecs.FargateTaskDefinition,
        name: str,
        command: Sequence[str],
        *,
        essential: bool = True,
        port: int | None = None,
        check: Sequence[str] | None = None,
    ) -> ecs.ContainerDefinition:
        """One process: it can write below the volume of its task alone, and a run's task is made like the daemon's."""
        health = None
        if check:
            health = ecs.HealthCheck(
                command=list(check), start_period=Duration.seconds(120), timeout=Duration.seconds(15)
            )
        made = definition.add_container(
            name,
            image=ecs.ContainerImage.from_docker_image_asset(self._image),
            command=list(command),
            essential=essential,
            readonly_root_filesystem=True,
            environment=self._environment,
            secrets={"DAGSTER_POSTGRES_URL": ecs.Secret.from_secrets_manager(self._books.address)},
            logging=ecs.LogDrivers.aws_logs(stream_prefix=name, log_group=self._log),
            port_mappings=[ecs.PortMapping(container_port=port)] if port else None,
            health_check=health,
        )
        made.add_mount_points(
            ecs.MountPoint(container_path=SCRATCH, source_volume=_SCRATCH_VOLUME, read_only=False)
        )
        return made

    def _code(self) -> ecs.FargateService:
        definition = self._definition("Code", cpu=1024, memory=4096)
        # makes the tables: of two processes that find none, one would lose
        migrate = self._container(definition, "migrate", ["dagster", "instance", "migrate"], essential=False)
        check = ["CMD", "dagster", "api", "grpc-health-check", "-p", str(CODE_PORT)]
        serve = self._container(definition, "code", _CODE, port=CODE_PORT, check=check)
        serve.add_container_dependencies(
            ecs.ContainerDependency(container=migrate, condition=ecs.ContainerDependencyCondition.SUCCESS)
        )
        definition.default_container = serve
        return self._run("Code", definition, cloud_map=ecs.CloudMapOptions(name="code"))

    def _service(
        self, name: str, command: Sequence[str], *, cpu: int, memory: int, port: int | None = None
    ) -> ecs.FargateService:
        definition = self._definition(name, cpu=cpu, memory=memory)
        self._container(definition, name.lower(), command, port=port)
        return self._run(name, definition)

    def _run(
        self, name: str, definition: ecs.FargateTaskDefinition, cloud_map: ecs.CloudMapOptions | None = None
    ) -> ecs.FargateService:
        alone = name == "Daemon"
        return ecs.FargateService(
            self,
            name,
            cluster=self._cluster,
            task_definition=definition,
            desired_count=1,
            # two daemons would do everything twice: the old one ends before the new one begins
            min_healthy_percent=0 if alone else 100,
            max_healthy_percent=100 if alone else 200,
            assign_public_ip=False,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[self._group],
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            cloud_map_options=cloud_map,
        )


def _unwanted(source: Path) -> list[str]:
    """What of the source tree the image's build does not need, as its own ignore file says."""
    ignored = source / "deploy" / "Dockerfile.dockerignore"
    lines = ignored.read_text().splitlines() if ignored.exists() else []
    return [line for line in lines if line and not line.startswith("#")]
