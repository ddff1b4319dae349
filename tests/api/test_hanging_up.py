"""Whoever hangs up ends the reading of samples between two pieces, on a real server, whoever else waits."""

import datetime as dt
import json
import logging
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.app import create_app
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake import series_file
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.query import object_reader, patience, rows
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded
from tests.servers import wait_until

DAY = Partition("VIN1", dt.date(2026, 2, 12))
OBJECTS = 20
SPEED = {"message_name": "Drive", "signal_name": "Speed"}
QUERY = {
    "signals": [SPEED],
    "start_time": "2026-02-12T00:00:00Z",
    "end_time": "2026-02-13T00:00:00Z",
    "method": "raw",
}


def fill(store):
    for number in range(OBJECTS):
        start = DAY.start_ns + number * 60 * 10**9
        times = [start + second * 10**9 for second in range(60)]
        put_decoded(
            store, DAY, f"2026021200{number:02d}00.000Z", {("Drive", "Speed"): (times, [1.0] * len(times))}
        )


def hang_up_when(client, path, body, begun):
    """Ask, and break the connection as soon as the answer is being made."""
    said = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(head.encode() + f"Content-Length: {len(said)}\r\n\r\n".encode() + said)
        wait_until(begun, "the answer to be made")


def test_reading_ends_with_the_connection(folder_lake, serving, monkeypatch, caplog):
    fill(folder_lake)
    read = []
    really = object_reader.read_runs

    def until_nobody_waits(opened, *args):
        read.append(opened.info.key)
        wait_until(lambda: patience.current().gone, "the end of the connection to be known")
        return really(opened, *args)

    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake))
    with caplog.at_level(logging.ERROR), monkeypatch.context() as patched:
        patched.setattr(object_reader, "read_runs", until_nobody_waits)
        hang_up_when(client, "/vehicles/VIN1/query", QUERY, lambda: read)
        wait_until(lambda: 'status="499"' in client.get("/metrics").text, "the question to be given up")
    assert len(read) == 1
    assert not caplog.records  # nothing that anybody should look into
    answer = client.post("/vehicles/VIN1/query", json=QUERY)
    assert len(answer.json()["signals"][0]["data"]) == OBJECTS * 60


def test_a_large_object_is_left_between_two_row_groups(folder_lake, monkeypatch):
    fill(folder_lake)
    monkeypatch.setattr(series_file, "GROUP_ROWS", 100)
    compact_day(folder_lake, DAY)
    reader = ParquetReader(folder_lake)
    asker = patience.Patience()
    times = rows._times

    def leaves(*args):
        asker.leave()
        return times(*args)

    monkeypatch.setattr(rows, "_times", leaves)
    with patience.waiting(asker), pytest.raises(TransientError, match="nobody waits"):
        reader.read("VIN1", [("Drive", "Speed")], DAY.start_ns, DAY.end_ns)


def test_threads_of_a_bucket_know_who_waits(folder_lake):
    objects = ParquetReader(folder_lake).objects
    with ThreadPoolExecutor(2) as objects._pool:
        asker = patience.Patience()
        with patience.waiting(asker):
            assert objects.spread(lambda _: patience.current(), range(4)) == [asker] * 4
            asker.leave()
            with pytest.raises(TransientError, match="nobody waits"):
                objects.spread(str, range(4))
