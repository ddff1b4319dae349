"""Keys are a contract: they are spelled out here, and whatever is made is read back."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.instant import MAX_NS, MIN_NS
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition, RawObject

VEHICLES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
INSTANTS = st.integers(MIN_NS, MAX_NS)


def test_keys_are_spelled_like_this() -> None:
    raw = RawObject.starting("VIN_TEST01", 1_771_831_268_042_999_999)
    assert raw.key == "raw/vehicle_id=VIN_TEST01/year=2026/month=02/day=23/20260223T072108.042Z_raw.parquet"
    assert raw.decoded_key == (
        "decoded/vehicle_id=VIN_TEST01/year=2026/month=02/day=23/20260223T072108.042Z_decoded.parquet"
    )
    assert raw.quarantine_key == f"quarantine/{raw.key}"
    assert raw.reason_key == f"quarantine/{raw.key}.json"
    assert raw.spill(1).key == (
        "decoded/vehicle_id=VIN_TEST01/year=2026/month=02/day=24/20260223T072108.042Z_decoded.parquet"
    )


@pytest.mark.parametrize("stem", ["trip", "20260222T235959Z", "20260224T000000.000Z"])
def test_a_spilled_object_is_never_taken_for_a_receipt(stem: str) -> None:
    raw = RawObject(Partition("V", dt.date(2026, 2, 23)), stem)
    for days in (-1, 1):
        assert raw.spill(days).partition == raw.partition.shifted(days)
        assert raw.spill(days).stem == f"{stem}~20260223"
        assert raw.spill(days).key != RawObject(raw.partition.shifted(days), stem).decoded_key


def test_the_seeds_keys_are_read() -> None:
    raw = RawObject.parse("raw/vehicle_id=V/year=2026/month=02/day=23/20260223T072108Z_raw.parquet")
    assert raw.stem == "20260223T072108Z"
    assert layout.stem_start_ns(raw.stem) == 1_771_831_268_000_000_000


@given(VEHICLES, INSTANTS)
def test_what_is_made_is_read_back(vehicle: str, ns: int) -> None:
    raw = RawObject.starting(vehicle, ns)
    assert RawObject.parse(raw.key) == raw
    assert DecodedObject.parse(raw.decoded_key) == DecodedObject(raw.partition, raw.stem)
    assert raw.partition.start_ns <= ns < raw.partition.end_ns
    assert layout.stem_start_ns(raw.stem) == ns // 1_000_000 * 1_000_000
    assert layout.partition_of(raw.partition.prefix(layout.RAW).rstrip("/"), layout.RAW) == raw.partition
    month = layout.month_of(raw.partition.month_prefix(layout.RAW), layout.RAW)
    assert month == Partition(vehicle, raw.partition.date.replace(day=1))
    assert layout.vehicle_of(layout.vehicle_prefix(layout.RAW, vehicle)) == vehicle


@given(VEHICLES, INSTANTS, INSTANTS)
def test_keys_sort_by_time(vehicle: str, one: int, other: int) -> None:
    early, late = sorted((one, other))
    assert RawObject.starting(vehicle, early).key <= RawObject.starting(vehicle, late).key


@given(VEHICLES, st.integers(0, 10**18), st.integers(0, 40 * DAY_NS))
def test_a_range_touches_every_day_in_it(vehicle: str, start: int, length: int) -> None:
    days = list(layout.days_between(vehicle, start, start + length))
    touched = {Partition.containing(vehicle, ns) for ns in range(start, start + length, DAY_NS)}
    if length:
        touched.add(Partition.containing(vehicle, start + length - 1))
    assert set(days) == touched
    assert days == sorted(days)


def test_a_range_over_new_year_has_both_years() -> None:
    new_year = int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()) * 10**9
    days = [item.date.isoformat() for item in layout.days_between("V", new_year - 1, new_year + 1)]
    assert days == ["2025-12-31", "2026-01-01"]


@pytest.mark.parametrize(
    "vehicle", ["", "..", "a/b", "a b", "Ä", "x" * 65, "a=b", "a'--", "a\n", "a%2Fb", ".hidden"]
)
def test_what_is_no_vehicle_id_is_refused_at_birth(vehicle: str) -> None:
    with pytest.raises(BadKey, match="is not a vehicle id"):
        Partition(vehicle, dt.date(2026, 2, 23))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "raw/x_raw.parquet",
        "raw/vehicle_id=V/year=2026/month=2/day=23/a_raw.parquet",
        "raw/vehicle_id=V/year=2026/month=02/day=30/a_raw.parquet",
        "raw/vehicle_id=V/year=2026/month=13/day=01/a_raw.parquet",
        "raw/vehicle_id=V/year=0001/month=01/day=01/a_raw.parquet",
        "raw/vehicle_id=V/year=9999/month=12/day=31/a_raw.parquet",
        "raw/vehicle_id=V/year=2262/month=04/day=12/a_raw.parquet",
        "raw/vehicle_id=V/year=٢٠٢٦/month=02/day=23/a_raw.parquet",
        "raw/vehicle_id=V W/year=2026/month=02/day=23/a_raw.parquet",
        "raw/vehicle_id=V/year=2026/month=02/day=23/a.parquet",
        "raw/vehicle_id=V/year=2026/month=02/day=23/x/a_raw.parquet",
        "decoded/vehicle_id=V/year=2026/month=02/day=23/a_raw.parquet",
        "raw/vehicle_id=V/year=2026/month=02/day=23/a_raw.parquet.tmp",
    ],
)
def test_what_is_no_raw_key_is_refused(key: str) -> None:
    with pytest.raises(BadKey):
        RawObject.parse(key)


@pytest.mark.parametrize("stem", ["", "x", "20260230T000000Z", "20260223T072108", "1", "٢٠٢٦0223T072108Z"])
def test_a_stem_without_an_instant_has_none(stem: str) -> None:
    assert layout.stem_start_ns(stem) is None


@pytest.mark.parametrize("prefix", ["raw", "raw/x", "raw/vehicle_id=", "raw/vehicle_id=a b"])
def test_a_prefix_of_no_vehicle_has_none(prefix: str) -> None:
    assert layout.vehicle_of(prefix) is None
