"""What is watched: every metric by its name, six alarms, a budget; and what a vehicle's certificate is good for."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import Templates

NAMED = (
    *("UploadSuccess", "UploadFailure", "QueueDepth", "DiskUsagePercent"),
    *("Invocations", "Errors", "Duration", "Throttles", "FramesDecoded", "DecodeErrors"),
    *("AthenaQueryDuration", "BytesScanned", "RowsReturned"),
    *("Count", "4XXError", "5XXError", "Latency"),
    *("DataScannedInBytes", "EngineExecutionTime", "TotalExecutionTime"),
)


@pytest.mark.parametrize("name", NAMED)
def test_the_dashboard_shows(name: str, alone: Templates) -> None:
    body = alone.one("AWS::CloudWatch::Dashboard", "observe")["DashboardBody"]
    assert f'"{name}"' in json.dumps(body).replace('\\"', '"').replace('\\\\"', '"').replace('\\"', '"')


def alarms(found: Templates) -> dict[str, dict[str, Any]]:
    made = found.resources("AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].removeprefix("can-telemetry-").removeprefix("fleet-"): alarm for alarm in made}


def test_six_alarms_and_one_for_dead_letters(alone: Templates) -> None:
    made = alarms(alone)
    limits = {name: alarm["Threshold"] for name, alarm in made.items()}
    assert limits == {
        "critical-LambdaErrorRate": 5,
        "critical-Api5XXErrorRate": 1,
        "critical-BucketSize": 100e9,
        "warning-DecoderDuration": 5_000,
        "warning-AthenaBytesScanned": 10e9,
        "warning-EdgeUploadFailures": 10,
        "warning-DeadLetters": 0,
    }
    for alarm in made.values():
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"] == alarm["OKActions"]
        assert "Alarms" in json.dumps(alarm["AlarmActions"])


def test_alarms_measure_what_they_say(alone: Templates) -> None:
    made = alarms(alone)
    (duration,) = (it["MetricStat"] for it in made["warning-DecoderDuration"]["Metrics"])
    assert (duration["Stat"], duration["Metric"]["MetricName"]) == ("p99", "Duration")
    (scanned,) = (it["MetricStat"] for it in made["warning-AthenaBytesScanned"]["Metrics"])
    assert (scanned["Period"], scanned["Metric"]["MetricName"]) == (86_400, "ProcessedBytes")
    (edge,) = made["warning-EdgeUploadFailures"]["Metrics"]
    assert edge["Expression"] == 'SELECT SUM(UploadFailure) FROM "CanTelemetry"'
    assert edge["Period"] == 3_600
    failing = made["critical-LambdaErrorRate"]["Metrics"]
    measured = [it["MetricStat"]["Metric"] for it in failing if "MetricStat" in it]
    assert sorted(it["MetricName"] for it in measured) == ["Errors", "Errors", "Invocations", "Invocations"]
    served = made["critical-Api5XXErrorRate"]["Metrics"]
    assert {it["MetricStat"]["Metric"]["MetricName"] for it in served if "MetricStat" in it} == {
        "5xx",
        "Count",
    }


def test_a_failed_hour_of_the_catalogue_rings_where_dead_letters_ring(
    alone: Templates, with_dagster: Templates
) -> None:
    rings = alarms(alone)["warning-DeadLetters"]["Metrics"]
    (sums,) = (it for it in rings if "Expression" in it)
    queues = {
        it["Id"]: json.dumps(it["MetricStat"]["Metric"]["Dimensions"]) for it in rings if "MetricStat" in it
    }
    assert sums["Expression"] == "FILL(q0, 0)+FILL(q1, 0)"
    assert queues.keys() == {"q0", "q1"}
    assert "DeadLetters" in queues["q0"]
    assert "FailedHours" in queues["q1"]
    (alone_there,) = (
        it for it in alarms(with_dagster)["warning-DeadLetters"]["Metrics"] if "Expression" in it
    )
    assert alone_there["Expression"] == "FILL(q0, 0)", (
        "Dagster tells the catalogue itself, and shows what fails"
    )


def test_metrics_of_our_own_are_those_that_the_code_writes() -> None:
    from api import metrics as service
    from infra import metrics  # starts Node, which every worker would wait for
    from telemetry_pipeline import lambda_handler

    assert set(metrics.DECODER) <= lambda_handler._counts([]).keys()
    text = Path(service.__file__).read_text()
    assert '"BytesScanned"' in text
    assert '"RowsReturned"' in text
    assert "QueryDuration" in text


def test_the_budget_is_told_of(alone: Templates) -> None:
    budget = alone.one("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 100, "Unit": "USD"}
    told = budget["NotificationsWithSubscribers"]
    assert {it["Notification"]["NotificationType"] for it in told} == {"ACTUAL", "FORECASTED"}


def test_somebody_is_told(with_dagster: Templates) -> None:
    told = with_dagster.one("AWS::SNS::Subscription")
    assert (told["Protocol"], told["Endpoint"]) == ("email", "oncall@example.com")


def test_a_vehicle_writes_below_its_own_prefix_and_nothing_else(alone: Templates) -> None:
    role = alone.one("AWS::IAM::Role", "observe", "EdgeRole")
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Service": "credentials.iot.amazonaws.com"
    }
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "s3:PutObject"
    resource = statement["Resource"]["Fn::Join"][1]
    assert resource[-1] == "/raw/vehicle_id=${credentials-iot:ThingName}/*"
    assert "ManagedPolicyArns" not in role


def test_a_certificate_takes_keys_for_an_hour(alone: Templates) -> None:
    alias = alone.one("AWS::IoT::RoleAlias")
    assert alias["CredentialDurationSeconds"] == 3_600
    (statement,) = alone.one("AWS::IoT::Policy")["PolicyDocument"]["Statement"]
    assert statement["Action"] == "iot:AssumeRoleWithCertificate"
    assert statement["Condition"] == {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}
