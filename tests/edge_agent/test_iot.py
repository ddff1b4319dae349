"""Credentials by certificate: real TLS that demands one. What they may do is `test_least_privilege`'s business."""

from dataclasses import replace

import pytest

from edge_agent.config import AgentConfig
from edge_agent.credentials import find_credentials, open_lake
from edge_agent.iot import Identity, IotCredentials
from telemetry_pipeline.errors import BadSetting, PermanentError, TransientError
from tests.conftest import BUCKET
from tests.edge_agent.credential_server import Authority, credentials_given, given
from tests.servers import wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def vehicle(authority):
    return authority.issue("V")


@pytest.fixture
def server(authority):
    with credentials_given(authority, lambda: given(3600)) as server:
        yield server


@pytest.fixture
def identity(authority, vehicle, server):
    def make(**changes):
        settings = {
            "endpoint": server.endpoint,
            "role_alias": "can-telemetry-agent",
            "thing_name": "V",
            "certificate": vehicle[0],
            "key": vehicle[1],
            "ca": authority.ca,
        }
        return Identity(**{**settings, **changes})

    return make


def test_a_certificate_becomes_credentials_that_are_asked_for_once(identity, server):
    credentials = IotCredentials(identity())
    first = credentials()
    assert (first["access_key_id"], first["secret_access_key"], first["token"]) == ("AKIA", "secret", "token")
    assert first["expires_at"].tzinfo is not None
    assert credentials() is first
    assert server.asked == [("V", "V", "can-telemetry-agent")]


def test_they_are_renewed_before_they_expire_and_used_to_the_end_while_the_endpoint_is_away(
    identity, server, caplog
):
    caplog.set_level("INFO")
    server.give = lambda: given(599, access_key=f"AKIA{len(server.asked)}")
    credentials = IotCredentials(identity())
    assert [credentials()["access_key_id"] for _ in range(3)] == ["AKIA1", "AKIA2", "AKIA3"]
    server.broken = 503
    assert [credentials()["access_key_id"] for _ in range(3)] == ["AKIA3"] * 3
    assert caplog.text.count("no new credentials") == 1
    server.broken = None
    assert credentials()["access_key_id"] == "AKIA7"
    assert "gives credentials again" in caplog.text
    server.give = lambda: given(-1)
    credentials()
    server.broken = 503
    with pytest.raises(TransientError, match="answers 503"):  # what has expired is of no use
        credentials()


@pytest.mark.parametrize(
    ("changes", "broken", "error", "said"),
    [
        ({"role_alias": "none"}, None, PermanentError, r"refuses \(404, Role alias not found\)"),
        ({}, 403, PermanentError, r"403, Access Denied.*AssumeRoleWithCertificate"),
        ({}, 500, TransientError, "answers 500"),
        ({}, 429, TransientError, "answers 429"),
        ({"endpoint": "127.0.0.1:9"}, None, TransientError, "does not answer"),
        ({"ca": None}, None, TransientError, "does not answer.*CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(identity, server, changes, broken, error, said):
    server.broken = broken
    with pytest.raises(error, match=said) as caught:
        IotCredentials(identity(**changes))()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [{}, given(1) | {"expiration": "soon"}, given(1) | {"expiration": None}, []]
)
def test_an_answer_without_credentials_is_tried_again(identity, server, answer):
    server.give = lambda: answer
    with pytest.raises(TransientError, match="holds no credentials"):
        IotCredentials(identity())()


def test_without_the_right_certificate_there_is_no_answer(identity, server, tmp_path, vehicle):
    stranger = Authority(tmp_path / "stranger").issue("V")
    with pytest.raises(TransientError, match="does not answer"):
        IotCredentials(identity(certificate=stranger[0], key=stranger[1]))()
    with pytest.raises(BadSetting, match="cannot be used"):  # the key of another
        IotCredentials(identity(key=stranger[1]))()
    with pytest.raises(BadSetting, match="No such file"):
        IotCredentials(identity(certificate=tmp_path / "none.pem"))()
    assert server.asked == []
    assert IotCredentials(identity())()["token"] == "token"


@pytest.fixture
def config(tmp_path, s3_server, server, vehicle, authority):
    return AgentConfig(
        vehicle_id="V",
        lake=f"s3://{BUCKET}/iot-{tmp_path.name}",
        endpoint_url=s3_server.endpoint,
        region="us-east-1",
        iot_endpoint=server.endpoint,
        iot_role_alias="can-telemetry-agent",
        iot_certificate=vehicle[0],
        iot_key=vehicle[1],
        iot_ca=authority.ca,
        spool=tmp_path / "spool",
    )


def test_the_lake_is_opened_with_them_and_asks_again_when_they_run_out(config, server):
    server.give = lambda: given(1, "lake-admin", "lake-admin-secret", None)
    store = open_lake(config, 30.0)

    def renewed():
        store.put("x", b"1")
        return len(server.asked) >= 3

    wait_until(renewed, "credentials to be asked for again")
    assert store.get("x") == b"1"
    server.broken = 403
    with pytest.raises(PermanentError, match=r"refuses access .*refuses .403, Access Denied"):
        open_lake(config, 30.0).get("x")
    server.broken = 503  # the uploader backs off from what may be well again in a minute
    with pytest.raises(TransientError, match=r"no credentials for the store .*answers 503"):
        open_lake(config, 30.0).get("x")


def test_who_has_no_certificate_shows_what_else_there_is(config, monkeypatch):
    plain = replace(config, iot_endpoint=None, iot_role_alias=None, iot_certificate=None, iot_key=None)
    monkeypatch.setattr("edge_agent.credentials.has_chain", lambda: False)
    with pytest.raises(BadSetting, match="no AWS credentials found"):
        find_credentials(plain)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lake-admin")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "lake-admin-secret")
    store = open_lake(plain)
    store.put("y", b"1")
    assert store.get("y") == b"1"


def test_half_an_identity_is_refused(tmp_path):
    with pytest.raises(BadSetting, match="iot_key: is not set"):
        AgentConfig(
            vehicle_id="V",
            lake="s3://b",
            spool=tmp_path,
            iot_endpoint="e",
            iot_role_alias="a",
            iot_certificate=tmp_path,
        )
