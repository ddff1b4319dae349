"""Nothing that a caller says becomes SQL."""

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.query.athena.clause import (
    PARAMETER_MAX,
    all_of,
    among,
    any_of,
    equals,
    fits,
    literal,
    none_of,
    within,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(texts)
def test_a_text_is_one_literal_whatever_it_holds(text: str) -> None:
    tree = sqlglot.parse_one(f"SELECT 1 FROM t WHERE x = {literal(text)}", read="trino")
    (found,) = [node for node in tree.find_all(exp.Literal) if node.is_string]
    assert found.this == text


@given(st.lists(texts, min_size=1, max_size=5))
def test_the_sql_depends_only_on_how_many_texts_there_are(given: list[str]) -> None:
    for make in (among, none_of):
        assert make("c", given).sql == make("c", ["x"] * len(given)).sql
        assert make("c", given).sql.count("?") == len(make("c", given).parameters)


def test_conditions_keep_their_parameters_in_order() -> None:
    found = any_of([all_of([equals("a", "1"), among("b", ["2", "3"])]), equals("c", "it's")])
    assert found.sql == "((a = ? AND b IN (?, ?)) OR (c = ?))"
    assert found.parameters == ("'1'", "'2'", "'3'", "'it''s'")
    assert any_of([equals("a", "1")]).sql == "a = ?"


def test_numbers_are_numbers() -> None:
    assert within("t", -5, 7).sql == "t >= -5 AND t < 7"
    with pytest.raises(ValueError, match="invalid literal"):
        within("t", "0 OR true", 7)  # type: ignore[arg-type]


def test_a_text_that_athena_does_not_take_is_refused_and_can_be_foreseen() -> None:
    for text in ("x" * (PARAMETER_MAX - 2), "'" * (PARAMETER_MAX // 2 - 1)):
        assert fits(text)
        assert len(literal(text)) <= PARAMETER_MAX
        assert not fits(f"{text}'")
        with pytest.raises(BadQuery, match="1024"):
            literal(f"{text}'")
