"""Instants and days: to the nanosecond, with their zone, and refused beyond what int64 holds."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.instant import MAX_NS, MIN_NS, format_instant, parse_day, parse_instant


@given(st.integers(MIN_NS, MAX_NS))
def test_every_nanosecond_survives_being_written_and_read(ns):
    text = format_instant(ns)
    assert text.endswith("Z")
    assert parse_instant(text) == ns


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_500_000_000, "1970-01-01T00:00:01.500Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"),
    ],
)
def test_zeros_beyond_the_millisecond_are_left_out(ns, text):
    assert format_instant(ns) == text


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        "1677-09-21T00:12:43Z",
        "2262-04-12T00:00:00Z",
    ],
)
def test_what_int64_nanoseconds_do_not_reach_is_refused(text):
    with pytest.raises(BadSetting, match="out of reach"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("2026-11-22T08:00:00Z", 1_795_334_400_000_000_000),
        ("2026-11-22T09:00:00+01:00", 1_795_334_400_000_000_000),
        ("2026-11-22T08:00:00.123456789Z", 1_795_334_400_123_456_789),
        ("2026-11-22T08:00:00.12345678987Z", 1_795_334_400_123_456_789),
        ("2026-11-22T09:00:00.5+01:00", 1_795_334_400_500_000_000),
        ("20261122T080000.5Z", 1_795_334_400_500_000_000),
        ("20261122T080000,000000001Z", 1_795_334_400_000_000_001),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_instants(text, ns):
    assert parse_instant(text) == ns


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not an instant"),
        ("yesterday", "is not an instant"),
        ("2026-02-30T00:00:00Z", "is not an instant"),
        ("2026-11-22T08:00:00.1x", "is not an instant"),
        ("2026-11-22T08:00.5Z", "is not an instant"),  # half a minute to ISO 8601
        ("2026-11-22T08.5Z", "is not an instant"),
        ("2026-11-22", "names no time zone"),
        ("2026-03-01T10:00:00", "names no time zone"),
    ],
)
def test_what_is_no_instant_is_refused(text, says):
    with pytest.raises(BadSetting, match=says):
        parse_instant(text)


def test_days():
    assert parse_day(" 2026-11-22 ") == dt.date(2026, 11, 22)
    for text in ("", "22.11.2026", "2026-02-30", "yesterday"):
        with pytest.raises(BadSetting, match="is not a day"):
            parse_day(text)
