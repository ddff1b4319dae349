"""Who decodes: the function that takes the queue's messages, or that Dagster invokes, or none; never two.

With the function as decoder nothing tells Glue of new partitions, and nothing compacts days: another function looks every
hour which days are new, and a task compacts every night those that have become quiet.
"""

from typing import Final

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.assets import Assets
from infra.compactor import Compactor
from infra.deployment import Deployment
from infra.function import Function
from infra.lake import LakeStack
from infra.permissions import CATALOG, DECODER, SENT_TO

MEMORY_MB: Final = 1024
TIMEOUT: Final = Duration.minutes(5)


class DecodeStack(Stack):
    """The decoder.

    Attributes:
        decoder: The function.
        failed_hours: With the function as decoder, the queue of hours in which the catalogue was not told.
    """

    failed_hours: sqs.Queue | None = None

    def __init__(
        self, scope: Construct, name: str, deployment: Deployment, assets: Assets, lake: LakeStack
    ) -> None:
        super().__init__(scope, name, description="can-telemetry: from raw frames to signals")
        alone = deployment.decoder == "lambda"
        made = Function(
            self,
            "Decoder",
            name=f"{deployment.name}-decoder",
            handler="telemetry_pipeline.lambda_handler.handler",
            package=lambda_.Code.from_asset(str(assets.decoder)),
            needs=DECODER if alone else SENT_TO,
            things={"data": lake.data, "queue": lake.landing.queue.queue_arn},
            key=lake.key.key_arn if lake.key else None,
            environment={"TELEMETRY_LAKE": lake.url},
            memory_mb=MEMORY_MB,
            timeout=TIMEOUT,
            at_once=deployment.decoder_concurrency,
            log_days=deployment.log_days,
        )
        self.decoder = made.function
        CfnOutput(self, "DecoderFunction", value=made.function.function_name)
        if alone:
            lambda_.EventSourceMapping(
                self,
                "Landed",
                target=made.function,
                event_source_arn=lake.landing.queue.queue_arn,
                batch_size=10,
                max_batching_window=Duration.seconds(2),
                # what fails comes again alone
                report_batch_item_failures=True,
                max_concurrency=max(2, deployment.decoder_concurrency),
            )
            self._catalog(deployment, assets, lake)
            Compactor(self, "Compactor", deployment, assets, lake)

    def _catalog(self, deployment: Deployment, assets: Assets, lake: LakeStack) -> None:
        # not the lake's dead letters: those are sent back to the decoder, who could do nothing with an hour
        self.failed_hours = sqs.Queue(
            self,
            "FailedHours",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        CfnOutput(self, "FailedHoursUrl", value=self.failed_hours.queue_url)
        made = Function(
            self,
            "Catalog",
            name=f"{deployment.name}-catalog",
            handler="telemetry_pipeline.catalog_handler.handler",
            package=None,
            image=assets,
            needs=CATALOG,
            things={
                "data": lake.data,
                "catalogue": lake.catalogue_arns,
                "failed": self.failed_hours.queue_arn,
            },
            key=None,
            environment={"TELEMETRY_LAKE": lake.url},
            memory_mb=512,
            timeout=Duration.minutes(15),
            at_once=1,
            log_days=deployment.log_days,
        )
        made.function.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.failed_hours),
            # the next hour does what this one could not
            retry_attempts=1,
            max_event_age=Duration.hours(1),
        )
        events.Rule(
            self,
            "Hourly",
            schedule=events.Schedule.rate(Duration.hours(1)),
            targets=[
                targets.LambdaFunction(made.function, retry_attempts=1, dead_letter_queue=self.failed_hours)
            ],
        )
