"""The metrics that are watched, by the names of the platform's architecture; what AWS names otherwise is labelled so."""

from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from telemetry_pipeline.metrics_log import NAMESPACE

EDGE: Final = ("UploadSuccess", "UploadFailure", "QueueDepth", "DiskUsagePercent")
DECODER: Final = ("FramesDecoded", "DecodeErrors")
SERVICE: Final = ("AthenaQueryDuration", "BytesScanned", "RowsReturned")
FUNCTION: Final = ("Invocations", "Errors", "Duration", "Throttles")
GATEWAY: Final = {"Count": "Count", "4XXError": "4xx", "5XXError": "5xx", "Latency": "Latency"}
"""By our name, as a HTTP API's metrics are named."""
ATHENA: Final = {
    "DataScannedInBytes": "ProcessedBytes",
    "EngineExecutionTime": "EngineExecutionTime",
    "TotalExecutionTime": "TotalExecutionTime",
}
"""By our name, as Athena's metrics of a workgroup are named."""

FIVE_MINUTES: Final = Duration.minutes(5)


@dataclass(frozen=True)
class Watched:
    """What the metrics are of.

    Attributes:
        functions: Names of functions by what they are: `decoder` (there may be none) and `api`.
        api: The id of the HTTP API.
        workgroup: The name of Athena's workgroup.
        bucket: The name of the lake's bucket.
    """

    functions: dict[str, str]
    api: str
    workgroup: str
    bucket: str

    def function(self, which: str, name: str, statistic: str = "Sum", **more: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """A metric of a function."""
        return _metric("AWS/Lambda", name, statistic, {"FunctionName": self.functions[which]}, **more)

    def gateway(self, name: str, statistic: str = "Sum", **more: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """A metric of the API, by our name."""
        return _metric("AWS/ApiGateway", GATEWAY[name], statistic, {"ApiId": self.api}, label=name, **more)

    def athena(self, name: str, statistic: str = "Sum", **more: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """A metric of the workgroup's questions that were answered, by our name."""
        of = {"WorkGroup": self.workgroup, "QueryState": "SUCCEEDED", "QueryType": "DML"}
        return _metric("AWS/Athena", ATHENA[name], statistic, of, label=name, **more)

    def decoder(self, name: str, **more: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """One of the decoder's own metrics."""
        return _metric(NAMESPACE, name, "Sum", {"FunctionName": self.functions["decoder"]}, **more)

    def bucket_bytes(self) -> cloudwatch.Metric:
        """Bytes of the lake that are not archived, once a day."""
        of = {"BucketName": self.bucket, "StorageType": "StandardStorage"}
        return _metric("AWS/S3", "BucketSizeBytes", "Average", of, period=Duration.days(1))


def over_all(name: str, statistic: str, dimension: str, label: str = "") -> cloudwatch.MathExpression:
    """One of our own metrics, a line for each value of its dimension: for widgets, alarms take no search."""
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{{{NAMESPACE},{dimension}}} MetricName=\"{name}\"', '{statistic}')",
        label=label or name,
        using_metrics={},
        period=FIVE_MINUTES,
    )


def of_the_fleet(name: str) -> cloudwatch.MathExpression:
    """The sum of one of the vehicles' metrics over all of them, whatever they are told apart by."""
    return cloudwatch.MathExpression(
        expression=f'SELECT SUM({name}) FROM "{NAMESPACE}"',  # noqa: S608  CloudWatch's own language
        label=name,
        using_metrics={},
        period=Duration.hours(1),
    )


def _metric(
    namespace: str,
    name: str,
    statistic: str,
    of: dict[str, str],
    *,
    label: str | None = None,
    period: Duration = FIVE_MINUTES,
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        statistic=statistic,
        dimensions_map=of,
        label=label or name,
        period=period,
    )
