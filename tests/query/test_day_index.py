"""The table of a day's objects says the same as asking each of them."""

import math

from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.day_index import DayIndex
from telemetry_pipeline.query.index import ObjectIndex, Run

NAMES = [("M", "A"), ("M", "B"), ("N", "A")]
times = st.integers(0, 20)
objects = st.lists(
    st.none() | st.dictionaries(st.sampled_from(NAMES), st.tuples(times, times, st.sampled_from(["V", "A"]))),
    max_size=6,
)


def index_of(found) -> ObjectIndex | None:
    if found is None:
        return None
    runs = {
        name: Run(unit, 0, 1, min(a, b), max(a, b), None, None, math.nan, 0)
        for name, (a, b, unit) in found.items()
    }
    return ObjectIndex(1, {}, runs, ())


@given(objects, st.sets(st.sampled_from(NAMES)), times, times)
def test_the_objects_of_a_range_are_those_that_say_so(drawn, names, start, end):
    indexes = [index_of(found) for found in drawn]
    infos = [ObjectInfo(str(number), 1, "") for number in range(len(drawn))]
    day = DayIndex(infos, indexes)
    for _ in range(2):
        expected = [
            (info, runs)
            for info, index in zip(infos, indexes, strict=True)
            if index is not None and (runs := index.within(names, start, end))
        ]
        assert day.jobs(names, start, end) == expected
    assert day.skipped == indexes.count(None)
    for name in NAMES:
        units = [index.runs[name].unit for index in indexes if index is not None and name in index.runs]
        assert day.unit(name) == (units[-1] if units else None)
