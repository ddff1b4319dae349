"""The double refuses what Athena refuses, and answers as Athena answers: what passes here means something."""

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import pyathena
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyathena.cursor import Cursor

from telemetry_pipeline.lake.layout import Partition
from tests.decoded_lake import put_decoded
from tests.doubles.athena.engine import _double
from tests.doubles.athena.running import AthenaLake, AthenaServer, make_lake
from tests.moto_server import ENV

DAY = Partition("VIN_1", dt.date(2026, 12, 31))
SAMPLES = 2500


@pytest.fixture(scope="module")
def lake(athena_server: AthenaServer) -> Iterator[AthenaLake]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENV.items():
            patch.setenv(name, value)
        made = make_lake(athena_server)
        t = [DAY.start_ns + number * 1_000_000_007 for number in range(SAMPLES)]
        put_decoded(
            made.store, DAY, "a", {("Drive", "Speed"): (t, [number / 7 for number in range(SAMPLES)])}
        )
        put_decoded(made.store, DAY.shifted(1), "a", {("Drive", "Speed"): ([DAY.end_ns], [0.5])})
        made.register()
        yield made


def ask(lake: AthenaLake, sql: str, parameters: list[str] | None = None, **options: Any) -> Cursor:
    connection = pyathena.connect(
        session=lake.server.session(),
        region_name="us-east-1",
        endpoint_url=lake.server.endpoint,
        schema_name=lake.database,
        work_group=options.pop("work_group", lake.workgroup),
        s3_staging_dir="",
        poll_interval=0.05,
    )
    return connection.cursor().execute(sql, parameters, paramstyle="qmark", **options)


@pytest.mark.parametrize(
    ("sql", "parameters", "reason"),
    [
        ("SELECT ? FROM decoded_signals", ["'x'"], "WHERE clause only"),
        ("SELECT value FROM decoded_signals ORDER BY ?", ["1"], "WHERE clause only"),
        ("SELECT value FROM decoded_signals WHERE unit = ?", ["km"], "cannot contain column references"),
        (
            "SELECT value FROM decoded_signals WHERE unit = ?",
            ["'x' OR 1=1"],
            "Constant expression|mismatched",
        ),
        ("SELECT value FROM decoded_signals WHERE unit = ?", ["'x"], "mismatched input"),
        ("SELECT value FROM decoded_signals WHERE unit = ?", ["'a'", "'b'"], "expected 1 but found 2"),
        ("SELECT value FROM decoded_signals WHERE unit = ? AND day = ?", ["'a'"], "expected 2 but found 1"),
        ('SELECT DATE("timestamp") FROM decoded_signals', None, "Cannot cast bigint to date"),
        ("SELECT value FROM decoded_signals WHERE year = 2026", None, "Cannot apply operator"),
        ("SELECT value FROM decoded_signals WHERE nothing = 'x'", None, "COLUMN_NOT_FOUND"),
        ("SELECT value FROM no_such_table", None, "TABLE_NOT_FOUND"),
        ("SELECT value FRM decoded_signals WHERE", None, "SYNTAX_ERROR"),
    ],
)
def test_it_refuses_what_athena_refuses(lake: AthenaLake, sql: str, parameters: Any, reason: str) -> None:
    with pytest.raises(pyathena.OperationalError, match=reason):
        ask(lake, sql, parameters)


def test_a_workgroup_that_is_not_there_is_refused_at_once(lake: AthenaLake) -> None:
    with pytest.raises(pyathena.DatabaseError, match="WorkGroup nobody is not found"):
        ask(lake, "SELECT 1", work_group="nobody")


def test_rows_come_in_pages_of_a_thousand(lake: AthenaLake) -> None:
    cursor = ask(lake, 'SELECT "timestamp", value FROM decoded_signals WHERE vehicle_id = ?', ["'VIN_1'"])
    rows = cursor.fetchall()
    assert len(rows) == SAMPLES + 1
    assert sorted(rows)[1] == (DAY.start_ns + 1_000_000_007, 1 / 7)
    athena = lake.server.client("athena")
    page = athena.get_query_results(QueryExecutionId=cursor.query_id)
    assert len(page["ResultSet"]["Rows"]) == 1000  # the names of the columns are the first
    assert page["ResultSet"]["Rows"][0]["Data"][0] == {"VarCharValue": "timestamp"}
    second = athena.get_query_results(QueryExecutionId=cursor.query_id, NextToken=page["NextToken"])
    assert len(second["ResultSet"]["Rows"]) == 1000


def test_bytes_are_those_of_the_columns_and_partitions_that_are_read(lake: AthenaLake) -> None:
    def scanned(columns: str, where: str) -> int:
        return int(
            ask(lake, f"SELECT {columns} FROM decoded_signals WHERE {where}").data_scanned_in_bytes or 0
        )

    whole = scanned('"timestamp", value', "vehicle_id = 'VIN_1'")
    assert 0 < scanned("value", "vehicle_id = 'VIN_1'") < whole
    assert 0 < scanned('"timestamp", value', "day = '01'") < whole / 10
    assert scanned("value", "day = '02'") == 0
    assert scanned('"timestamp", value', f'"timestamp" >= {DAY.end_ns}') < whole / 10


def test_a_partition_that_is_not_registered_is_silently_not_there(lake: AthenaLake) -> None:
    put_decoded(lake.store, DAY.shifted(7), "a", {("Drive", "Speed"): ([DAY.shifted(7).start_ns], [1.0])})
    cursor = ask(lake, "SELECT count(*) FROM decoded_signals WHERE vehicle_id = 'VIN_1'")
    assert cursor.fetchall() == [(SAMPLES + 1,)]


def test_integers_divide_as_integers(lake: AthenaLake) -> None:
    found = ask(lake, "SELECT DISTINCT 7 / 2, -7 / 2, mod(-7, 3) FROM decoded_signals").fetchall()
    assert found == [(3, -3, -1)]


@given(st.floats())
def test_numbers_are_spelt_as_java_does_and_stay_what_they_are(value: float) -> None:
    text = _double(value)
    again = float(text.replace("Infinity", "inf"))
    assert again == value or (math.isnan(again) and math.isnan(value))
    assert ("E" in text) == (0 < abs(value) < 1e-3 or 1e7 <= abs(value) < float("inf"))
