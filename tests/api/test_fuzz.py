"""Made-up vehicle ids, names, times, bodies and tokens: every answer is one that was meant, and no file is reached."""

import base64
import binascii
import json
import string
import urllib.parse
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.auth import SignIn
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.service_settings import Limits
from tests.api.small_lake import QUERY, RANGE, SPEED, fill

FUZZ = settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NASTY = st.sampled_from(
    [
        *(
            "..",
            "../..",
            "..%2f..%2fetc%2fpasswd",
            "%00",
            "EV_001%00",
            "EV_001/../TRUCK_7",
            "EV_001%2F..%2FEV_002",
        ),
        *("' OR '1'='1", "x'; DROP TABLE decoded_signals; --", '"', "\\", "${jndi:ldap://x}", "{{7*7}}"),
        *(
            "vehicle_id=EV_001",
            "*",
            "EV_???",
            "a" * 65,
            "a" * 5_000,
            "",
            " ",
            "\u202e",
            "\ufeffEV_001",
            "ＥＶ_001",
        ),
        *("NaN", "null", "__proto__", "con", "EV_001\r\nX-Injected: 1", "é", "\U0001f697"),
    ]
)
TEXT = NASTY | st.text(max_size=80) | st.text(string.printable, max_size=80)
TIMES = (
    st.datetimes().map(str)
    | st.datetimes().map(lambda at: at.isoformat() + "Z")
    | st.sampled_from(
        ["2026-02-12T14:00:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    )
    | st.sampled_from(
        ["2026-02-12T14:00:00.123456789012Z", "2026-02-12T14:00:00+99:99", "1e9", "-1", "now", "T", "Z"]
    )
    | st.sampled_from(
        ["2026-02-30T00:00:00Z", "2026-02-12T24:00:00Z", "2026-02-12T23:59:60Z", "২০২৬-02-12T14:00:00Z"]
    )
    | TEXT
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*QUERY, "x"]) | TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)
SEEN: Counter[int] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _say_how_many():
    yield
    print(f"\nfuzz: {SEEN.total()} requests, by status {dict(sorted(SEEN.items()))}")


@pytest.fixture
def client(folder_lake, serving):
    fill(folder_lake, samples=40)
    app = create_app(
        ParquetReader(folder_lake),
        lake=folder_lake.url,
        events=EventReader(folder_lake),
        store=folder_lake,
        limits=Limits(rate=0),
    )
    return serving(app)


def check(answer, *allowed):
    SEEN[answer.status_code] += 1
    assert answer.status_code in {200, 422, 404, *allowed}, (
        f"{answer.request.url}: {answer.status_code} {answer.text}"
    )
    assert "x-injected" not in answer.headers
    if answer.status_code >= 400:
        problem = json.loads(answer.content)
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem.keys() == {"type", "title", "status", "detail", "instance", "remedy"}
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        assert not {"Traceback", ".py", "site-packages"} & {*problem["detail"].split()}


def quoted(text):
    return urllib.parse.quote(text.encode("utf-8", "surrogatepass"), safe="")


@FUZZ
@given(vehicle=TEXT, message=TEXT, raw=st.booleans())
def test_any_vehicle_id_and_message(client, vehicle, message, raw):
    name = quoted(vehicle)
    for path in (
        f"/vehicles/{name}/messages",
        f"/vehicles/{name}/sessions",
        f"/vehicles/EV_001/messages/{quoted(message)}/signals",
    ):
        check(client.get(path), 405)
    if vehicle not in ("EV_001", "EV_002", "TRUCK_7"):
        asked = client.post(f"/vehicles/{name}/query", json=QUERY)
        check(asked, 405)
        assert asked.status_code != 200


@FUZZ
@given(message=TEXT, signal=TEXT, include=st.lists(TEXT, max_size=2))
def test_any_signal_name(client, message, signal, include):
    names = [{"message_name": message, "signal_name": signal}]
    answer = client.post(
        "/vehicles/EV_001/query", content=json.dumps(QUERY | {"signals": names}), headers=JSON_TYPE
    )
    check(answer)
    assert answer.status_code != 200 or (message, signal) == ("Drive", "Speed")
    check(client.post("/vehicles/EV_001/stats", json={"signals": names, "ranges": [RANGE_BODY]}))
    check(client.get("/vehicles/EV_001/export", params=RANGE | {"signals": f"{message}.{signal}"}))
    check(
        client.get("/vehicles/EV_001/events", params=RANGE | {"rule": signal, "severity": include or "info"})
    )


JSON_TYPE = {"Content-Type": "application/json"}
RANGE_BODY = {"start_time": RANGE["start"], "end_time": RANGE["end"]}


@FUZZ
@given(start=TIMES, end=TIMES)
def test_any_times(client, start, end):
    body = QUERY | {"start_time": start, "end_time": end}
    check(client.post("/vehicles/EV_001/query", content=json.dumps(body), headers=JSON_TYPE))
    check(client.get("/vehicles/EV_001/events", params={"start": start, "end": end}))
    check(
        client.get("/vehicles/EV_001/export", params={"start": start, "end": end, "signals": "Drive.Speed"})
    )


@FUZZ
@given(body=JSON, text=st.binary(max_size=60), points=st.integers() | st.floats() | TEXT)
def test_any_body(client, body, text, points):
    for content in (
        json.dumps(body).encode(),
        json.dumps(QUERY | {"max_points": points}).encode(),
        json.dumps(QUERY | (body if isinstance(body, dict) else {"signals": body})).encode(),
        text,
        json.dumps(QUERY).encode()[:-1] + text,
        b'{"signals": ["\\ud800"]}',
        json.dumps(QUERY | {"signals": [SPEED | {"signal_name": "\ud800"}]}).encode(),
        b"[" * 3_000,
        b'{"a":' * 20_000,
    ):
        check(client.post("/vehicles/EV_001/query", content=content, headers=JSON_TYPE), 400)


@FUZZ
@given(path=TEXT, query=TEXT, accept=st.text(string.printable.strip(), max_size=40))
def test_any_path_and_header(client, path, query, accept):
    check(
        client.get(f"/{quoted(path)}?{quoted(query)}", headers={"Accept": accept, "If-None-Match": accept}),
        405,
    )
    check(client.get("/vehicles", headers={"Accept": accept, "Accept-Encoding": accept, "Range": accept}))


@FUZZ
@given(data=st.data())
def test_any_token(folder_lake, serving, issuer, data):
    if not hasattr(issuer, "client"):
        access = SignIn(issuer.settings())
        issuer.client = serving(
            create_app(ParquetReader(folder_lake), lake=folder_lake.url, access=access, limits=Limits(rate=0))
        )
        issuer.good = issuer.token()
    token = data.draw(
        st.text(string.ascii_letters + string.digits + "-_.=", min_size=1, max_size=200)
        | st.tuples(st.integers(0, len(issuer.good) - 1), st.sampled_from("AZaz09-_.=")).map(
            lambda change: issuer.good[: change[0]] + change[1] + issuer.good[change[0] + 1 :]
        )
        | st.dictionaries(
            st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5u"]), JSON, max_size=5
        ).map(lambda header: made_token(header, issuer.good))
    )
    answer = issuer.client.get("/vehicles", headers={"Authorization": f"Bearer {token}"})
    if not same_token(token, issuer.good):
        check(answer, 401)
        assert answer.status_code == 401


def made_token(header, good):
    head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "rsa-1"} | header).encode())
    return head.rstrip(b"=").decode() + good[good.index(".") :]


def same_token(token, good):
    """The last characters of a base64 text have bits that mean nothing: another text may be the same token."""

    def parts(text):
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split(".")]

    try:
        return parts(token) == parts(good)
    except (binascii.Error, ValueError):
        return False
