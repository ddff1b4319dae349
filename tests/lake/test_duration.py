"""Spans of time as people write them: read exactly, and refused where they say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.duration import format_duration, parse_duration
from telemetry_pipeline.lake.instant import MAX_NS


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("250ms", 250_000_000),
        ("90s", 90_000_000_000),
        ("10m", 600_000_000_000),
        ("1.5h", 5_400_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("2D", 172_800_000_000_000),
        (" 0.1s ", 100_000_000),
    ],
)
def test_durations(text, ns):
    assert parse_duration(text) == ns


@pytest.mark.parametrize("text", ["", "10", "ten minutes", "-5s", "10m5", "0s", "0.0000000001s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadSetting):
        parse_duration(text)


@pytest.mark.parametrize("text", ["106752d", "300000d", "9" * 400 + "h", "9223372036.854775808s"])
def test_what_int64_nanoseconds_do_not_hold_is_refused(text):
    with pytest.raises(BadSetting, match="out of reach"):
        parse_duration(text)


@given(st.integers(1, MAX_NS))
def test_every_duration_survives_being_written_and_read(ns):
    assert parse_duration(format_duration(ns)) == ns
