"""Keys find their messages: the same as without a memory, for few keys and for more than it can hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.decode.lookup import Lookup
from telemetry_pipeline.decode.match import EXTENDED_BIT, IdTable, Match, Scope

KEYS = st.one_of(st.integers(0, 0x7FF), st.integers(0, 0x1FFF_FFFF).map(lambda key: key | EXTENDED_BIT))


def table_of(known: list[int]) -> IdTable:
    exact = {key: number for number, key in enumerate(known)}
    return IdTable((Scope("a.dbc", "0", Match.EXACT, (), 0, exact, {}),))


@given(
    st.lists(KEYS, unique=True, max_size=40), st.lists(st.lists(KEYS, max_size=30), min_size=1, max_size=5)
)
def test_every_batch_finds_what_the_table_says(known: list[int], batches: list[list[int]]) -> None:
    lookup = Lookup(table_of(known), len(known))
    for batch in batches:
        keys = np.array([*batch, *known[::2]], np.uint32)
        found = lookup.positions(keys)
        assert found.dtype == np.uint16
        expected = [known.index(key) if key in known else len(known) for key in keys.tolist()]
        assert found.tolist() == expected


@pytest.mark.parametrize("count", [1, 511, 512, 513, 5000])
def test_any_number_of_keys(count: int) -> None:
    known = [EXTENDED_BIT | number * 0x101 for number in range(count)]
    table = table_of(known)
    lookup = Lookup(table, count)
    keys = np.random.default_rng(1).permutation(np.array(known * 2 + [7], np.uint32))
    for _ in range(2):
        found = lookup.positions(keys)
        assert found.tolist() == table.lookup(keys, count).tolist()
        assert np.bincount(found, minlength=count + 1).tolist() == [2] * count + [1]
