"""The account of what was decoded: it adds up in any order, and survives being written."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.decode.report import OTHER_IDS, UNKNOWN_IDS_MAX, Report, format_id
from telemetry_pipeline.decode.signals import Columns, Signals, SignalStats
from telemetry_pipeline.lake.signal_list import listed

counts = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50))
times = st.integers(0, 10**18)


@st.composite
def stats(draw, signal):
    first, last = sorted((draw(times), draw(times)))
    low, high = sorted((draw(st.integers(-9, 9)), draw(st.integers(-9, 9))))
    outside = draw(st.integers(0, 3))
    return SignalStats(
        "M", signal, "V", draw(st.integers(1, 99)), first, last, float(low), float(high),
        float(draw(st.integers(-99, 99))), draw(st.integers(0, 2)), outside,
        draw(times) if outside else None, float(draw(st.integers(-9, 9))) if outside else None,
    )  # fmt: skip


@st.composite
def reports(draw):
    decoded, unknown, errors, skipped, bad = (draw(counts) for _ in range(5))
    sums = [sum(by.values()) for by in (decoded, unknown, errors, skipped, bad)]
    names = sorted(draw(st.sets(st.sampled_from("xyz"))))
    return Report(
        rows=sum(sums),
        decoded_frames=sums[0],
        truncated=draw(st.integers(0, sums[0])),
        unknown_id=sums[1],
        decode_error=sums[2],
        skipped=sums[3],
        bad_rows=sums[4],
        messages=decoded,
        unknown_ids=unknown,
        decode_errors=errors,
        skipped_by=skipped,
        bad_rows_by=bad,
        signals=tuple(draw(stats(name)) for name in names),
    )


@given(reports(), reports(), reports())
def test_reports_add_up_in_any_order(one, two, three):
    assert ((one + two) + three).to_dict() | {"signals": 0} == (one + (two + three)).to_dict() | {
        "signals": 0
    }
    total = Report.merge([one, two, three])
    assert total.adds_up()
    assert total.values == one.values + two.values + three.values
    assert [stats.signal for stats in total.signals] == sorted(
        {s.signal for r in (one, two, three) for s in r.signals}
    )


@given(reports())
def test_a_report_survives_json(report):
    text = json.dumps(report.to_dict(), allow_nan=False)
    assert Report.from_dict(json.loads(text)) == report
    assert json.dumps(Report.from_dict(json.loads(text)).to_dict()) == text
    assert Report.from_dict(json.loads(report.to_json())) == report
    assert Report.from_dict(json.loads(report.account_json())) == replace(report, signals=())


def test_a_footer_says_of_each_signal_what_its_dict_says():
    odd = SignalStats('M"', "s\\\n", "°C\x00", 2, 5, 9, -0.0, 1e300, 0.1 + 0.2)
    beyond = SignalStats("M", "t", "V", 2, 5, 9, 1e308, 1.7e308, None)
    outside = SignalStats("M", "u", "V", 2, 5, 9, None, None, None, 2, 0, None, None)
    report = Report(rows=4, messages={"M": 4}, signals=(odd, beyond, outside))
    for one in (report, Report()):
        said = json.loads(one.to_json())
        assert said | {"signals": listed(said["signals"])} == one.to_dict()


def test_statistics_are_the_same_row_by_row_and_column_by_column():
    rows = [SignalStats("M", name, "V", 2, 5, 9, 1.0, 2.0, 3.0, bad) for name, bad in (("a", 0), ("b", 1))]
    signals = Signals.of(rows)
    assert list(signals) == rows
    assert (signals[1], signals[-2], signals[:1]) == (rows[1], rows[0], (rows[0],))
    assert signals == tuple(rows)
    assert signals != rows[:1]
    assert Signals.joined([signals, Signals(), signals]) == rows * 2
    assert Signals.joined([]) == ()


@pytest.mark.parametrize(
    "signals",
    [
        "M",
        {"message": "M"},
        {"message": ["M"], "signal": []},
        {"message": ["M"], "unusual": [{"at": 1}]},
        {"message": ["M"], "unusual": [{}]},
        {"message": ["M"], "unusual": [3]},
        {name: ["M"] for name in Columns._fields} | {"unusual": [{"at": -1}]},
        {name: ["M"] for name in Columns._fields} | {"unit": "M"},
    ],
)
def test_signals_that_are_listed_in_no_known_way_are_refused(signals):
    with pytest.raises(ValueError, match=r"no known way|argument"):
        listed(signals)
    with pytest.raises((ValueError, TypeError)):
        Report.from_dict({"rows": 1, "signals": signals})


def test_merged_statistics_are_those_of_all_values():
    one = SignalStats("M", "s", "V", 2, 5, 9, 1.0, 2.0, 3.0, 0, 1, 7, -4.0)
    two = SignalStats("M", "s", "V", 3, 1, 4, None, None, None, 3)
    (both,) = (Report(signals=(one,)) + Report(signals=(two,))).signals
    assert both == SignalStats("M", "s", "V", 5, 1, 9, 1.0, 2.0, 3.0, 3, 1, 7, -4.0)


def test_a_report_that_lost_a_frame_does_not_add_up():
    assert Report(rows=2, decoded_frames=2, messages={"M": 2}).adds_up()
    assert not Report(rows=3, decoded_frames=2, messages={"M": 2}).adds_up()
    assert not Report(rows=2, decoded_frames=2, messages={"M": 1}).adds_up()


def test_the_list_of_unknown_ids_stays_short_when_reports_are_merged():
    many = {format_id(number, extended=True): 1 + number % 3 for number in range(UNKNOWN_IDS_MAX)}
    more = {format_id(number, extended=False): 1 for number in range(10)}
    total = sum(many.values()) + 10
    merged = Report(rows=total - 10, unknown_id=total - 10, unknown_ids=many) + Report(
        rows=10, unknown_id=10, unknown_ids=more
    )
    assert len(merged.unknown_ids) == UNKNOWN_IDS_MAX + 1
    assert merged.unknown_ids[OTHER_IDS] == 10
    assert merged.adds_up()
