"""What became of an object is the same at both ends of a Pipes session."""

import json

from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline import errors
from telemetry_pipeline.decode.report import CLASSES, Report
from telemetry_pipeline.decode.signals import SignalStats
from telemetry_pipeline.errors import TelemetryError, Unforeseen
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.pipes import outcome_from_dict, outcome_to_dict
from telemetry_pipeline.process import Outcome
from tests.raw_lake import NOON

RAW = RawObject.starting("EV_001", NOON)
COUNTS = st.integers(0, 2**53)
NAMES = st.text(max_size=20)
BY = st.dictionaries(NAMES, COUNTS, max_size=3)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
STATS = st.builds(
    SignalStats,
    **dict.fromkeys(("message", "signal", "unit"), NAMES),
    **dict.fromkeys(("rows", "first_ns", "last_ns", "nonfinite", "out_of_range"), COUNTS),
    **dict.fromkeys(("minimum", "maximum", "total", "worst_out_of_range"), NUMBERS),
    first_out_of_range_ns=st.none() | COUNTS,
)
REPORTS = st.builds(
    Report,
    **dict.fromkeys((*CLASSES, "outside_day", "other_vehicle"), COUNTS),
    **dict.fromkeys(
        ("unknown_ids", "decode_errors", "skipped_by", "bad_rows_by", "messages", "transfers"), BY
    ),
    signals=st.lists(STATS, max_size=3).map(tuple),
)
FAULTS = st.builds(
    lambda cls, what, where, remedy: cls(what, where, remedy),
    st.sampled_from([cls for cls in vars(errors).values() if isinstance(cls, type)]),
    *(NAMES for _ in range(3)),
)


def told(outcome: Outcome) -> Outcome:
    text = json.dumps(outcome_to_dict(outcome), allow_nan=False)
    return outcome_from_dict(json.loads(text))


@given(REPORTS)
def test_a_report_goes_through_unchanged(report: Report) -> None:
    assert told(Outcome(RAW, report=report)) == Outcome(RAW, report=report)


@given(FAULTS)
def test_a_fault_keeps_its_class_and_its_words(fault: TelemetryError) -> None:
    again = told(Outcome(RAW, failed=fault)).failed
    assert type(again) is type(fault)
    assert str(again) == str(fault)


def test_quarantine_keeps_its_reason() -> None:
    outcome = Outcome(RAW, quarantined="not a readable Parquet file")
    assert told(outcome) == outcome


def test_a_fault_of_a_newer_decoder_is_one_that_nobody_foresaw() -> None:
    plain = outcome_to_dict(Outcome(RAW, failed=TelemetryError("what", "where", "remedy")))
    for kind in ("BadWeather", "math", "__doc__"):
        plain["failed"][0] = kind
        assert type(outcome_from_dict(plain).failed) is Unforeseen
