"""What a condition says: read and written alike, true where it should be, worst where it should be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.rules.condition import BANDS, COMPARISONS, Condition

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CONDITIONS = st.one_of(
    st.builds(lambda op, x: Condition(op, x, x), st.sampled_from(COMPARISONS), NUMBERS),
    st.builds(lambda op, x, y: Condition(op, min(x, y), max(x, y)), st.sampled_from(BANDS), NUMBERS, NUMBERS),
)
PLAIN = {
    ">": lambda v, low, high: v > low,
    ">=": lambda v, low, high: v >= low,
    "<": lambda v, low, high: v < low,
    "<=": lambda v, low, high: v <= low,
    "==": lambda v, low, high: v == low,
    "!=": lambda v, low, high: v != low,
    "outside": lambda v, low, high: v < low or v > high,
    "inside": lambda v, low, high: low <= v <= high,
}


@pytest.mark.parametrize(
    ("text", "operator", "low", "high"),
    [
        ("> 150", ">", 150, 150),
        (" >=-40.5 ", ">=", -40.5, -40.5),
        ("!= 0", "!=", 0, 0),
        ("< 1e-3", "<", 0.001, 0.001),
        ("outside 10..20", "outside", 10, 20),
        ("inside -1.5 .. .5", "inside", -1.5, 0.5),
    ],
)
def test_what_people_write(text, operator, low, high):
    assert Condition.parse(text) == Condition(operator, low, high)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "150",
        "> ",
        "=> 5",
        "= 5",
        "> x",
        "> nan",
        "> 1e999",
        "outside 10",
        "outside 20..10",
        "inside 1..2..3",
    ],
)
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(BadSetting) as caught:
        Condition.parse(text)
    assert caught.value.remedy


@given(CONDITIONS)
def test_a_condition_is_written_as_it_is_read(condition):
    assert Condition.parse(str(condition)) == condition


@given(CONDITIONS, st.lists(st.floats(allow_nan=False), min_size=1))
def test_a_condition_holds_where_its_comparison_does(condition, values):
    plain = [PLAIN[condition.operator](value, condition.low, condition.high) for value in values]
    assert condition.holds(np.array(values)).tolist() == plain
    # what the extremes rule out never happens
    if any(plain):
        assert condition.possible(min(values), max(values))
    if condition.operator in (">", ">=", "<", "<="):
        assert condition.possible(min(values), max(values)) == any(plain)


@pytest.mark.parametrize(
    ("text", "values", "worst"),
    [
        ("> 5", [6, 9, 7], 9),
        ("<= 5", [4, -3, math.inf], -3),
        ("!= 5", [6, 1, 8], 1),
        ("outside 10..20", [9, 22, 8.5], 22),
        ("inside 10..20", [10, 16, 20], 16),
        ("== 5", [5, 5], 5),
    ],
)
def test_the_worst_value_is_the_furthest_in(text, values, worst):
    condition = Condition.parse(text)
    held = np.array([value for value in values if condition.holds(np.array([value]))[0]], dtype=float)
    assert held[np.argmax(condition.depth(held))] == worst
