"""Lines of JSON on stdout, as CloudWatch reads them: what happened, and counts that become metrics by themselves.

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


def write_metrics(event: str, counts: Mapping[str, int], dimensions: Mapping[str, str]) -> None:
    """Write one line whose counts CloudWatch keeps as metrics of `NAMESPACE`.

    Args:
        event: What happened.
        counts: Metrics of the unit Count, by name.
        dimensions: What the metrics are told apart by, at least one.
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    milliseconds = time.time_ns() // 1_000_000
    meta = {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}
    write_line(event, _aws=meta, **dimensions, **counts)
