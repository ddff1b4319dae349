"""What is found in a database before it decodes anything."""

import pytest
from cantools.database import Message, Signal
from cantools.database.conversion import BaseConversion

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.inspection import UNREACHABLE, inspect
from tests.corpus import CORPUS, needs_corpus


def page(name, page_of=None, ids=None, *, start=8, mux=False):
    return Signal(name, start, 8, multiplexer_signal=page_of, multiplexer_ids=ids, is_multiplexer=mux)


def overlaps(database_of, *signals):
    found = inspect(database_of([Message(1, "M", 8, list(signals), strict=False)]))
    return [(one, other, bits) for _, one, other, bits in found.overlaps]


def test_a_plain_database_has_nothing_to_say(small):
    found = inspect(small)
    assert (found.messages, found.extended, found.signals, found.longest) == (4, 1, 6, 8)
    assert (found.match, found.multiplexed, found.multiplexers, found.levels) == ({"exact": 4}, 1, 1, 1)
    assert (found.not_decoded, found.overlaps, found.warnings) == ((), (), ())


def test_an_empty_database_is_empty(database_of):
    found = inspect(database_of([]))
    assert (found.messages, found.longest, found.match, found.levels) == (0, 0, {}, 0)


def test_signals_of_one_frame_that_share_bits_are_found(database_of):
    one, other = Signal("one", 0, 12), Signal("other", 15, 12, "big_endian")
    assert overlaps(database_of, one, other) == [("one", "other", 4)]
    assert overlaps(database_of, one, Signal("beside", 12, 4)) == []
    assert overlaps(database_of, one, Signal("outside", 60, 8)) == []


def test_signals_of_different_pages_do_not_overlap(database_of):
    mux = page("mux", start=0, mux=True)
    a, b, both = page("a", "mux", [1]), page("b", "mux", [2]), page("both", "mux", [2, 3])
    assert overlaps(database_of, mux, a, b) == []
    assert overlaps(database_of, mux, a, b, both) == [("b", "both", 8)]
    assert overlaps(database_of, mux, a, page("always")) == [("a", "always", 8)]
    inner = page("inner", "mux", [1], start=16, mux=True)
    deep, other = page("deep", "inner", [0], start=24), page("other", "inner", [1], start=24)
    assert overlaps(database_of, mux, inner, deep, other) == []
    assert overlaps(database_of, mux, inner, deep, page("flat", "mux", [1], start=24)) == [
        ("deep", "flat", 8)
    ]


def test_what_never_decodes_is_named_with_its_reason(database_of):
    lost = page("lost", "mux", None)
    signals = [page("mux", start=0, mux=True), page("a", "mux", [1]), lost, Signal("far", 60, 8)]
    huge = Signal("huge", 16, 8, conversion=BaseConversion.factory(10**400, 0, None, is_float=False))
    inner = Message(3, "Inner", 1, [Signal("x", 0, 8)], header_id=1)
    container = Message(2, "Box", 8, [Signal("y", 0, 8)], contained_messages=[inner])
    messages = [Message(1, "M", 8, [*signals, huge], strict=False), container]
    assert sorted(inspect(database_of(messages)).not_decoded) == [
        ("Box", "y", "container messages are not decoded"),
        ("M", "far", "does not fit in 8 bytes"),
        ("M", "huge", "its values leave float64"),
        ("M", "lost", UNREACHABLE),
    ]


def test_what_only_cantools_decodes_is_said_to_be_slow(database_of):
    twins = [Signal("twin", 0, 8), Signal("twin", 8, 8)]
    (warning,) = inspect(database_of([Message(1, "M", 8, twins, strict=False)])).warnings
    assert warning == "message M: decoded by cantools itself, frame by frame, which is slow"


@pytest.mark.parametrize(
    ("ids", "stated", "hints"),
    [
        ((0x8CF004FE, 0x98FEF1FE, 0x98EAFFFE), "", 1),
        ((0x8CF004FE, 0x98FEF1FE, 0x98EAFF00), "", 0),
        ((0x8CF004FE, 0x98FEF1FE), "", 0),
        ((0x8CF004FE, 0x98FEF1FE, 0x98EAFFFE), "J1939", 0),
        ((0x8CF004FE, 0x98FEF1FE, 0x98EAFFFE), "GMLAN", 0),
    ],
)
def test_ids_that_look_like_groups_are_hinted_at(ids, stated, hints):
    text = "BU_: X\n" + "".join(f"BO_ {number} M{number}: 8 X\n" for number in ids)
    text += 'BA_DEF_ "ProtocolType" STRING ;\nBA_DEF_DEF_ "ProtocolType" "";\n'
    text += f'BA_ "ProtocolType" "{stated}";\n'
    found = inspect(load_dbc(text.encode(), "a.dbc"))
    assert sum("every extended id ends in FE" in warning for warning in found.warnings) == hints
    assert found.match == ({"pgn": 3} if stated == "J1939" else {"exact": len(ids)})


@needs_corpus
def test_canboat_s_database_is_hinted_at():
    body = (CORPUS / "dbc/canboat__canboat/docs/canboat.dbc").read_bytes()
    assert "bind them with match: pgn" in inspect(load_dbc(body, "canboat.dbc")).warnings[-1]
