"""Partitions are pruned for any range, across New Year and for years, and the text stays short."""

import datetime as dt

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.query.athena.clause import Clause
from telemetry_pipeline.query.athena.pruning import Days
from tests.doubles.athena.parameters import filled

V = "VIN_1"


def date(year: int, month: int, day: int) -> dt.date:
    return dt.date(year, month, day)


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]


def found_by(clause: Clause, every: list[dt.date]) -> set[dt.date]:
    """The days of two vehicles that a condition finds, by executing it."""
    with duckdb.connect() as connection:
        texts = [d.isoformat().split("-") for d in every] * 2
        vehicles = [v for v in (V, "VIN_2") for _ in every]
        rows = dict(zip(("year", "month", "day"), zip(*texts, strict=True), strict=True))
        connection.register("p", pa.table({"vehicle_id": vehicles, **rows}))
        sql = filled(f"SELECT * FROM p WHERE {clause.sql}", list(clause.parameters))
        found = connection.execute(sql).fetchall()
    assert {v for v, *_ in found} <= {V}
    return {dt.date(int(y), int(m), int(d)) for _, y, m, d in found}


@settings(max_examples=60)
@given(st.data())
def test_exactly_the_wanted_days_are_found(data: st.DataObject) -> None:
    first = data.draw(st.dates(date(2024, 11, 1), date(2026, 3, 1)))
    last = first + dt.timedelta(days=data.draw(st.integers(0, 800)))
    every = days(first, last)
    chosen = data.draw(st.sets(st.sampled_from(every), min_size=1, max_size=40))
    if data.draw(st.booleans()):  # long stretches, as a compacted past is
        cut = data.draw(st.sampled_from(every))
        chosen = {day for day in every if day <= cut}
    empty = data.draw(st.sets(st.sampled_from(every), max_size=5)) - chosen
    others = set(every) - chosen - empty
    outside = days(first - dt.timedelta(days=400), last + dt.timedelta(days=400))
    found = found_by(Days(first, last, chosen, others).clause(V), outside)
    assert chosen <= found <= chosen | empty


def test_a_range_over_new_year_has_both_years() -> None:
    clause = Days(date(2025, 12, 30), date(2026, 1, 2), days(date(2025, 12, 30), date(2026, 1, 2))).clause(V)
    assert clause.sql == (
        "vehicle_id = ? AND ((year = ? AND month = ? AND day IN (?, ?)) "
        "OR (year = ? AND month = ? AND day IN (?, ?)))"
    )
    assert clause.parameters == (
        *("'VIN_1'", "'2025'", "'12'", "'30'", "'31'"),
        *("'2026'", "'01'", "'01'", "'02'"),
    )


def test_whole_years_and_months_are_one_condition_each() -> None:
    every = days(date(2022, 11, 30), date(2026, 2, 1))
    clause = Days(every[0], every[-1], every).clause(V)
    assert clause.sql == (
        "vehicle_id = ? AND ((year IN (?, ?, ?)) OR (year = ? AND month = ?) OR (year = ? AND month = ?) "
        "OR (year = ? AND month = ? AND day = ?) OR (year = ? AND month = ? AND day = ?))"
    )
    assert "'12'" in clause.parameters


def test_ten_years_of_every_other_day_stay_short() -> None:
    every = days(date(2016, 1, 1), date(2025, 12, 31))
    clause = Days(every[0], every[-1], every[::2], every[1::2]).clause(V)
    assert len(clause.sql) + sum(map(len, clause.parameters)) < 32_000
