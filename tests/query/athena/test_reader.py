"""The reader over Athena where it differs from its neighbour: what it asks for, and what it does when Athena cannot.

That both give the same answers is held by tests/contract/test_readers.py.
"""

import datetime as dt
import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from fastapi import FastAPI

from api.waiting import WaitingMiddleware
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS
from telemetry_pipeline.errors import NotFound, TooLarge, TransientError
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.query.athena.runner import Fetched, Runner
from telemetry_pipeline.query.athena.statement import Statement
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.state import list_series
from tests.athena_lake import open_athena_reader
from tests.decoded_lake import put_decoded
from tests.doubles.athena.running import AthenaLake
from tests.moto_server import ENV
from tests.servers import free_port, wait_until

pytestmark = pytest.mark.slow

V = "VIN_1"
EVE = Partition(V, dt.date(2026, 12, 31))
SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")
S = 1_000_000_000


def put(lake: AthenaLake, day: Partition, stem: str = "a", first: float = 1.0, seconds: int = 0) -> None:
    t = [day.start_ns + (seconds + number) * S for number in range(100)]
    put_decoded(lake.store, day, stem, {SPEED: (t, [first + number for number in range(100)])})


def asked_of(lake: AthenaLake) -> list[str]:
    """The tables of the lake's queries, oldest first."""
    return [
        "+".join(table for table in ("signal_series", "decoded_signals") if table in query["Query"])
        for query in lake.queries()
    ]


def test_a_month_over_new_year_prunes_its_partitions(athena_lake: AthenaLake) -> None:
    for number in range(-20, 40, 10):
        put(athena_lake, EVE.shifted(number))
    reader = open_athena_reader(athena_lake)
    one = reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns)
    every = reader.read(V, [SPEED], EVE.shifted(-30).start_ns, EVE.shifted(60).end_ns)
    assert [len(answer.series[0].t) for answer in (one, every)] == [100, 600]
    assert every.bytes_scanned > 4 * one.bytes_scanned > 0
    assert (one.rows_scanned, every.rows_scanned) == (100, 600)


def test_lists_counts_and_overviews_are_not_asked_of_athena(athena_lake: AthenaLake) -> None:
    for number in range(2):
        put(athena_lake, EVE.shifted(number))
    compact_day(athena_lake.store, EVE)
    reader = open_athena_reader(athena_lake)
    assert [vehicle.vehicle_id for vehicle in reader.vehicles()] == [V]
    assert len(reader.sessions(V)) == 2
    assert reader.messages(V)[0].message == "Drive"
    assert reader.signals(V, "Drive")[0].maximum == 100.0
    assert reader.count(V, [SPEED], EVE.start_ns, EVE.end_ns) == {SPEED: 100}
    assert len(reader.recorded(V, EVE.start_ns, EVE.end_ns)) == 1
    found = reader.buckets(V, [SPEED], EVE.start_ns, EVE.shifted(1).end_ns, 60 * S)
    assert found.rows[SPEED].count.sum() == 200
    assert reader.read(V, [SPEED], EVE.shifted(9).start_ns, EVE.shifted(9).end_ns).series[0].unit == "km/h"
    assert athena_lake.queries() == []


def test_fine_buckets_return_a_row_each_and_not_the_samples(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    compact_day(athena_lake.store, EVE)
    found = open_athena_reader(athena_lake).buckets(V, [SPEED], EVE.start_ns, EVE.end_ns, 25 * S)
    assert found.rows[SPEED].count.tolist() == [25] * 4
    assert (found.rows_scanned, asked_of(athena_lake)) == (100, ["signal_series"])


def test_uncompacted_days_are_summed_up_by_athena_at_any_width(athena_lake: AthenaLake) -> None:
    for number in range(3):
        put(athena_lake, EVE.shifted(number))
    found = open_athena_reader(athena_lake).buckets(V, [SPEED], EVE.start_ns, EVE.shifted(2).end_ns, 600 * S)
    assert found.rows[SPEED].count.tolist() == [100] * 3
    assert asked_of(athena_lake) == ["decoded_signals"]


def test_a_former_result_is_taken_until_a_late_object_comes(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    compact_day(athena_lake.store, EVE)
    reader = open_athena_reader(athena_lake)

    def ask() -> tuple[int, bool]:
        (series,) = reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns).series
        return len(series.t), athena_lake.queries()[-1]["Statistics"]["ResultReuseInformation"][
            "ReusedPreviousResult"
        ]

    assert [ask(), ask()] == [(100, False), (100, True)]
    put(athena_lake, EVE, "late", seconds=200)
    assert ask() == (200, False)
    compact_day(athena_lake.store, EVE)
    assert [ask(), ask()] == [(200, False), (200, True)]


def test_results_of_other_parameters_are_never_taken(athena_lake: AthenaLake) -> None:
    t = [EVE.start_ns]
    put_decoded(athena_lake.store, EVE, "a", {SPEED: (t, [1.0]), LEVEL: (t, [2.0])})
    compact_day(athena_lake.store, EVE)
    reader = open_athena_reader(athena_lake)
    found = [reader.read(V, [name], EVE.start_ns, EVE.end_ns).series[0].v.tolist() for name in (SPEED, LEVEL)]
    assert found == [[1.0], [2.0]]


def test_partitions_that_the_catalogue_does_not_know_are_no_hole(
    athena_lake: AthenaLake, caplog: pytest.LogCaptureFixture
) -> None:
    put(athena_lake, EVE)
    compact_day(athena_lake.store, EVE)
    reader = open_athena_reader(athena_lake)
    put(athena_lake, EVE.shifted(1))
    span = (EVE.start_ns, EVE.shifted(1).end_ns)
    assert len(reader.read(V, [SPEED], *span).series[0].t) == 200
    assert reader.buckets(V, [SPEED], *span, 50 * S).rows[SPEED].count.tolist() == [50, 50, 50, 50]
    assert athena_lake.queries() == []
    assert "the catalogue does not know 1 days of VIN_1 (2027-01-01 …)" in caplog.text
    athena_lake.register()
    assert len(reader.read(V, [SPEED], *span).series[0].t) == 200
    assert asked_of(athena_lake) == ["signal_series+decoded_signals"]


def test_a_series_partition_that_is_not_registered_leaves_its_decoded_one(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    reader = open_athena_reader(athena_lake)
    compact_day(athena_lake.store, EVE)
    assert len(reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns).series[0].t) == 100
    assert asked_of(athena_lake) == ["decoded_signals"]


def test_known_partitions_are_not_asked_for_again(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    reader = open_athena_reader(athena_lake)
    reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns)
    glue = athena_lake.server.client("glue")
    glue.delete_table(DatabaseName=athena_lake.database, Name="decoded_signals")
    with pytest.raises(Exception, match="telemetry catalog sync"):  # as Athena says it, not as Glue
        reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns)


def test_a_projected_table_needs_no_partitions(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    reader = open_athena_reader(athena_lake)
    athena_lake.glue.ensure_table(DECODED_SIGNALS, {"projection.enabled": "true"})
    put(athena_lake, EVE.shifted(1))
    reader.read(V, [SPEED], EVE.shifted(1).start_ns, EVE.shifted(1).end_ns)
    assert asked_of(athena_lake) == ["decoded_signals"]


def test_broken_objects_are_left_out_and_counted(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    athena_lake.store.put(DecodedObject(EVE, "no-parquet").key, b"this is nothing of the kind")
    put(athena_lake, EVE, "torn", seconds=300)
    torn = DecodedObject(EVE, "torn").key
    body = bytearray(athena_lake.store.get(torn))
    body[4:400] = bytes(396)  # its footer is whole, its pages are not
    athena_lake.store.put(torn, bytes(body))
    reader, other = open_athena_reader(athena_lake), ParquetReader(athena_lake.store)
    for found in (reader, other):
        answer = found.read(V, [SPEED], EVE.start_ns, EVE.end_ns)
        assert (len(answer.series[0].t), answer.skipped_objects) == (100, 2)


def test_nulls_of_other_writers_are_what_they_are_to_the_other_reader(athena_lake: AthenaLake) -> None:
    table = pa.table(
        {
            "timestamp": pa.array(
                [EVE.start_ns, EVE.start_ns + 1, None, EVE.start_ns + 3], pa.timestamp("ns")
            ),
            "vehicle_id": [V] * 4,
            "message_name": ["Drive"] * 4,
            "signal_name": ["Speed"] * 4,
            "value": pa.array([1.0, None, 3.0, 4.0]),
            "unit": pa.array([None] * 4, pa.string()),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    athena_lake.store.put(DecodedObject(EVE, "foreign").key, sink.getvalue())
    reader, other = open_athena_reader(athena_lake), ParquetReader(athena_lake.store)
    span = (EVE.start_ns, EVE.end_ns)
    (found,), (wanted,) = (one.read(V, [SPEED], *span).series for one in (reader, other))
    np.testing.assert_array_equal(found.v, [1.0, np.nan, 4.0])
    np.testing.assert_array_equal(found.v, wanted.v)
    np.testing.assert_array_equal(found.t, wanted.t)
    assert found.unit == wanted.unit == ""
    buckets, expected = (one.buckets(V, [SPEED], *span, 7 * S).rows[SPEED] for one in (reader, other))
    assert (buckets.count.tolist(), buckets.nonfinite.tolist()) == ([3], [1])
    np.testing.assert_array_equal(buckets.sum_above_min, expected.sum_above_min)


def test_an_object_that_only_athena_cannot_read_is_not_left_out(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    path = f"{athena_lake.store.url}/{DecodedObject(EVE, 'a').key}"
    reader = open_athena_reader(athena_lake)
    athena_lake.server.order({"fail": {"reason": f"HIVE_CURSOR_ERROR: Failed to read {path}", "category": 3}})
    with pytest.raises(TransientError, match="HIVE_CURSOR_ERROR"):
        reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns)
    assert len(reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns).series[0].t) == 100


def test_a_series_object_that_is_replaced_meanwhile_is_asked_for_again(
    athena_lake: AthenaLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(athena_lake, EVE)
    compact_day(athena_lake.store, EVE)
    reader = open_athena_reader(athena_lake)
    run, begun = Runner.run, []

    def late(self: Runner, statement: Statement) -> Fetched:
        if not begun:
            begun.append(True)
            put(athena_lake, EVE, "late", seconds=200)
            compact_day(athena_lake.store, EVE)
        return run(self, statement)

    monkeypatch.setattr(Runner, "run", late)
    assert len(reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns).series[0].t) == 200
    assert len(athena_lake.queries()) == 2


def test_two_series_objects_at_once_count_once(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    compact_day(athena_lake.store, EVE)
    (first,) = list_series(athena_lake.store, EVE)
    body = athena_lake.store.get(first.key)
    put(athena_lake, EVE, "late", seconds=200)
    compact_day(athena_lake.store, EVE)
    athena_lake.store.put(first.key, body)  # as while one is being replaced
    answer = open_athena_reader(athena_lake).read(V, [SPEED], EVE.start_ns, EVE.end_ns)
    assert len(answer.series[0].t) == len(np.unique(answer.series[0].t)) == 200
    assert asked_of(athena_lake) == ["signal_series"]


def test_more_rows_than_text_should_hold_come_from_the_objects(athena_lake: AthenaLake) -> None:
    put(athena_lake, EVE)
    reader = open_athena_reader(athena_lake)
    reader._most_rows = 99
    assert len(reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns).series[0].t) == 100
    assert athena_lake.queries() == []
    reader._lake._max_rows = 99
    with pytest.raises(TooLarge, match="100 rows"):
        reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns)


@pytest.mark.parametrize(
    "name",
    [
        ("Drive", "Speed' OR '1'='1"),
        ("Drive'; DROP TABLE decoded_signals; --", "Speed"),
        ("?", "' OR ?"),
        ("Drive", "x" * 5000),
    ],
)
def test_a_name_that_would_be_sql_is_a_name_that_is_not_there(
    athena_lake: AthenaLake, name: tuple[str, str]
) -> None:
    put(athena_lake, EVE)
    reader = open_athena_reader(athena_lake)
    with pytest.raises(NotFound):
        reader.read(V, [SPEED, name], EVE.start_ns, EVE.end_ns)


def test_a_name_that_looks_like_sql_and_is_there_is_read(athena_lake: AthenaLake) -> None:
    odd = ("Drive'; --", "Speed' OR '1'='1 ?")
    put_decoded(athena_lake.store, EVE, "a", {odd: ([EVE.start_ns], [7.0]), SPEED: ([EVE.start_ns], [1.0])})
    (series,) = open_athena_reader(athena_lake).read(V, [odd], EVE.start_ns, EVE.end_ns).series
    assert (series.message, series.signal, series.v.tolist()) == (*odd, [7.0])


@pytest.fixture
def served(athena_lake: AthenaLake) -> Iterator[int]:
    """A service over Athena on a port."""
    put(athena_lake, EVE)
    reader = open_athena_reader(athena_lake)
    app = FastAPI()

    @app.get("/samples")
    def samples() -> int:
        return len(reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns).series[0].t)

    app.add_middleware(WaitingMiddleware)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server")
    yield port
    server.should_exit = True
    thread.join(60)


def test_a_client_that_hangs_up_stops_its_query(athena_lake: AthenaLake, served: int) -> None:
    athena_lake.server.order({"delay_s": 300})
    with socket.create_connection(("127.0.0.1", served)) as connection:
        connection.sendall(b"GET /samples HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(athena_lake.queries, "the query to begin")
    wait_until(lambda: athena_lake.queries()[0]["Status"]["State"] == "CANCELLED", "the query to be stopped")


def test_the_command_line_asks_athena_where_a_workgroup_is_named(
    athena_lake: AthenaLake, tmp_path: Path
) -> None:
    put(athena_lake, EVE)
    athena_lake.register()
    env = ENV | {
        "PATH": "",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": athena_lake.server.endpoint,
        "TELEMETRY_LAKE": athena_lake.store.url,
        "TELEMETRY_CATALOG": athena_lake.database,
        "TELEMETRY_ATHENA_WORKGROUP": athena_lake.workgroup,
    }
    command = [str(Path(sys.executable).parent / "telemetry"), "query", V, "Drive.Speed", "--json"]
    span = ["--start", "2026-12-31T00:00:00Z", "--end", "2026-12-31T00:00:10Z"]
    done = subprocess.run([*command, *span], env=env, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["signals"][0]["data"]) == 10
    assert asked_of(athena_lake) == ["decoded_signals"]
