"""The same answer in several forms: points and columns, JSON and Arrow, compressed, and not sent again."""

import datetime as dt
import gzip
import io
import json
import math

import pyarrow as pa
import pytest

from api.app import create_app
from api.compress import coding_for
from api.etag import matches
from api.kept import Answers
from telemetry_pipeline import dictionaries
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded
from tests.raw_lake import NOON, land

S = 1_000_000_000
DAY = Partition("VIN1", dt.date(2026, 2, 12))
START = DAY.start_ns + 14 * 3600 * S
SPEED, LEVEL = ("Drive", "Speed"), ("Drive", "Level")
COUNT = 5000
TIMES = [START + k * 10_000_000 + k % 7 for k in range(COUNT)]
VALUES = [math.sin(k / 50) * 100 for k in range(COUNT)]
ARROW = "application/vnd.apache.arrow.stream"
QUERY = "/vehicles/VIN1/query"


@pytest.fixture
def filled(folder_lake):
    gap = [*range(START, START + 100 * S, S), *range(START + 200 * S, START + 300 * S, S)]
    values = [math.nan, math.inf, *range(len(gap) - 2)]
    put_decoded(folder_lake, DAY, "20260212T140000.000Z", {SPEED: (TIMES, VALUES), LEVEL: (gap, values)})
    return folder_lake


@pytest.fixture
def client(filled, serving):
    return serving(create_app(ParquetReader(filled), lake=filled.url, store=filled))


def body(**changes):
    names = changes.pop("names", [SPEED])
    return {
        "signals": [{"message_name": message, "signal_name": signal} for message, signal in names],
        "start_time": "2026-02-12T14:00:00Z",
        "end_time": "2026-02-12T14:10:00Z",
    } | changes


ADDRESS = {"signals": "Drive.Speed", "start": "2026-02-12T14:00:00Z", "end": "2026-02-12T14:10:00Z"}


def test_columns_hold_what_points_hold(client):
    asked = {"names": [SPEED, LEVEL], "max_points": 500, "include": ["stats", "gaps", "envelope"]}
    points = client.post(QUERY, json=body(**asked)).json()["signals"]
    columns = client.post(QUERY, json=body(**asked, shape="columns")).json()["signals"]
    for one, other in zip(points, columns, strict=True):
        assert "columns" not in one
        assert "data" not in other
        assert [point["t"] for point in one.pop("data")] == other["columns"]["t"]
        del other["columns"]
        assert one == other
    (speed,) = client.post(QUERY, json=body(shape="columns")).json()["signals"]
    assert speed["columns"]["v"] == VALUES
    assert [round(t * 1000) for t in speed["columns"]["t"]] == [round(t / 1000) for t in TIMES]
    (level,) = client.post(QUERY, json=body(names=[LEVEL], shape="columns")).json()["signals"]
    assert level["columns"]["v"][:3] == [None, None, 0.0]


def test_the_shape_that_nobody_asked_for_stays(client):
    (speed,) = client.post(QUERY, json=body()).json()["signals"]
    assert speed["data"][1] == {"t": TIMES[1] // 1_000_000, "v": VALUES[1]}
    assert client.post(QUERY, json=body(shape="rows")).status_code == 422


def test_arrow_is_exact_and_says_how_it_was_made(client):
    asked = {"names": [SPEED, LEVEL], "max_points": 150, "include": ["gaps", "stats"]}
    answer = client.post(QUERY, json=body(**asked), headers={"Accept": ARROW})
    assert answer.headers["content-type"] == ARROW
    stream = pa.ipc.open_stream(answer.content)
    about = json.loads(stream.schema.metadata[b"signals"])
    batches = list(stream)
    assert [item["points"] for item in about] == [batch.num_rows for batch in batches] == [150, 150]
    speed, level = about
    assert (speed["method"], speed["source_points"], speed["unit"], speed["downsampled"]) == (
        "lttb",
        COUNT,
        "km/h",
        True,
    )
    assert speed["resolution_ms"] > 0
    assert speed["stats"]["count"] == COUNT
    assert level["gaps_ns"] == [[START + 99 * S, START + 200 * S]]
    assert set(batches[0]["timestamp"].cast(pa.int64()).to_pylist()) <= set(TIMES)
    assert json.loads(stream.schema.metadata[b"query_stats"])["rows_scanned"] > 0


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
def test_answers_are_compressed_as_the_client_takes_them(client, coding):
    plain = client.post(QUERY, json=body(), headers={"Accept-Encoding": "identity"}).json()["signals"]
    request = client.build_request("POST", QUERY, json=body(), headers={"Accept-Encoding": coding})
    answer = client.send(request, stream=True)
    raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding", "identity") == coding
    assert {"Accept", "Accept-Encoding"} <= {name.strip() for name in answer.headers["vary"].split(",")}
    assert int(answer.headers["content-length"]) == len(raw)
    if coding == "gzip":
        raw = gzip.decompress(raw)
    elif coding == "zstd":
        raw = pa.CompressedInputStream(pa.BufferReader(raw), "zstd").read()
    assert json.loads(bytes(raw))["signals"] == plain


def test_arrow_is_compressed_with_zstd_alone(client):
    for coding, expected in (("gzip", None), ("gzip, zstd", "zstd")):
        request = client.build_request(
            "POST", QUERY, json=body(), headers={"Accept": ARROW, "Accept-Encoding": coding}
        )
        answer = client.send(request, stream=True)
        raw = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding") == expected
        if expected:
            raw = bytes(pa.CompressedInputStream(pa.BufferReader(raw), "zstd").read())
        assert pa.ipc.open_stream(io.BytesIO(raw)).read_all().num_rows == COUNT


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.1, gzip", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=x", None),
        ("br", None),
    ],
)
def test_the_client_chooses_the_coding(accepted, coding):
    assert coding_for(accepted) == coding


@pytest.mark.parametrize("accept", ["application/json", ARROW])
@pytest.mark.parametrize("form", ["post", "get"])
def test_an_answer_that_still_holds_is_not_sent_again(client, filled, monkeypatch, accept, form):
    def ask(**headers):
        headers = {"Accept": accept, **{name.replace("_", "-"): text for name, text in headers.items()}}
        if form == "get":
            return client.get(QUERY, params=ADDRESS, headers=headers)
        return client.post(QUERY, json=body(), headers=headers)

    first = ask()
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, max-age=0, must-revalidate"
    reads = []
    read = ParquetReader.read
    monkeypatch.setattr(ParquetReader, "read", lambda *args: reads.append(1) or read(*args))
    again = ask(If_None_Match=f'"other", {tag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert not reads
    assert ask(If_None_Match='"other"').status_code == 200
    # a late object
    put_decoded(filled, DAY, "20260212T140500.000Z", {SPEED: ([START + 300 * S], [1.0])})
    late = ask(If_None_Match=tag)
    assert late.status_code == 200
    assert late.headers["etag"] != tag
    # one that is decoded again, with as many rows
    put_decoded(filled, DAY, "20260212T140500.000Z", {SPEED: ([START + 300 * S], [2.0])})
    assert ask(If_None_Match=late.headers["etag"]).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", ARROW])
def test_an_answer_is_made_once_while_its_objects_stay(client, filled, monkeypatch, accept):
    def ask(**changes):
        return client.post(QUERY, json=body(**changes), headers={"Accept": accept})

    first = ask()
    reads = []
    read = ParquetReader.read
    monkeypatch.setattr(ParquetReader, "read", lambda *args: reads.append(1) or read(*args))
    again = ask()
    assert (again.content, again.headers["content-type"]) == (first.content, first.headers["content-type"])
    assert again.headers["etag"] == first.headers["etag"]
    assert "age" not in first.headers
    assert int(again.headers["age"]) >= 0
    assert not reads
    put_decoded(filled, DAY, "20260212T140500.000Z", {SPEED: ([START + 300 * S], [77.0])})
    late = ask()
    assert late.content != first.content
    assert "age" not in late.headers
    assert reads


def test_answers_are_kept_within_their_room():
    answers = Answers(1000)
    for number in range(10):
        answers.keep(f"{number}", bytes(200), "text/plain")
    answers.keep("large", bytes(251), "text/plain")
    assert [number for number in range(10) if answers.get(f"{number}")] == [5, 6, 7, 8, 9]
    assert answers.get("large") is None


def test_every_question_has_a_tag_of_its_own(client, filled):
    asked = [
        {},
        {"max_points": 100},
        {"method": "m4"},
        {"include": ["stats"]},
        {"shape": "columns"},
        {"names": [LEVEL]},
        {"end_time": "2026-02-12T14:11:00Z"},
    ]
    tags = [client.post(QUERY, json=body(**changes)).headers["etag"] for changes in asked]
    tags.append(client.post(QUERY, json=body(), headers={"Accept": ARROW}).headers["etag"])
    assert len(set(tags)) == len(tags)
    before = tags[0]
    compact_day(filled, DAY)  # other objects, the same rows: asked anew once
    assert client.post(QUERY, json=body()).headers["etag"] != before


def test_a_range_that_is_not_over_has_no_tag(client):
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    answer = client.post(QUERY, json=body(end_time=later))
    assert answer.status_code == 200
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "private, no-cache"


def test_an_answer_with_something_missing_has_no_tag(client, filled):
    filled.put(DecodedObject(DAY, "broken").key, b"not Parquet")
    answer = client.post(QUERY, json=body())
    assert answer.json()["query_stats"]["skipped_objects"] == 1
    assert "etag" not in answer.headers


def test_without_a_lake_at_hand_there_is_neither_tag_nor_name(filled, serving):
    client = serving(create_app(ParquetReader(filled), lake=filled.url))
    answer = client.post(QUERY, json=body())
    assert answer.status_code == 200
    assert "etag" not in answer.headers
    assert client.get("/vehicles/VIN1/export").status_code == 404


@pytest.mark.parametrize(
    ("header", "same"),
    [('W/"a"', True), ('"a"', True), ('"b", W/"a"', True), ('"b"', False), ("a", False), ("", False)],
)
def test_tags_are_compared_weakly(header, same):
    assert matches(header, 'W/"a"') is same


def test_the_address_answers_as_the_body_does(client):
    more = {"max_points": 100, "method": "m4", "include": ["stats", "gaps"], "shape": "columns"}
    one = client.get(QUERY, params={**ADDRESS, "signals": "Drive.Speed,Drive.Level", **more}).json()[
        "signals"
    ]
    other = client.post(QUERY, json=body(names=[SPEED, LEVEL], **more)).json()["signals"]
    assert one == other


@pytest.mark.parametrize(
    "changes",
    [
        {"signals": "Speed"},
        {"signals": ""},
        {"include": "all"},
        {"end": ADDRESS["start"]},
        {"start": "2026-02-12"},
        {"max_points": 1},
    ],
)
def test_an_address_that_asks_nothing_sensible_says_why(client, changes):
    answer = client.get(QUERY, params=ADDRESS | changes)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"]


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "HEAD"])
def test_other_methods_are_told_both(client, method):
    answer = client.request(method, QUERY)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


GEAR = """VERSION ""
BS_:
BU_: ECU
BO_ 688 Gear: 8 ECU
 SG_ Lever : 0|16@1+ (1,0) [0|3] "" ECU
 SG_ Plain : 16|8@1+ (1,0) [0|0] "" ECU
CM_ BO_ 688 "Where the lever stands.";
CM_ SG_ 688 Lever "Its position.";
VAL_ 688 Lever 0 "Park" 1 "Drive" ;
"""


def test_what_the_database_says_reaches_the_client(folder_lake, serving, monkeypatch):
    monkeypatch.setattr(dictionaries, "_there", dictionaries._Remembered())
    folder_lake.put(f"{layout.DBC}gear.dbc", GEAR.encode())
    (outcome,) = process_objects(folder_lake, Databases.load(folder_lake), [land(folder_lake, "V1", NOON, 5)])
    assert outcome.report is not None
    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake))
    assert client.get("/vehicles/V1/messages").json() == [
        {"message_name": "Gear", "sample_count": 5, "description": "Where the lever stands."}
    ]
    lever, plain = client.get("/vehicles/V1/messages/Gear/signals").json()
    assert lever == {
        "signal_name": "Lever",
        "unit": "",
        "min_value": 0.0,
        "max_value": 4.0,
        "avg_value": 2.0,
        "description": "Its position.",
        "choices": {"0": "Park", "1": "Drive"},
        "allowed_min": 0.0,
        "allowed_max": 3.0,
    }
    assert plain.keys() == {"signal_name", "unit", "min_value", "max_value", "avg_value"}
    asked = {
        "signals": [{"message_name": "Gear", "signal_name": name} for name in ("Lever", "Plain")],
        "start_time": "2026-02-23T12:00:00Z",
        "end_time": "2026-02-23T13:00:00Z",
    }
    lever, plain = client.post("/vehicles/V1/query", json=asked).json()["signals"]
    assert lever["choices"] == {"0": "Park", "1": "Drive"}
    assert "choices" not in plain
    stream = pa.ipc.open_stream(
        client.post("/vehicles/V1/query", json=asked, headers={"Accept": ARROW}).content
    )
    assert json.loads(stream.schema.metadata[b"signals"])[0]["choices"] == {"0": "Park", "1": "Drive"}
