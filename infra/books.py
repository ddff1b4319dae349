"""Dagster's books: a PostgreSQL that nothing but its processes reaches, and its address as a secret."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, SecretValue
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

_PORT: Final = 5432
_VERSION: Final = "17.9"
CERTIFICATES: Final = "/opt/dagster/rds-ca.pem"
"""Where the image has the authorities that sign for RDS (deploy/Dockerfile)."""

_TLS: Final = f"sslmode=verify-full&sslrootcert={CERTIFICATES}"
"""Nobody but this database is told the password: its certificate is compared with its name, and who signed it."""


class Books(Construct):
    """The database.

    Attributes:
        database: The database.
        address: The secret that holds what DAGSTER_POSTGRES_URL says, password included.
    """

    def __init__(self, scope: Construct, name: str, vpc: ec2.Vpc) -> None:
        super().__init__(scope, name)
        self.database = rds.DatabaseInstance(
            self,
            "Database",
            engine=rds.DatabaseInstanceEngine.postgres(
                version=rds.PostgresEngineVersion.of(_VERSION, _VERSION.partition(".")[0])
            ),
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL),
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            publicly_accessible=False,
            storage_encrypted=True,
            allocated_storage=20,
            max_allocated_storage=200,
            database_name="dagster",
            credentials=rds.Credentials.from_generated_secret("dagster"),
            backup_retention=Duration.days(14),
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            removal_policy=RemovalPolicy.SNAPSHOT,
            cloudwatch_logs_exports=["postgresql"],
        )
        password = self.database.secret.secret_value_from_json("password").unsafe_unwrap()
        host = self.database.db_instance_endpoint_address
        # put together by CloudFormation when it is deployed: the template holds a reference, no password
        url = f"postgresql+psycopg2://dagster:{password}@{host}:{_PORT}/dagster?{_TLS}"
        self.address = secrets.Secret(
            self,
            "Address",
            description="DAGSTER_POSTGRES_URL",
            secret_string_value=SecretValue.unsafe_plain_text(url),
        )

    def let_in(self, group: ec2.ISecurityGroup) -> None:
        """Let what is in a security group connect."""
        self.database.connections.allow_from(group, ec2.Port.tcp(_PORT), "Dagster")
