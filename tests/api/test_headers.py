"""What browsers are told, and that errors of every kind are problems that name no internals."""

import json
import logging
import re

import httpx
import pytest
from fastapi.responses import StreamingResponse

from api.app import create_app
from api.auth import SignIn
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.api.small_lake import QUERY, fill

HOME = "https://telemetry.example"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def folder(tmp_path):
    """A built dashboard."""
    page = tmp_path / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<html>app</html>")
    (page / "assets" / "app.js").write_text("run()")
    return page


@pytest.fixture
def client(folder_lake, serving, folder):
    fill(folder_lake, samples=40)
    app = create_app(
        ParquetReader(folder_lake),
        lake=folder_lake.url,
        events=EventReader(folder_lake),
        dashboard=folder,
        origins=[HOME],
    )
    client = serving(app)
    client.app = app
    return client


def policy_of(answer):
    return {
        words[0]: words[1:]
        for words in (part.split() for part in answer.headers["content-security-policy"].split(";"))
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/assets/app.js", 200),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/vehicles", 200),
        ("GET", "/metrics", 200),
        ("GET", "/vehicles/NOBODY/messages", 404),
        ("GET", "/assets/gone.js", 404),
        ("DELETE", "/vehicles", 405),
        ("POST", "/vehicles/EV_001/query", 422),
        ("GET", "/vehicles/%2e%2e/messages", 422),
    ],
)
def test_every_answer_has_the_headers(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert ALWAYS.items() <= dict(answer.headers).items()
    assert policy_of(answer)["frame-ancestors"] == ["'none'"]
    assert policy_of(answer)["default-src"] == ["'none'"]
    assert "strict-transport-security" not in answer.headers, "nobody came over TLS"
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["remedy"]


def test_behind_tls_browsers_are_told_to_stay_there(client):
    # uvicorn believes a proxy of this machine; with the caller's own address it would be refused, rightly
    answer = client.get("/health", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"})
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_pages_run_their_own_scripts_and_nothing_else(client):
    policy = policy_of(client.get("/", headers={"Accept": "text/html"}))
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert not any("unsafe" in word for words in policy.values() for word in words)
    assert policy_of(client.get("/vehicles")).keys() == {"default-src", "frame-ancestors"}


def test_the_dashboard_may_sign_in_where_the_issuer_says(folder_lake, serving, folder, issuer):
    access = SignIn(issuer.settings())
    client = serving(
        create_app(ParquetReader(folder_lake), lake=folder_lake.url, access=access, dashboard=folder)
    )
    issuer.down = True
    origin = issuer.url.removesuffix("/pool")
    assert policy_of(client.get("/", headers={"Accept": "text/html"}))["connect-src"] == ["'self'", origin]
    issuer.down = False
    access.keys._looked_at = None
    allowed = policy_of(client.get("/", headers={"Accept": "text/html"}))["connect-src"]
    assert set(allowed) == {"'self'", origin, "https://login.example"}


def test_pages_of_named_origins_may_send_tokens_and_read_what_went_wrong(client):
    ask = {
        "Origin": HOME,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    allowed = client.options("/vehicles/EV_001/query", headers=ask)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == HOME
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in allowed.headers
    for changed in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Headers": "x-anything"},
    ):
        answer = client.options("/vehicles/EV_001/query", headers=ask | changed)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        if "Origin" in changed:
            assert "access-control-allow-origin" not in answer.headers
    for path in ("/vehicles", "/vehicles/NOBODY/messages", "/nothing"):
        answer = client.get(path, headers={"Origin": HOME})
        assert answer.headers["access-control-allow-origin"] == HOME, "a page could not read why"
        assert "Origin" in answer.headers["vary"]
        stranger = client.get(path, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("secret at /srv/secret.key"), 500),
        (TransientError("no answer from s3.internal", "s3://secret-bucket/key"), 503),
        (KeyError("secret"), 500),
        (MemoryError("secret"), 500),
    ],
)
def test_what_went_wrong_inside_is_in_the_log_under_a_reference(
    folder_lake, serving, monkeypatch, caplog, error, status
):
    reader = ParquetReader(folder_lake)
    client = serving(create_app(reader, lake=folder_lake.url, origins=[HOME]))

    def failing():
        raise error

    monkeypatch.setattr(reader, "vehicles", failing)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/vehicles", headers={"Origin": HOME})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "secret" not in answer.text
    assert type(error).__name__ not in answer.text
    assert ALWAYS.items() <= dict(answer.headers).items()
    assert answer.headers["access-control-allow-origin"] == HOME
    (reference,) = re.findall(r"log reference ([0-9a-f]{12})", answer.json()["detail"])
    (line,) = [record.getMessage() for record in caplog.records if reference in record.getMessage()]
    assert "secret" in line or "secret" in caplog.text
    assert f'route="/vehicles",status="{status}"' in client.get("/metrics").text


def test_an_answer_that_fails_half_way_is_broken_off(client, caplog):
    @client.app.post("/half")
    async def get_half() -> StreamingResponse:
        async def parts():
            yield b"x" * 10_000
            raise RuntimeError("half way")

        return StreamingResponse(parts(), media_type="application/octet-stream")

    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/half")
    assert "half way" in caplog.text


def test_a_problem_says_where_and_holds_what_was_sent_without_harm(client):
    answer = client.post(
        "/vehicles/EV_001/query",
        content=json.dumps(QUERY | {"signals": [{"message_name": "\ud800</script>", "signal_name": "x"}]}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (404, 422)
    assert answer.json()["instance"] == "/vehicles/EV_001/query"
    assert "</script>" not in answer.text or answer.headers["x-content-type-options"] == "nosniff"
