"""What several databases say together: which message an id means, and what is refused as ambiguous."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from cantools.database import Message, Signal

from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.errors import BadDbc


def message(frame_id=0x100, name="M", *, extended=False, length=8, signal="s"):
    return Message(
        frame_id, name, length, [Signal(signal, 0, length)], is_extended_frame=extended, strict=False
    )


def test_digests_are_sorted_by_name(database_of):
    plan = compile_plan([database_of([message(2)], "b.dbc"), database_of([message(1)], "a.dbc")])
    assert [name for name, _ in plan.digests] == ["a.dbc", "b.dbc"]


def test_two_databases_that_differ_about_an_id_are_refused(database_of):
    one, two = (
        database_of([message(name="Brake")], "one.dbc"),
        database_of([message(name="Clutch")], "two.dbc"),
    )
    with pytest.raises(BadDbc) as raised:
        compile_plan([one, two])
    for word in ("one.dbc", "two.dbc", "Brake", "Clutch", "0x100"):
        assert word in str(raised.value)


def test_the_same_name_with_other_signals_is_refused_too(database_of):
    with pytest.raises(BadDbc, match="different signals"):
        compile_plan([database_of([message()], "one.dbc"), database_of([message(signal="t")], "two.dbc")])


def test_equal_definitions_are_one_message(database_of):
    plan = compile_plan([database_of([message()], "one.dbc"), database_of([message()], "two.dbc")])
    assert len(plan.messages) == 1


def test_an_id_is_standard_or_extended(database_of):
    plan = compile_plan([database_of([message(), message(name="X", extended=True)])])
    assert [found.label for found in plan.messages] == ["0x100", "0x100x"]


def test_within_a_database_the_last_message_of_an_id_wins(database_of):
    plan = compile_plan([database_of([message(name="First"), message(name="Last")])])
    assert [found.name for found in plan.messages] == ["Last"]


def test_messages_of_one_name_are_told_apart(database_of, raw_of):
    plan = compile_plan([database_of([message(1, "Same"), message(2, "Same")])])
    assert plan.warnings == ("message name Same is there twice: id 0x2 is called Same_0x2",)
    frames = [{"timestamp": number, "arb_id": number, "data": bytes(8)} for number in (1, 2)]
    assert decode_frames(raw_of(frames), plan).report.messages == {"Same": 1, "Same_0x2": 1}


def test_a_name_that_is_told_apart_meets_no_other(database_of):
    plan = compile_plan([database_of([message(1, "S"), message(2, "S_0x3"), message(3, "S")])])
    assert len({found.name for found in plan.messages}) == 3


def test_a_plan_serves_many_threads(database_of, raw_of):
    plan = compile_plan([database_of([message()])])
    raw = raw_of(
        [{"timestamp": number, "arb_id": 0x100, "data": bytes([number] * 8)} for number in range(200)]
    )
    with ThreadPoolExecutor(4) as pool:
        tables = [decoded.table for decoded in pool.map(lambda _: decode_frames(raw, plan), range(8))]
    assert all(table.equals(tables[0]) for table in tables)
