import pytest

from telemetry_pipeline.cli.arguments import parse_duration, parse_instant
from telemetry_pipeline.errors import BadSetting


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


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("2026-11-22T08:00:00Z", 1_795_334_400_000_000_000),
        ("2026-11-22T09:00:00+01:00", 1_795_334_400_000_000_000),
        ("2026-11-22T08:00:00.123456789Z", 1_795_334_400_123_456_789),
        ("2026-11-22T09:00:00.5+01:00", 1_795_334_400_500_000_000),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_instants(text, ns):
    assert parse_instant(text) == ns


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T08:00:00", "2026-11-22", "yesterday", "", "2026-02-30T00:00:00Z", "2026-11-22T08:00:00.1x"],
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(BadSetting):
        parse_instant(text)
