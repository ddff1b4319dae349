"""Exports as a client sees them: whole files, or a broken connection."""

import datetime as dt
import gzip
import io
import json
import socket
import threading

import httpx
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from api import errors, export_routes
from api.streaming import Workers
from telemetry_pipeline.lake import layout, schema
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.query import row_export
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from tests.api.everybody import Everybody
from tests.decoded_lake import put_decoded
from tests.servers import wait_until

S = 1_000_000_000
V = "VIN1"
DAY = Partition(V, dt.date(2026, 2, 12))
SPEED, LEVEL, ODD = ("Drive", "Speed"), ("Drive", "Level"), ("Odd", 'Say "a,b"\n')
RANGE = {"start": "2026-02-12T00:00:00Z", "end": "2026-02-14T00:00:00Z"}


def app_of(store):
    app = FastAPI()
    errors.install(app)
    app.include_router(export_routes.build(store, ObjectReader(store, 2), ParquetReader(store), Workers()))
    return Everybody(app)


@pytest.fixture
def filled(folder_lake):
    random = np.random.default_rng(3)
    for day in (DAY, DAY.shifted(1)):
        for part in range(3):
            t = day.start_ns + part * 3600 * S + np.arange(500) * 10_000_007
            signals = {
                SPEED: (t.tolist(), random.normal(size=500).tolist()),
                LEVEL: (t[::7].tolist(), [float("nan")] * 72),
            }
            put_decoded(folder_lake, day, f"{day.date:%Y%m%d}T0{part}0000.000Z", signals)
    compact_day(folder_lake, DAY)
    put_decoded(folder_lake, DAY, "late", {ODD: ([DAY.start_ns + 5, DAY.start_ns + 6], [float("inf"), 0.1])})
    return folder_lake


@pytest.fixture
def client(filled, serving):
    return serving(app_of(filled))


def decoded(store):
    text = pl.selectors.categorical().cast(pl.String)
    infos = store.list_objects(layout.DECODED)
    return pl.concat([pl.read_parquet(store.get(info.key)).with_columns(text) for info in infos])


def in_order(rows):
    return rows.select(schema.DECODED.names).sort(["timestamp", "message_name", "signal_name"])


def test_a_parquet_file_holds_the_decoded_rows(client, filled):
    answer = client.get(
        f"/vehicles/{V}/export", params={**RANGE, "message": ["Drive", "Odd"], "format": "parquet"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert "content-length" not in answer.headers
    name = "VIN1_20260212T000000.000Z_20260214T000000.000Z.parquet"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    file = pq.ParquetFile(io.BytesIO(answer.content))
    found = pl.DataFrame(file.read()).with_columns(pl.selectors.categorical().cast(pl.String))
    assert found.equals(in_order(decoded(filled)))
    said = json.loads(file.metadata.metadata[b"can_telemetry.export"])
    assert (said["vehicle_id"], said["signals"][0], said["skipped_objects"]) == (V, "Drive.Level", 0)


def test_csv_holds_the_same_rows(client, filled):
    answer = client.get(f"/vehicles/{V}/export", params={**RANGE, "message": ["Drive", "Odd"]})
    assert answer.headers["content-type"].startswith("text/csv")
    expected = in_order(decoded(filled))
    found = pl.read_csv(io.BytesIO(answer.content), schema_overrides={"timestamp": pl.String})
    assert found.columns == schema.DECODED.names
    stamps = found["timestamp"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.9fZ", time_unit="ns")
    assert stamps.equals(expected["timestamp"], null_equal=True)
    assert found["timestamp"][0] == "2026-02-12T00:00:00.000000000Z"
    assert found["value"].cast(pl.Float64).equals(expected["value"])
    for name in ("vehicle_id", "message_name", "signal_name", "unit", "channel"):
        assert found[name].fill_null("").to_list() == expected[name].to_list()


@pytest.mark.parametrize(
    ("accept", "kind"), [("application/vnd.apache.parquet", "parquet"), ("text/csv", "csv"), ("*/*", "csv")]
)
def test_accept_chooses_the_format_and_the_parameter_wins(client, accept, kind):
    asked = {**RANGE, "signals": "Drive.Speed"}
    answer = client.get(f"/vehicles/{V}/export", params=asked, headers={"Accept": accept})
    assert answer.headers["content-disposition"].endswith(f'.{kind}"')
    answer = client.get(
        f"/vehicles/{V}/export", params={**asked, "format": "csv"}, headers={"Accept": accept}
    )
    assert answer.headers["content-disposition"].endswith('.csv"')


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_csv_is_compressed_as_the_client_takes_it(client, coding):
    asked = {**RANGE, "signals": "Drive.Speed,Drive.Level"}
    plain = client.get(f"/vehicles/{V}/export", params=asked, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream(
        "GET", f"/vehicles/{V}/export", params=asked, headers={"Accept-Encoding": coding}
    ) as answer:
        squeezed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == coding
    assert "Accept-Encoding" in answer.headers["vary"]
    body = (
        gzip.decompress(squeezed)
        if coding == "gzip"
        else pa.CompressedInputStream(pa.BufferReader(squeezed), "zstd").read()
    )
    assert bytes(body) == plain.content
    assert len(squeezed) < len(plain.content) / 2


def test_a_range_is_half_open(client):
    first = DAY.start_ns + 10_000_007
    asked = {
        "signals": "Drive.Speed",
        "start": "2026-02-12T00:00:00.010000007Z",
        "end": "2026-02-12T00:00:00.020000014Z",
    }
    lines = client.get(f"/vehicles/{V}/export", params=asked).text.splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == ["2026-02-12T00:00:00.010000007Z"]
    assert first % S == 10_000_007


def test_a_range_without_rows_is_a_file_without_rows(client):
    asked = {"signals": "Drive.Speed", "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
    assert client.get(f"/vehicles/{V}/export", params=asked).text == ",".join(schema.DECODED.names) + "\n"
    body = client.get(f"/vehicles/{V}/export", params={**asked, "format": "parquet"}).content
    assert pq.ParquetFile(io.BytesIO(body)).metadata.num_rows == 0


@pytest.mark.parametrize(
    ("vehicle", "asked", "status", "says"),
    [
        (V, {}, 422, "no signals are asked for"),
        (V, {"signals": "Speed"}, 422, "not a signal"),
        (V, {"signals": "Drive.Spead"}, 404, "no signal Drive.Spead"),
        (V, {"message": "Driv"}, 404, "no message Driv"),
        ("VIN2", {"message": "Drive"}, 404, "VIN2"),
        ("a b", {"message": "Drive"}, 422, "not a vehicle id"),
        (V, {"signals": "Drive.Speed", "format": "xlsx"}, 422, "format"),
        (V, {"signals": "Drive.Speed", "end": "2026-02-12T00:00:00Z"}, 422, "end must be after start"),
        (V, {"signals": "Drive.Speed", "start": "2026-02-12T00:00:00"}, 422, "no time zone"),
        (V, {"signals": ",".join(f"M.S{number}" for number in range(201))}, 422, "201 signals"),
    ],
)
def test_what_cannot_be_exported_says_why(client, vehicle, asked, status, says):
    answer = client.get(f"/vehicles/{vehicle}/export", params=RANGE | asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]


def test_objects_that_cannot_be_read_are_counted(client, filled):
    filled.put(DecodedObject(DAY, "broken").key, b"not Parquet")
    answer = client.get(f"/vehicles/{V}/export", params={**RANGE, "signals": "Drive.Speed"})
    assert answer.headers["telemetry-skipped-objects"] == "1"
    assert len(answer.text.splitlines()) == 3001


def test_an_error_halfway_breaks_the_connection(client, filled, monkeypatch):
    monkeypatch.setattr(row_export, "TABLE_ROWS", 100)
    key = DecodedObject(DAY.shifted(1), "20260213T020000.000Z").key
    body = bytearray(filled.get(key))
    body[200:1500] = b"\xff" * 1300
    filled.put(key, bytes(body))
    for kind in ("csv", "parquet"):
        asked = {**RANGE, "signals": "Drive.Speed", "format": kind}
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"/vehicles/{V}/export", params=asked)
    assert client.get(f"/vehicles/{V}/export", params={**RANGE, "signals": "Odd.X"}).status_code == 404


def test_a_client_that_is_gone_stops_the_work(filled, serving, monkeypatch):
    monkeypatch.setattr(row_export, "TABLE_ROWS", 10)
    ended = threading.Event()
    made = []
    tables = row_export.RowExport.tables

    def watched(self):
        try:
            for table in tables(self):
                for _ in range(50):  # more than buffers take
                    made.append(1)
                    yield table
        finally:
            ended.set()

    monkeypatch.setattr(row_export.RowExport, "tables", watched)
    client = serving(app_of(filled))
    host, port = client.base_url.host, client.base_url.port
    with socket.create_connection((host, port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        query = f"start={RANGE['start']}&end={RANGE['end']}&signals=Drive.Speed"
        connection.sendall(f"GET /vehicles/{V}/export?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        wait_until(lambda: made, "rows to be made", pause=0.01)
        assert not ended.is_set()
    wait_until(ended.is_set, "the export to stop", pause=0.01, seconds=60)
    assert len(made) < 15_000
