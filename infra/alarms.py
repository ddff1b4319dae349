"""Six alarms: three that wake somebody, three that can wait for the morning; and one for letters that are dead."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.deployment import Deployment
from infra.metrics import FIVE_MINUTES, Watched, of_the_fleet


class Alarms(Construct):
    """The alarms of one deployment; each tells a topic when it begins and when it ends.

    Args:
        scope: The stack.
        name: Its name in the stack.
        deployment: The settings.
        watched: What the metrics are of.
        topic: Where alarms are told.
        dead_letters: The names of the queues of what nobody could settle.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        deployment: Deployment,
        watched: Watched,
        topic: sns.ITopic,
        *,
        dead_letters: Sequence[str],
    ) -> None:
        super().__init__(scope, name)
        self._name = deployment.name
        self._topic = topic
        self._critical(deployment, watched)
        self._warning(watched)
        self._add(
            "DeadLetters",
            "warning",
            "messages that nobody could settle wait for a person",
            # one alarm for all of them: one message in any is for a person to look at
            cloudwatch.MathExpression(
                expression="+".join(f"FILL(q{number}, 0)" for number in range(len(dead_letters))),
                using_metrics={f"q{number}": _waiting(queue) for number, queue in enumerate(dead_letters)},
                label="dead letters",
                period=FIVE_MINUTES,
            ),
            0,
        )

    def _critical(self, deployment: Deployment, watched: Watched) -> None:
        sums = {
            f"{kind}{number}": watched.function(which, metric)
            for number, which in enumerate(watched.functions)
            for kind, metric in (("e", "Errors"), ("i", "Invocations"))
        }
        errors, calls = ("+".join(name for name in sums if name.startswith(kind)) for kind in "ei")
        self._add(
            "LambdaErrorRate",
            "critical",
            "more than 5 % of the functions' invocations fail",
            cloudwatch.MathExpression(
                expression=f"IF(({calls})>0, 100*({errors})/({calls}), 0)",
                using_metrics=sums,
                label="errors, % of invocations",
                period=FIVE_MINUTES,
            ),
            5,
            of=3,
        )
        self._add(
            "Api5XXErrorRate",
            "critical",
            "more than 1 % of the service's answers are its own failures",
            cloudwatch.MathExpression(
                expression="IF(count>0, 100*failed/count, 0)",
                using_metrics={"failed": watched.gateway("5XXError"), "count": watched.gateway("Count")},
                label="5XX, % of requests",
                period=FIVE_MINUTES,
            ),
            1,
            of=3,
        )
        self._add(
            "BucketSize",
            "critical",
            f"the lake holds more than {deployment.bucket_alarm_gb} GB",
            watched.bucket_bytes(),
            deployment.bucket_alarm_gb * 1e9,
        )

    def _warning(self, watched: Watched) -> None:
        if "decoder" in watched.functions:
            self._add(
                "DecoderDuration",
                "warning",
                "one invocation of the decoder in a hundred takes longer than 5 seconds",
                watched.function("decoder", "Duration", "p99"),
                5_000,
                of=3,
            )
        self._add(
            "AthenaBytesScanned",
            "warning",
            "questions to Athena read more than 10 GB in a day",
            watched.athena("DataScannedInBytes", period=Duration.days(1)),
            10e9,
        )
        self._add(
            "EdgeUploadFailures",
            "warning",
            "vehicles failed to upload more than ten times in an hour",
            of_the_fleet("UploadFailure"),
            10,
        )

    def _add(
        self,
        name: str,
        severity: str,
        what: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        *,
        of: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._name}-{severity}-{name}",
            alarm_description=f"{severity}: {what}",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=of,
            datapoints_to_alarm=1 if of == 1 else 2,
            # nothing measured is nothing wrong: no vehicle drives, nobody asks
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = actions.SnsAction(self._topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)


def _waiting(queue: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        statistic="Maximum",
        dimensions_map={"QueueName": queue},
        period=FIVE_MINUTES,
    )
