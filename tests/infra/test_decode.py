"""Who decodes: the function, or Dagster, and never both."""

from telemetry_pipeline.settings import Settings
from tests.infra.conftest import Templates


def test_the_function_takes_the_queue_message_by_message(alone: Templates) -> None:
    (mapping,) = alone.resources("AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == 10
    assert mapping["ScalingConfig"]["MaximumConcurrency"] == 100
    queue = alone.one("AWS::SQS::Queue", "lake", "LandingQueue")
    function = alone.one("AWS::Lambda::Function", "decode", "Decoder")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_the_function_has_what_the_package_was_measured_with(either: Templates) -> None:
    function = either.one("AWS::Lambda::Function", "decode", "Decoder")
    assert function["Architectures"] == ["arm64"]
    assert function["MemorySize"] == 1024
    assert function["Timeout"] == 300
    assert function["ReservedConcurrentExecutions"] == 100
    assert function["Handler"] == "telemetry_pipeline.lambda_handler.handler"
    assert function["Environment"]["Variables"].keys() == {"TELEMETRY_LAKE"}


def test_with_dagster_nobody_else_takes_the_queue(with_dagster: Templates) -> None:
    assert not with_dagster.resources("AWS::Lambda::EventSourceMapping")
    assert not with_dagster.resources("AWS::Events::Rule")


def test_without_dagster_glue_is_told_every_hour(alone: Templates) -> None:
    assert alone.one("AWS::Events::Rule", "decode", "Hourly")["ScheduleExpression"] == "rate(1 hour)"
    catalog = alone.one("AWS::Lambda::Function", "decode", "Catalog")
    assert catalog["ImageConfig"]["Command"] == ["telemetry_pipeline.catalog_handler.handler"]
    assert catalog["ReservedConcurrentExecutions"] == 1


def test_every_function_starts_with_its_variables(either: Templates) -> None:
    for name, function in either.resources("AWS::Lambda::Function").items():
        given = function.get("Environment", {}).get("Variables", {})
        known = {key: value if isinstance(value, str) else resolved(key) for key, value in given.items()}
        if any(key.startswith("TELEMETRY_") for key in known):
            settings = Settings.from_env(known)
            assert settings.lake == "s3://bucket", name


def resolved(key: str) -> str:
    """What AWS puts in place of a reference."""
    return {
        "TELEMETRY_LAKE": "s3://bucket",
        "TELEMETRY_AUTH_ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x",
        "TELEMETRY_AUTH_AUDIENCE": "client",
        "TELEMETRY_AUTH_CLIENT_ID": "client",
        "TELEMETRY_ATHENA_WORKGROUP": "workgroup",
    }[key]


def test_logs_end(either: Templates) -> None:
    groups = either.resources("AWS::Logs::LogGroup")
    assert groups
    assert all(group.get("RetentionInDays") == 30 for group in groups.values()), groups


def test_an_hour_in_which_the_catalogue_was_not_told_is_kept(alone: Templates) -> None:
    queue = "FailedHours"
    told = alone.one("AWS::Lambda::EventInvokeConfig", "decode")
    assert told["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0].startswith(queue)
    (target,) = alone.one("AWS::Events::Rule", "decode", "Hourly")["Targets"]
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith(queue), (
        "one that was never begun, too"
    )
    kept = alone.one("AWS::SQS::Queue", "decode", queue)
    assert kept["SqsManagedSseEnabled"] is True
    # it is nobody's source: what a person sends back to the decoder are objects alone
    assert not alone.one("AWS::SQS::Queue", "lake", "LandingDeadLetters").get("RedrivePolicy")
    assert not any(
        queue in str(it["EventSourceArn"])
        for it in alone.resources("AWS::Lambda::EventSourceMapping").values()
    )
