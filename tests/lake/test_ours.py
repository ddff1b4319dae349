"""Keys of ours are told from other people's."""

from dataclasses import dataclass

import pytest

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.ours import ours, parse_ours

RAWS = [RawObject.starting("EV_1", 1_800_000_000 * 10**9 + nth * 10**9) for nth in range(2)]


@dataclass(frozen=True)
class Item:
    key: str


def test_strangers_are_passed_over_and_the_order_stays():
    listed = [Item(RAWS[1].key), Item("raw/notes.txt"), Item(RAWS[0].decoded_key), Item(RAWS[0].key)]
    assert list(ours(RawObject.parse, listed)) == [(RAWS[1], listed[0]), (RAWS[0], listed[3])]
    assert [parse_ours(RawObject.parse, item.key) for item in listed] == [RAWS[1], None, None, RAWS[0]]


def test_what_else_goes_wrong_is_not_hidden():
    def broken(key: str) -> RawObject:
        raise ValueError(key)

    with pytest.raises(ValueError, match="x"):
        parse_ours(broken, "x")
    with pytest.raises(ValueError, match="x"):
        list(ours(broken, [Item("x")]))


def test_a_caller_s_own_refusal_goes_through():
    found = ours(RawObject.parse, [Item(RAWS[0].key)])
    next(found)
    with pytest.raises(BadKey):
        found.throw(BadKey("the caller's"))
