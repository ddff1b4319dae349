"""Whose vehicles are seen: scopes from claims, and that no endpoint tells more than they allow."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.auth import PUBLIC, SignIn
from api.scopes import ALL, NONE, acting, current, refuse_invisible, scope_of, visible
from telemetry_pipeline.errors import BadKey, NoVehicle
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.api.small_lake import RANGE, SPEED, fill

CLAIM = "telemetry:vehicles"
IDS = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=64)


@pytest.fixture
def guarded(folder_lake, serving, issuer, tmp_path):
    """A client of the whole service, dashboard and all."""
    fill(folder_lake)
    page = tmp_path / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<html>app</html>")
    (page / "assets" / "app.js").write_text("run()")
    app = create_app(
        ParquetReader(folder_lake),
        lake=folder_lake.url,
        access=SignIn(issuer.settings()),
        events=EventReader(folder_lake),
        store=folder_lake,
        dashboard=page,
    )
    client = serving(app)
    client.app = app
    return client


@pytest.mark.parametrize(
    ("claims", "seen"),
    [
        ({}, []),
        ({CLAIM: ["*"]}, ["EV_001", "EV_002", "TRUCK_7"]),
        ({CLAIM: ["EV_*"]}, ["EV_001", "EV_002"]),
        ({CLAIM: "EV_001 TRUCK_?"}, ["EV_001", "TRUCK_7"]),
        ({CLAIM: ["EV_00"]}, []),
        ({CLAIM: []}, []),
        ({CLAIM: None}, []),
        ({CLAIM: 7}, []),
        ({CLAIM: {"EV_001": True}}, ["EV_001"]),
        ({CLAIM: [["EV_001"], 7, "TRUCK_7"]}, ["TRUCK_7"]),
        # what is no pattern of ids counts for nothing, however it reads as a regular expression
        ({CLAIM: ["[A-Z]*", ".*", "EV_001|TRUCK_7", "../EV_001", "EV_001\n", ""]}, []),
        ({"scope": "openid telemetry/vehicles:EV_* profile"}, ["EV_001", "EV_002"]),
        ({"scope": "openid * EV_001"}, []),
        ({"scp": ["telemetry:vehicles:TRUCK_7"]}, ["TRUCK_7"]),
        ({"cognito:groups": ["admins", "telemetry:vehicles:EV_002"]}, ["EV_002"]),
        ({"groups": ["telemetry:vehicles:EV_001"], CLAIM: "EV_002"}, ["EV_001", "EV_002"]),
    ],
)
def test_the_list_has_a_callers_vehicles_alone(guarded, issuer, claims, seen):
    headers = {"Authorization": f"Bearer {issuer.token(**claims)}"}
    assert [vehicle["vehicle_id"] for vehicle in guarded.get("/vehicles", headers=headers).json()] == seen


def test_the_claim_can_be_another(folder_lake, serving, issuer):
    access = SignIn(issuer.settings(vehicles_claim="https://telemetry.example/cars"))
    client = serving(create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url, access=access))
    for claims, count in (({"https://telemetry.example/cars": "EV_*"}, 2), ({CLAIM: "EV_*"}, 0)):
        headers = {"Authorization": f"Bearer {issuer.token(**claims)}"}
        assert len(client.get("/vehicles", headers=headers).json()) == count


def operations(client):
    """Every method and path of the service's own description."""
    for path, methods in client.app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


USUAL = ("signals", "vehicles", "start", "end")
"""Parameters that make an answer of one, though they may be left out."""


def value_of(name, vehicle):
    """Something that a field or parameter of this name takes and this lake has."""
    values = {
        ("start", "start_time", "from"): RANGE["start"],
        ("end", "end_time", "to"): RANGE["end"],
        ("first", "last"): RANGE["start"][:10],
        ("signals",): [SPEED],
        ("signal",): "Drive.Speed",
        ("message_name",): SPEED["message_name"],
        ("signal_name",): SPEED["signal_name"],
        ("vehicle", "vehicle_id"): vehicle,
        ("vehicles",): [vehicle],
        ("ranges",): [{"start_time": RANGE["start"], "end_time": RANGE["end"]}],
    }
    return next((value for names, value in values.items() if name in names), None)


def request_of(client, path, operation, vehicle):
    """A request about one vehicle, of what an operation cannot do without."""
    filled = re.sub(r"{(\w+)}", lambda field: str(value_of(field[1], vehicle)), path)
    params = {}
    for item in operation.get("parameters", []):
        if item["in"] == "query" and (item["required"] or item["name"] in USUAL):
            # in a path or a query a signal is one word
            params[item["name"]] = value_of(item["name"].removesuffix("s"), vehicle)
    body = None
    if "requestBody" in operation:
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = client.app.openapi()["components"]["schemas"][reference.rpartition("/")[2]]
        body = {name: value_of(name, vehicle) for name in schema["required"]}
    missing = [name for name, value in {**params, **(body or {})}.items() if value is None]
    assert not missing, f"say above what {path} takes as {missing}"
    return filled, params, body


def ask(client, headers, method, path, operation, vehicle):
    filled, params, body = request_of(client, path, operation, vehicle)
    with client.stream(method, filled, params=params, json=body, headers=headers) as answer:
        if "event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
        return answer


def test_every_endpoint_needs_a_token_but_those_that_are_named(guarded):
    asked = 0
    for method, path, operation in operations(guarded):
        answer = ask(guarded, {}, method, path, operation, "EV_001")
        if path in ("/health", "/auth-config"):
            assert answer.status_code == 200, path
        else:
            assert answer.status_code == 401, f"{method} {path} answers anybody"
            asked += 1
    assert asked >= 7
    assert {"/health", "/auth-config", "/docs", "/openapi.json"} == PUBLIC
    for path in ("/docs", "/openapi.json", "/", "/assets/app.js", "/some/page"):
        assert guarded.get(path, headers={"Accept": "text/html"}).status_code == 200, path
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "GET"):
        for path in ("/vehicles", "/vehicles/EV_001/query", "/metrics", "/vehicles/EV_001/nothing"):
            answer = guarded.request(method, path)
            # a path that no endpoint has is a file of the dashboard, and there is none
            assert answer.status_code in (401, 404), f"{method} {path}"
            assert "EV_001" not in answer.text.replace(path, "")


def test_an_endpoint_that_somebody_adds_is_closed(guarded, issuer):
    @guarded.app.get("/brand/new")
    def read_secret() -> str:
        return "secret"

    # the dashboard's files come last: what is added behind them is reached by no GET, but closed all the same
    answer = guarded.get("/brand/new")
    assert answer.status_code == 401
    assert "secret" not in answer.text


def test_another_ones_vehicle_answers_like_one_that_does_not_exist(guarded, issuer):
    everything = issuer.headers()
    mine = {"Authorization": f"Bearer {issuer.token(**{CLAIM: 'EV_*'})}"}
    asked = 0
    for method, path, operation in operations(guarded):
        if "{vehicle_id}" not in path:
            continue
        # first whoever may: what is kept for them must not be given to another
        allowed = ask(guarded, everything, method, path, operation, "TRUCK_7")
        assert allowed.status_code == 200, f"{method} {path}: {allowed.text}"
        answers = [
            ask(guarded, mine, method, path, operation, vehicle)
            for vehicle in ("TRUCK_7", "TRUCK_8", "EV_999")
        ]
        told = [
            (
                answer.status_code,
                answer.text.replace(vehicle, "V"),
                {
                    name: value
                    for name, value in answer.headers.items()
                    if name not in ("date", "content-length")
                },
            )
            for answer, vehicle in zip(answers, ("TRUCK_7", "TRUCK_8", "EV_999"), strict=True)
        ]
        assert told[0][0] == 404, f"{method} {path}: {told[0]}"
        assert told[0] == told[1] == told[2], f"{method} {path}"
        # nor may whoever kept an answer find out that it still holds
        if etag := allowed.headers.get("etag"):
            again = ask(guarded, mine | {"If-None-Match": etag}, method, path, operation, "TRUCK_7")
            assert again.status_code == 404, f"{method} {path}"
        asked += 1
    assert asked >= 5


def test_a_list_over_vehicles_treats_another_ones_like_one_that_does_not_exist(guarded, issuer):
    everything = issuer.headers()
    mine = {"Authorization": f"Bearer {issuer.token(**{CLAIM: 'EV_*'})}"}
    asked = 0
    for method, path, operation in operations(guarded):
        if "vehicles" not in {item["name"] for item in operation.get("parameters", [])}:
            continue
        assert "EV_001" in ask(guarded, everything, method, path, operation, "EV_001").text
        assert "TRUCK_7" in ask(guarded, everything, method, path, operation, "*").text
        answers = [ask(guarded, mine, method, path, operation, vehicle) for vehicle in ("TRUCK_7", "TRUCK_8")]
        told = [
            re.sub(r'"duration_ms":\s*\d+', "", answer.text).replace("TRUCK_8", "TRUCK_7")
            for answer in answers
        ]
        assert told[0] == told[1], f"{method} {path}"
        assert "TRUCK" not in ask(guarded, mine, method, path, operation, "*").text
        asked += 1
    assert asked or "/fleet/compare" not in guarded.app.openapi()["paths"]


def test_no_answer_to_a_limited_caller_names_another_vehicle(guarded, issuer):
    everything = issuer.headers()
    mine = {"Authorization": f"Bearer {issuer.token(**{CLAIM: 'EV_*'})}"}
    for method, path, operation in operations(guarded):
        ask(guarded, everything, method, path, operation, "TRUCK_7")
        for vehicle in ("EV_001", "EV_99", "TRUCK_8", "TRUCK", "' OR 1=1 --"):
            answer = ask(guarded, mine, method, path, operation, vehicle)
            if "event-stream" in answer.headers.get("content-type", ""):
                continue
            assert "TRUCK_7" not in answer.text, f"{method} {path} of {vehicle}"
            assert answer.status_code < 500


def test_nobody_is_answered_nothing():
    assert current() == NONE
    with pytest.raises(NoVehicle):
        refuse_invisible("EV_001")
    with acting(ALL):
        refuse_invisible("EV_001")
    with acting(scope_of({CLAIM: "EV_1"}, CLAIM)):
        refuse_invisible("EV_1")
        with pytest.raises(BadKey):
            refuse_invisible("../EV_1")
        with pytest.raises(NoVehicle, match="EV_2"), visible("EV_2"):
            pass
        # a reader's own words may name the nearest vehicle, which may be another's
        with pytest.raises(NoVehicle) as caught, visible("EV_1"):
            raise NoVehicle("no EV_1", remedy="Did you mean EV_2?")
        assert "EV_2" not in str(caught.value)


@settings(max_examples=300)
@given(IDS, st.lists(IDS, max_size=5))
def test_a_plain_id_allows_itself_alone(vehicle, others):
    scope = scope_of({CLAIM: others}, CLAIM)
    assert scope.allows(vehicle) == (vehicle in others)
    assert scope_of({CLAIM: [*others, "*"]}, CLAIM).allows(vehicle)


@settings(max_examples=300)
@given(IDS, st.text("abEV_01*?", min_size=1, max_size=12))
def test_patterns_mean_what_they_say(vehicle, pattern):
    reference = re.compile("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern))
    assert scope_of({CLAIM: pattern}, CLAIM).allows(vehicle) == bool(reference.fullmatch(vehicle))


def test_a_pattern_of_many_stars_takes_no_time():
    scope = scope_of({CLAIM: "*a" * 32}, CLAIM)
    assert not scope.allows("a" * 31 + "b" * 33)
