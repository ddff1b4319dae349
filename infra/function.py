"""A Lambda function as each of ours is made: its own role from the table, its own log with an end, limited in number."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.assets import Assets
from infra.permissions import Need
from infra.roles import Things, make_role
from telemetry_pipeline.errors import BadSetting


class Function(Construct):
    """One function.

    Attributes:
        function: The function itself.
        log: Its group of logs.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        handler: str,
        package: lambda_.Code | None,
        image: Assets | None = None,
        needs: Sequence[Need],
        things: Things,
        key: str | None,
        environment: Mapping[str, str],
        memory_mb: int,
        timeout: Duration,
        at_once: int,
        log_days: int,
    ) -> None:
        super().__init__(scope, id_)
        self.log = logs.LogGroup(
            self, "Log", retention=retention(log_days), removal_policy=RemovalPolicy.RETAIN
        )
        with_log = {**things, "log": self.log.log_group_arn}
        held = make_role(self, name, "lambda.amazonaws.com", needs, with_log, key=key)
        common = {
            "function_name": name,
            "architecture": lambda_.Architecture.ARM_64,
            "memory_size": memory_mb,
            "timeout": timeout,
            "reserved_concurrent_executions": at_once,
            "environment": dict(environment),
            "log_group": self.log,
            "role": held.without_policy_updates(),
        }
        if image is not None:
            code = lambda_.DockerImageCode.from_image_asset(str(image.api), cmd=[handler])
            self.function: lambda_.Function = lambda_.DockerImageFunction(
                self, "Function", code=code, **common
            )
        else:
            self.function = lambda_.Function(
                self,
                "Function",
                runtime=lambda_.Runtime.PYTHON_3_12,
                handler=handler,
                code=package,
                **common,
            )


def retention(days: int) -> logs.RetentionDays:
    """The shortest time that CloudWatch offers and that is no shorter.

    Raises:
        BadSetting: It offers none so long.
    """
    offered = {
        1: "ONE_DAY",
        3: "THREE_DAYS",
        7: "ONE_WEEK",
        14: "TWO_WEEKS",
        30: "ONE_MONTH",
        90: "THREE_MONTHS",
        180: "SIX_MONTHS",
        365: "ONE_YEAR",
        1096: "THREE_YEARS",
        3653: "TEN_YEARS",
    }
    fitting = [name for offer, name in offered.items() if offer >= days]
    if not fitting:
        raise BadSetting(f"log_days: {days:,} is more than CloudWatch keeps", remedy="Use 3653 or less")
    return getattr(logs.RetentionDays, fitting[0])
