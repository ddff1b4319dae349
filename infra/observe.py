"""What watches a deployment: metrics on one page, alarms, a budget; and who vehicles are."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra import metrics
from infra.alarms import Alarms
from infra.deployment import Deployment
from infra.edge import Edge
from infra.lake import LakeStack
from infra.metrics import Watched, over_all


class ObserveStack(Stack):
    """What watches.

    Args:
        scope: The application.
        name: The stack's name.
        deployment: The settings.
        lake: The lake.
        functions: Names of functions by what they are, `api` and perhaps `decoder`.
        api: The id of the HTTP API.
        failed: Names of queues, beside the lake's dead letters, of what could not be done.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        deployment: Deployment,
        lake: LakeStack,
        *,
        functions: dict[str, str],
        api: str,
        failed: Sequence[str] = (),
    ) -> None:
        super().__init__(
            scope, name, description="can-telemetry: metrics, alarms, budget; the vehicles' role"
        )
        watched = Watched(functions, api, lake.workgroup, lake.data.bucket_name)
        Alarms(
            self,
            "Alarms",
            deployment,
            watched,
            lake.topic,
            dead_letters=[lake.landing.dead_letters.queue_name, *failed],
        )
        self._dashboard(deployment, watched)
        self._budget(deployment, lake)
        Edge(self, "Edge", deployment, lake)
        if deployment.alarm_email:
            lake.topic.add_subscription(subscriptions.EmailSubscription(deployment.alarm_email))

    def _dashboard(self, deployment: Deployment, watched: Watched) -> None:
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=deployment.name)
        board.add_widgets(
            _graph("Vehicles: uploads", [over_all(name, "Sum", "VehicleId") for name in metrics.EDGE[:2]]),
            _graph(
                "Vehicles: waiting, disk",
                [over_all(name, "Maximum", "VehicleId") for name in metrics.EDGE[2:]],
            ),
        )
        for which in watched.functions:
            board.add_widgets(
                _graph(
                    f"{which}: invocations",
                    [watched.function(which, name) for name in ("Invocations", "Errors", "Throttles")],
                ),
                _graph(
                    f"{which}: duration",
                    [watched.function(which, "Duration", statistic) for statistic in ("p50", "p99")],
                ),
            )
        if "decoder" in watched.functions:
            board.add_widgets(
                _graph("Decoded", [watched.decoder(name) for name in metrics.DECODER], width=24)
            )
        board.add_widgets(
            _graph("API: requests", [watched.gateway(name) for name in ("Count", "4XXError", "5XXError")]),
            _graph("API: latency", [watched.gateway("Latency", statistic) for statistic in ("p50", "p99")]),
        )
        board.add_widgets(
            *(_graph(name, [over_all(name, "Sum", "Route")], width=8) for name in metrics.SERVICE)
        )
        board.add_widgets(
            _graph("Athena: bytes", [watched.athena("DataScannedInBytes")], width=8),
            _graph(
                "Athena: time",
                [watched.athena(name, "Average") for name in ("EngineExecutionTime", "TotalExecutionTime")],
                width=8,
            ),
            _graph("Lake: bytes", [watched.bucket_bytes()], width=8),
        )

    def _budget(self, deployment: Deployment, lake: LakeStack) -> None:
        told = [
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[
                    budgets.CfnBudget.SubscriberProperty(
                        subscription_type="SNS", address=lake.topic.topic_arn
                    )
                ],
            )
            for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=deployment.name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=deployment.budget_usd, unit="USD"),
            ),
            notifications_with_subscribers=told,
        )


def _graph(title: str, lines: Sequence[cloudwatch.IMetric], *, width: int = 12) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(lines), width=width)
