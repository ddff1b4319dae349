"""The lake: its buckets, the announcements of what lands, its tables, and where Athena works."""

from typing import Final

from aws_cdk import CfnOutput, CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.archive import ARCHIVED_DAYS
from infra.bucket import make_bucket, refuse_all_but
from infra.deployment import Deployment
from infra.landing import Landing
from infra.permissions import ROLES_OF_THE_LAKE
from infra.replication import replicate
from telemetry_pipeline.catalog.tables import TABLES, table_input
from telemetry_pipeline.lake import layout
from telemetry_pipeline.settings import CATALOG

SCAN_LIMIT_BYTES: Final = 10 * 1024**3
"""So much may one question to Athena read; it is ended beyond that."""

RESULTS_DAYS: Final = 30


class LakeStack(Stack):
    """What must outlive everything else: no removal of a stack removes a bucket, a key or the tables.

    Attributes:
        data: The lake's bucket.
        results: The bucket of Athena's results.
        access_logs: The bucket that keeps who asked for what.
        key: The key of the lake and the results, if they have one of their own.
        landing: The queue that takes the announcements of what lands.
        topic: Where alarms are told.
        workgroup: The name of Athena's workgroup.
    """

    def __init__(self, scope: Construct, name: str, deployment: Deployment) -> None:
        super().__init__(scope, name, description="can-telemetry: the lake, its tables, Athena's workgroup")
        self.key = _key(self) if deployment.kms else None
        self.access_logs = make_bucket(
            self,
            "AccessLogs",
            access_logs=None,
            rules=[s3.LifecycleRule(id="age", expiration=Duration.days(90))],
        )
        self.data = self._data_bucket(deployment)
        self.results = make_bucket(
            self,
            "Results",
            access_logs=self.access_logs,
            key=self.key,
            rules=[s3.LifecycleRule(id="age", expiration=Duration.days(RESULTS_DAYS))],
            kept_versions_days=1,
        )
        self.landing = Landing(self, "Landing", self.data, held=_held(deployment))
        if deployment.decoder == "lambda":
            rule = self.format_arn(service="events", resource="rule", resource_name=nightly_rule(deployment))
            self.landing.take_unstarted(rule)
        self.topic = _topic(self)
        self._catalogue()
        self.workgroup = self._workgroup(deployment)
        CfnOutput(self, "DataBucket", value=self.data.bucket_name)
        CfnOutput(self, "ResultsBucket", value=self.results.bucket_name)
        CfnOutput(self, "QueueUrl", value=self.landing.queue.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=self.landing.dead_letters.queue_url)
        CfnOutput(self, "AthenaWorkgroup", value=self.workgroup)

    @property
    def url(self) -> str:
        """The lake as the setting TELEMETRY_LAKE names it."""
        return f"s3://{self.data.bucket_name}"

    @property
    def catalogue_arns(self) -> list[str]:
        """What Glue asks a permission for when a table or a partition is touched."""
        return [
            self.format_arn(service="glue", resource="catalog"),
            self.format_arn(service="glue", resource="database", resource_name=CATALOG),
            *(
                self.format_arn(service="glue", resource="table", resource_name=f"{CATALOG}/{table.name}")
                for table in TABLES
            ),
        ]

    def role_arn(self, name: str) -> str:
        """The ARN of a role of these stacks, which may be made after the lake."""
        return self.format_arn(service="iam", region="", resource="role", resource_name=name)

    def _data_bucket(self, deployment: Deployment) -> s3.Bucket:
        archive = s3.LifecycleRule(
            id="archive-raw",
            prefix=f"{layout.RAW}/",
            transitions=[
                s3.Transition(
                    storage_class=s3.StorageClass.GLACIER, transition_after=Duration.days(ARCHIVED_DAYS)
                )
            ],
        )
        bucket = make_bucket(self, "Data", access_logs=self.access_logs, key=self.key, rules=[archive])
        roles = [self.role_arn(f"{deployment.name}-{name}") for name in ROLES_OF_THE_LAKE]
        if deployment.replica:
            replicate(
                bucket,
                deployment.replica,
                role_name=f"{deployment.name}-replication",
                key=self.key,
                key_there=deployment.replica_key if self.key else None,
            )
            roles.append(self.role_arn(f"{deployment.name}-replication"))
        refuse_all_but(bucket, [*roles, *deployment.people])
        return bucket

    def _catalogue(self) -> None:
        database = CfnResource(
            self,
            "Database",
            type="AWS::Glue::Database",
            properties={"CatalogId": self.account, "DatabaseInput": {"Name": CATALOG}},
        )
        database.apply_removal_policy(RemovalPolicy.RETAIN)
        for table in TABLES:
            made = CfnResource(
                self,
                "".join(part.title() for part in table.name.split("_")),
                type="AWS::Glue::Table",
                properties={
                    "CatalogId": self.account,
                    "DatabaseName": CATALOG,
                    "TableInput": table_input(table, self.url),
                },
            )
            made.add_resource_dependency(database)
            made.apply_removal_policy(RemovalPolicy.RETAIN)

    def _workgroup(self, deployment: Deployment) -> str:
        encryption = athena.CfnWorkGroup.EncryptionConfigurationProperty(
            encryption_option="SSE_KMS" if self.key else "SSE_S3",
            kms_key=self.key.key_arn if self.key else None,
        )
        group = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=deployment.name,
            recursive_delete_option=False,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=SCAN_LIMIT_BYTES,
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.results.bucket_name}/athena/",
                    encryption_configuration=encryption,
                    expected_bucket_owner=self.account,
                ),
            ),
        )
        return group.ref


def nightly_rule(deployment: Deployment) -> str:
    """The name of the rule that starts the compaction of every night."""
    return f"{deployment.name}-nightly"


def _key(scope: Construct) -> kms.Key:
    return kms.Key(
        scope,
        "Key",
        description="can-telemetry: the lake and Athena's results",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN,
    )


def _topic(scope: Construct) -> sns.Topic:
    """Alarms, the budget's and Dagster's: encrypted by the transport, whoever may publish is named."""
    topic = sns.Topic(scope, "Alarms", enforce_ssl=True)
    for service in ("cloudwatch.amazonaws.com", "budgets.amazonaws.com"):
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                principals=[iam.ServicePrincipal(service)],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
            )
        )
    return topic


def _held(deployment: Deployment) -> Duration:
    """How long a message is held: six times a function's time, as Lambda wants it; Dagster renews its hold."""
    return Duration.minutes(30) if deployment.decoder == "lambda" else Duration.minutes(5)
