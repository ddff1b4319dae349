"""What is asked of Athena: complete, exact, without a word of the caller's in it."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import TooLarge
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.athena.sources import LATE_MAX, Sources, choose
from telemetry_pipeline.query.athena.statement import TEXT_MAX, Statement, buckets, samples
from tests.doubles.athena.parameters import filled

V = "VIN_1"
URL = "s3://bucket/lake"
EVE = Partition(V, dt.date(2026, 12, 31))
SPEED = ("Drive", "Speed")


def series(day: Partition) -> ObjectInfo:
    return ObjectInfo(SeriesObject(day, "abc").key, 1, "e")


def decoded(day: Partition, stem: str = "a") -> ObjectInfo:
    return ObjectInfo(DecodedObject(day, stem).key, 1, "e")


def sources_of(listed: dict[Partition, list[ObjectInfo]], **options: object) -> Sources:
    return choose(
        V, (min(listed), max(listed)), listed, options.get("broken", ()), options.get("without", ())
    )  # type: ignore[arg-type]


OPEN = sources_of({EVE: [decoded(EVE)]})


def both(sources: Sources, names: list[tuple[str, str]]) -> list[Statement]:
    span = (EVE.start_ns, EVE.end_ns)
    return [samples(sources, URL, names, *span), buckets(sources, URL, names, *span, width_ns=7)]


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), min_size=1, max_size=4))
def test_no_text_of_the_caller_is_in_the_sql(names: list[tuple[str, str]]) -> None:
    plain = both(OPEN, [(f"m{m}", f"s{m}{s}") for m, s in _shape(names)])
    for statement, other in zip(both(OPEN, names), plain, strict=True):
        assert _without_digest(statement.sql) == _without_digest(other.sql)
        assert statement.sql.count("?") == len(statement.parameters)
        assert all(re.fullmatch(r"'(?:[^']|'')*'", text, re.DOTALL) for text in statement.parameters)


def _shape(names: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """The same names by number: as many messages, with as many signals each, in the same order."""
    messages = sorted({message for message, _ in names})
    return [(messages.index(message), number) for number, (message, _) in enumerate(sorted(set(names)))]


def _without_digest(sql: str) -> str:
    return re.sub(r"unit_[0-9a-f]{16}", "unit_", sql)


def test_nothing_is_limited_or_sampled() -> None:
    for statement in both(OPEN, [SPEED]):
        assert not re.search(r"\b(LIMIT|OFFSET|TABLESAMPLE|approx\w*)\b", statement.sql, re.IGNORECASE)
        assert "/" not in statement.sql


def test_every_statement_is_one_that_athena_takes() -> None:
    for statement in both(OPEN, [SPEED, ("It's", "a 'quote'")]):
        assert "'a ''quote'''" in filled(statement.sql, list(statement.parameters))


def test_a_range_over_new_year_reads_both_years() -> None:
    new_year = EVE.shifted(1)
    found = samples(
        sources_of({EVE: [decoded(EVE)], new_year: [decoded(new_year)]}),
        URL,
        [SPEED],
        EVE.end_ns - 1,
        EVE.end_ns + 1,
    )
    assert {"'2026'", "'12'", "'31'", "'2027'", "'01'"} <= set(found.parameters)


def test_what_is_compacted_is_read_by_its_path_and_the_rest_by_its_days() -> None:
    days = [EVE.shifted(number) for number in range(4)]
    many = [decoded(days[3], f"{number:02d}") for number in range(LATE_MAX + 1)]
    found = sources_of(
        {
            days[0]: [series(days[0])],
            days[1]: [series(days[1]), decoded(days[1], "late")],
            days[2]: [decoded(days[2])],
            days[3]: [series(days[3]), *many],
        }
    )
    assert set(found.series) == {days[0], days[1]}
    assert found.late == {days[1]: [decoded(days[1], "late").key]}
    assert found.decoded == [days[2], days[3]]
    assert not found.closed
    sql, parameters = samples(found, URL, [SPEED], 0, 1).sql, samples(found, URL, [SPEED], 0, 1).parameters
    assert sql.count("UNION ALL") == 2
    assert sum(text.startswith(f"'{URL}/series/") for text in parameters) == 2
    assert sum(text.startswith(f"'{URL}/decoded/") for text in parameters) == 1


def test_a_day_whose_series_object_athena_does_not_know_is_read_from_its_decoded_objects() -> None:
    found = sources_of({EVE: [series(EVE), decoded(EVE, "late")]}, without={EVE})
    assert (found.series, found.late, found.decoded) == ({}, {}, [EVE])


def test_objects_that_cannot_be_read_are_left_out() -> None:
    keys = [decoded(EVE, stem).key for stem in "abc"]
    found = sources_of({EVE: [decoded(EVE, stem) for stem in "abc"]}, broken={keys[1]})
    assert (found.decoded, found.broken) == ([EVE], {keys[1]})
    assert f"'{URL}/{keys[1]}'" in samples(found, URL, [SPEED], 0, 1).parameters
    assert sources_of({EVE: [decoded(EVE)]}, broken={decoded(EVE).key}).days == set()
    late = sources_of({EVE: [series(EVE), decoded(EVE)]}, broken={decoded(EVE).key})
    assert (late.late, late.decoded, late.broken) == ({}, [], set())


def test_only_closed_days_may_have_a_former_result_and_its_name_says_of_what() -> None:
    closed = sources_of({EVE: [series(EVE)]})
    again = sources_of({EVE: [ObjectInfo(SeriesObject(EVE, "def").key, 1, "e")]})
    assert closed.closed
    one, other = (samples(found, URL, [SPEED], 0, 9) for found in (closed, again))
    assert one.closed
    assert one.sql != other.sql
    assert one.sql == samples(closed, URL, [SPEED], 0, 9).sql
    # by the text alone, without its parameters, no two questions are the same
    texts = {
        samples(closed, URL, [name], 0, 9).sql for name in (SPEED, ("Drive", "Level"), ("Brake", "Speed"))
    }
    assert len(texts) == 3
    assert not samples(OPEN, URL, [SPEED], 0, 9).closed


def test_years_of_days_fit_and_more_is_refused() -> None:
    def days(number: int) -> Sources:
        return sources_of({EVE.shifted(-n): [series(EVE.shifted(-n))] for n in range(number)})

    found = samples(days(1000), URL, [SPEED] * 100, 0, 9)
    assert len(found.sql) + sum(map(len, found.parameters)) < TEXT_MAX
    with pytest.raises(TooLarge, match="Athena takes"):
        samples(days(4000), URL, [SPEED], 0, 9)
