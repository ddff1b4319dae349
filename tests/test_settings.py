"""Settings are read once, go round through a child's environment, and a wrong one is one clear line."""

import datetime as dt
from pathlib import Path

import pytest

from telemetry_pipeline.errors import (
    BadRaw,
    BadSetting,
    NotFound,
    PermanentError,
    TelemetryError,
    TransientError,
)
from telemetry_pipeline.reader_settings import ReaderSettings
from telemetry_pipeline.service_settings import Limits, ServiceSettings, is_loopback
from telemetry_pipeline.settings import Settings, child_env


def test_nothing_set_is_the_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert settings.lake == f"file://{tmp_path}/lake"
    assert settings.track_from is None
    assert not settings.strict_length


@pytest.mark.parametrize(
    "settings",
    [
        Settings(lake="file:///data/lake"),
        Settings(
            lake="s3://bucket/prefix",
            endpoint_url="http://127.0.0.1:9000",
            dashboard=Path("/srv/dashboard"),
            track_from=dt.date(2026, 1, 2),
            strict_length=True,
            dagster="http://127.0.0.1:3000",
            alert_webhook="https://hooks.example.org/a",
            alert_topic="arn:aws:sns:eu-west-1:123456789012:alerts",
            decoder="lambda:arn:aws:lambda:eu-west-1:123456789012:function:decoder:live",
        ),
        Settings(lake="file:///data/lake", decoder="spark"),
        Settings(lake="file:///data/lake", service=ServiceSettings(auth="off")),
        Settings(lake="file:///data/lake", reader=ReaderSettings(engine="parquet")),
        Settings(
            lake="s3://bucket/lake",
            reader=ReaderSettings("athena", "telemetry", "s3://results/of/queries/", 25, 3),
        ),
        Settings(
            lake="s3://bucket",
            service=ServiceSettings(
                auth="required",
                issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
                audiences=("one", "two"),
                client_id="two",
                scopes="openid telemetry/read",
                vehicles_claim="https://telemetry.example/vehicles",
                origins=("https://telemetry.example", "http://localhost:5173"),
                embedded_metrics=True,
                limits=Limits(0, 7, 2048, 31, 10, 5_000, 50_000),
            ),
        ),
    ],
)
def test_a_child_reads_what_its_parent_wrote(settings: Settings) -> None:
    assert Settings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TELEMETRY_LAKES", "x", "TELEMETRY_LAKES: no such setting. Did you mean TELEMETRY_LAKE?"),
        ("TELEMETRY_XYZZY", "x", "Known: TELEMETRY_LAKE"),
        (
            "TELEMETRY_TRACK_FROM",
            "yesterday",
            "TELEMETRY_TRACK_FROM: 'yesterday' is not a day. Use YYYY-MM-DD",
        ),
        (
            "TELEMETRY_DECODER",
            "lambda",
            "'lambda' is no decoder. Use here, lambda:FUNCTION, spark or glue:JOB",
        ),
        (
            "TELEMETRY_DECODER",
            "glue:backlog",
            "cannot reach a folder. Set TELEMETRY_LAKE to s3://bucket/prefix",
        ),
        ("TELEMETRY_DAGSTER", "localhost:3000", "TELEMETRY_DAGSTER: not a web address. Use http://host:port"),
        ("TELEMETRY_ALERT_WEBHOOK", "ftp://s3cret", "TELEMETRY_ALERT_WEBHOOK: not a web address. Use http"),
        ("TELEMETRY_ALERT_TOPIC", "alerts", "TELEMETRY_ALERT_TOPIC: 'alerts' is not the ARN of a topic"),
        ("TELEMETRY_CATALOG", "Can", "TELEMETRY_CATALOG: 'Can' is not the name of a Glue database"),
        ("TELEMETRY_CATALOG", "straße", "TELEMETRY_CATALOG: 'straße' is not the name of a Glue database"),
        (
            "TELEMETRY_STRICT_LENGTH",
            "perhaps",
            "TELEMETRY_STRICT_LENGTH: 'perhaps' is neither yes nor no. Use 1 or 0",
        ),
    ],
)
def test_a_wrong_setting_says_what_and_what_to_do(name: str, value: str, says: str) -> None:
    with pytest.raises(BadSetting) as error:
        Settings.from_env({name: value})
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_other_programs_variables_are_theirs() -> None:
    Settings.from_env({"PATH": "/bin", "AWS_PROFILE": "x", "TELEMETRYX": "y"})


def test_a_child_inherits_and_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "blue")
    env = child_env(TELEMETRY_LAKE="file:///x")
    assert (env["COLOUR"], env["TELEMETRY_LAKE"]) == ("blue", "file:///x")


def test_every_error_is_permanent_or_transient_and_reads_as_one_line() -> None:
    error = BadRaw("no frames in it", "raw/x", "Look at it")
    assert str(error) == "raw/x: no frames in it. Look at it"
    assert str(NotFound("gone")) == "gone"
    assert (error.what, error.where, error.remedy) == ("no frames in it", "raw/x", "Look at it")

    def leaves(kind: type[TelemetryError]) -> list[type[TelemetryError]]:
        return [leaf for sub in kind.__subclasses__() for leaf in leaves(sub)] or [kind]

    assert all(issubclass(leaf, PermanentError | TransientError) for leaf in leaves(TelemetryError))


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({"TELEMETRY_AUTH": "maybe"}, "required or off"),
        ({"TELEMETRY_AUTH": "required"}, "TELEMETRY_AUTH_ISSUER"),
        ({"TELEMETRY_AUTH_ISSUER": "https://issuer.example"}, "TELEMETRY_AUTH_AUDIENCE"),
        (
            {
                "TELEMETRY_AUTH": "off",
                "TELEMETRY_AUTH_ISSUER": "https://issuer.example",
                "TELEMETRY_AUTH_AUDIENCE": "a",
            },
            "Leave out one",
        ),
        # whoever sits between could hand out keys of their own
        ({"TELEMETRY_AUTH_ISSUER": "http://issuer.example", "TELEMETRY_AUTH_AUDIENCE": "a"}, "https://"),
        ({"TELEMETRY_ORIGINS": "*"}, "whole name"),
        ({"TELEMETRY_ORIGINS": "https://one.example,https://*.example"}, "whole name"),
        ({"TELEMETRY_ORIGINS": "https://one.example/"}, "whole name"),
        ({"TELEMETRY_RATE": "-1"}, "TELEMETRY_RATE"),
        ({"TELEMETRY_BURST": "0"}, "TELEMETRY_BURST"),
        ({"TELEMETRY_MAX_SIGNALS": "101"}, "from 1 to 100"),
        ({"TELEMETRY_MAX_BODY": "1e6"}, "whole number"),
        ({"TELEMETRY_EMF": "perhaps"}, "TELEMETRY_EMF"),
    ],
)
def test_what_the_service_cannot_be_set_to_is_refused(env: dict[str, str], word: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.from_env(env)
    assert word in str(caught.value)


def test_only_this_machine_is_loopback() -> None:
    assert all(
        map(
            is_loopback,
            ("127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9", "LOCALHOST", "::ffff:127.0.0.1"),
        )
    )
    assert not any(
        map(is_loopback, ("0.0.0.0", "", "::", "192.168.0.1", "localhost.example", "::ffff:10.0.0.1"))
    )


S3 = {"TELEMETRY_LAKE": "s3://bucket/lake"}
GROUP = {"TELEMETRY_ATHENA_WORKGROUP": "telemetry"}


@pytest.mark.parametrize(
    ("env", "engine"),
    [
        ({}, "parquet"),
        (S3, "parquet"),  # a bucket need not be of AWS
        (S3 | GROUP, "athena"),
        (S3 | GROUP | {"TELEMETRY_QUERY": "parquet"}, "parquet"),
        (S3 | GROUP | {"TELEMETRY_QUERY": "athena"}, "athena"),
    ],
)
def test_a_workgroup_is_what_chooses_athena(env: dict[str, str], engine: str) -> None:
    assert Settings.from_env(env).reader.chosen == engine


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({"TELEMETRY_QUERY": "duckdb"}, "parquet or athena"),
        (S3 | {"TELEMETRY_QUERY": "athena"}, "TELEMETRY_ATHENA_WORKGROUP"),
        ({"TELEMETRY_LAKE": "file:///lake"} | GROUP, "cannot reach a folder"),
        (S3 | GROUP | {"TELEMETRY_CATALOG": "none"}, "TELEMETRY_CATALOG"),
        (S3 | {"TELEMETRY_ATHENA_WORKGROUP": "a b"}, "name of a workgroup"),
        (S3 | GROUP | {"TELEMETRY_ATHENA_OUTPUT": "/tmp/results"}, "s3://bucket/prefix/"),
        (S3 | GROUP | {"TELEMETRY_ATHENA_TIMEOUT": "0"}, "from 1 to 1,800"),
        (S3 | GROUP | {"TELEMETRY_ATHENA_PARALLEL": "many"}, "whole number"),
    ],
)
def test_a_reader_that_could_not_read_is_refused(env: dict[str, str], word: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.from_env(env)
    assert word in str(caught.value)
