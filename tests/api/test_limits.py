"""How much may be asked: requests of one caller, bytes of one request, days and signals of one range."""

import datetime as dt
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import limits as module
from api.app import create_app
from api.auth import SignIn
from api.limits import RateLimiter, address_of
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.service_settings import Limits
from tests.api.small_lake import QUERY, RANGE, fill

HARDLY = 0.001
"""A rate at which no token comes while a test runs, however slow the machine."""


def test_a_hundred_a_second_and_a_thousand_at_once():
    now = [0.0]
    limiter = RateLimiter(100, 1_000, clock=lambda: now[0])
    assert [limiter.take("ada") for _ in range(1_000)] == [0.0] * 1_000
    assert limiter.take("ada") == pytest.approx(0.01)
    assert limiter.take("bob") == 0.0, "one caller is not another"
    allowed = 0
    for _ in range(10_000):  # ten seconds, asked a thousand times in each
        now[0] += 0.001
        allowed += limiter.take("ada") == 0.0
    assert allowed == pytest.approx(1_000, abs=1)
    now[0] += 1e6
    assert [limiter.take("ada") for _ in range(1_001)].count(0.0) == 1_000, (
        "a bucket holds no more than a burst"
    )


@settings(max_examples=200)
@given(
    st.integers(1, 50),
    st.integers(1, 20),
    st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=60),
)
def test_no_pattern_of_asking_gets_more_than_the_rate_and_one_burst(rate, burst, pauses):
    now, allowed = [0.0], 0
    limiter = RateLimiter(rate, burst, clock=lambda: now[0])
    for pause in pauses:
        now[0] += pause
        wait = limiter.take("ada")
        allowed += wait == 0.0
        assert 0 <= wait <= 1 / rate + 1e-9
        assert allowed <= burst + rate * now[0] + 1e-6


def test_callers_are_kept_within_a_limit_and_the_busy_ones_stay(monkeypatch):
    monkeypatch.setattr(module, "MAX_CALLERS", 100)
    limiter = RateLimiter(1, 5, clock=lambda: 0.0)
    for _ in range(5):
        limiter.take("busy")
    for number in range(1_000):
        limiter.take(f"passer-by {number}")
        assert limiter.take("busy") > 0
    assert len(limiter) == 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        # whoever has one IPv6 address has 2^64 of them
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("testclient", "testclient", True),
    ],
)
def test_an_address_is_a_caller(one, other, same):
    callers = {address_of({"client": (host, 1234)}) for host in (one, other)}
    assert (len(callers) == 1) == same
    assert address_of({"client": None}) == address_of({})


def test_who_asks_too_often_is_told_when_to_come_back(folder_lake, serving, issuer):
    app = create_app(
        ParquetReader(fill(folder_lake)),
        lake=folder_lake.url,
        access=SignIn(issuer.settings()),
        limits=Limits(rate=HARDLY, burst=4),
    )
    client = serving(app)
    ada, bob = issuer.headers(sub="ada"), issuer.headers(sub="bob")
    answers = [client.get("/vehicles", headers=ada) for _ in range(8)]
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    limited = answers[4:]
    assert {answer.status_code for answer in limited} == {429}
    assert limited[0].headers["content-type"] == "application/problem+json"
    assert 0.9 / HARDLY < int(limited[0].headers["retry-after"]) <= 1 / HARDLY
    assert limited[0].headers["retry-after"] in limited[0].json()["remedy"]
    # a new token of the same subject is the same caller; another subject is not
    assert client.get("/vehicles", headers=bob).status_code == 200
    assert [client.get("/health").status_code for _ in range(20)] == [200] * 20


def test_no_limit_is_no_limit(folder_lake, serving):
    client = serving(
        create_app(ParquetReader(folder_lake), lake=folder_lake.url, limits=Limits(rate=0, burst=1))
    )
    assert {client.get("/vehicles").status_code for _ in range(30)} == {200}


def test_a_large_body_is_refused_before_it_is_read(folder_lake, serving, issuer):
    app = create_app(
        ParquetReader(fill(folder_lake)),
        lake=folder_lake.url,
        access=SignIn(issuer.settings()),
        limits=Limits(body_bytes=2_048),
    )
    client = serving(app)
    headers = issuer.headers() | {"Content-Type": "application/json"}
    path = "/vehicles/EV_001/query"
    said = client.post(path, content=b"x" * 2_049, headers=headers)
    # whoever does not say how much comes is stopped when it is too much
    unsaid = client.post(path, content=(b"x" * 500 for _ in range(40)), headers=headers)
    for answer in (said, unsaid):
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert answer.json()["status"] == 413
    assert client.post(path, json=QUERY, headers=headers).status_code == 200
    # and nobody reads what a stranger sends
    assert client.post(path, content=b"x" * 2_049).status_code == 401


def test_ranges_and_lists_have_limits_for_every_endpoint(folder_lake, serving):
    app = create_app(
        ParquetReader(fill(folder_lake)),
        lake=folder_lake.url,
        events=EventReader(folder_lake),
        limits=Limits(days=31, signals=1),
    )
    client = serving(app)
    first = dt.datetime.fromisoformat(QUERY["start_time"])
    for days, status in ((30, 200), (40, 422), (36_500, 422)):
        end = (first + dt.timedelta(days=days)).isoformat()
        for answer in (
            client.post("/vehicles/EV_001/query", json=QUERY | {"end_time": end}),
            client.get("/vehicles/EV_001/events", params=RANGE | {"end": end}),
        ):
            assert answer.status_code == status, answer.text
            if status == 422:
                assert "31" in answer.json()["detail"]
                assert "shorter" in answer.json()["remedy"]
    two = [*QUERY["signals"], {"message_name": "Battery", "signal_name": "Level"}]
    answer = client.post("/vehicles/EV_001/query", json=QUERY | {"signals": two})
    assert (answer.status_code, "limit is 1" in answer.json()["detail"]) == (422, True)


def test_points_of_a_signal_have_a_limit(folder_lake, serving):
    app = create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url, limits=Limits(points=50))
    client = serving(app)
    for points, status in ((50, 200), (51, 422)):
        answer = client.post("/vehicles/EV_001/query", json=QUERY | {"max_points": points})
        assert answer.status_code == status
    usual = client.post("/vehicles/EV_001/query", json=QUERY)
    assert usual.status_code == 422, "nothing is cut in silence"
    assert "50" in usual.json()["detail"]


def test_many_at_once_are_counted_right(folder_lake, serving):
    app = create_app(ParquetReader(folder_lake), lake=folder_lake.url, limits=Limits(rate=HARDLY, burst=30))
    client = serving(app)
    seen = []
    threads = [
        threading.Thread(
            target=lambda: seen.extend(client.get("/openapi.json").status_code for _ in range(5))
        )
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (seen.count(200), seen.count(429)) == (30, 30)
