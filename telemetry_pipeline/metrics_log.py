"""Lines of JSON on stdout, as CloudWatch reads them: what happened, and values that become metrics by themselves.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

NAMESPACE: Final = "CanTelemetry"


def write_line(event: str, **facts: Any) -> None:  # noqa: ANN401  anything that JSON takes
    """Write one line: what happened, and its facts."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def write_metrics(
    event: str,
    values: Mapping[str, float],
    dimensions: Mapping[str, str],
    units: Mapping[str, str] | None = None,
) -> None:
    """Write one line whose values CloudWatch keeps as metrics of `NAMESPACE`.

    Args:
        event: What happened.
        values: Metrics by name.
        dimensions: What the metrics are told apart by, at least one.
        units: CloudWatch's units of those that are no Count, by name.
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": (units or {}).get(name, "Count")} for name in values],
    }
    milliseconds = time.time_ns() // 1_000_000
    meta = {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}
    write_line(event, _aws=meta, **dimensions, **values)
