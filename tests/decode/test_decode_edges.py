"""Databases and frames that no one meant to make: what is refused, counted, or simply survived."""

from dataclasses import replace

import numpy as np
import pytest
from cantools.database import Message, Signal
from cantools.database.conversion import BaseConversion

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.inspection import UNREACHABLE, inspect
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.errors import BadDbc, BadRaw


def linear(name, scale, offset=0, *, length=64, is_float=False, **limits):
    conversion = BaseConversion.factory(scale, offset, None, is_float)
    return Signal(name, 0, length, conversion=conversion, **limits)


def test_multiplexers_that_hang_on_each_other_are_in_no_frame(raw_of):
    text = """BU_: X
BO_ 1 M: 8 X
 SG_ A m0M : 0|8@1+ (1,0) [0|0] "" X
 SG_ B m0M : 8|8@1+ (1,0) [0|0] "" X
SG_MUL_VAL_ 1 A B 0-0;
SG_MUL_VAL_ 1 B A 0-0;
"""
    dbc = load_dbc(text.encode(), "loop.dbc")
    assert [why for _, _, why in inspect(dbc).not_decoded] == [UNREACHABLE, UNREACHABLE]
    decoded = decode_frames(raw_of([{"timestamp": 0, "arb_id": 1, "data": bytes(8)}]), compile_plan([dbc]))
    assert decoded.table.num_rows == 0
    assert decoded.report.adds_up()


def test_a_scale_of_zero_is_warned_about():
    text = 'BU_: X\nBO_ 1 M: 8 X\n SG_ Flat : 0|8@1+ (0,5) [0|0] "" X\n'
    assert load_dbc(text.encode(), "a.dbc").warnings == ("message M, signal Flat: its scale is 0",)


def test_frames_of_a_container_message_are_decode_errors(decode, frame, database_of):
    inner = Message(3, "Inner", 1, [Signal("x", 0, 8)], header_id=1)
    container = Message(256, "Box", 8, [], contained_messages=[inner])
    report = decode([frame], dbcs=[database_of([container])]).report
    assert report.decode_errors == {"Box: container messages are not decoded": 1}
    assert report.adds_up()


def test_what_hangs_on_a_multiplexer_that_does_not_fit_is_in_no_frame(decode, frame, database_of):
    signals = [
        Signal("mux", 60, 8, is_multiplexer=True),
        Signal("child", 0, 8, multiplexer_signal="mux", multiplexer_ids=[0]),
        Signal("good", 8, 8),
    ]
    report = decode([frame], dbcs=[database_of([Message(256, "M", 8, signals, strict=False)])]).report
    assert [stats.signal for stats in report.signals] == ["good"]
    assert report.signal_errors == {"M.mux: does not fit in 8 bytes": 1}


def test_values_beyond_float64_are_never_decoded(decode, frame, database_of):
    message = Message(256, "M", 8, [linear("huge", 10**400), Signal("good", 0, 8)], strict=False)
    report = decode([frame], dbcs=[database_of([message])]).report
    assert report.signal_errors == {"M.huge: its values leave float64": 1}
    assert [stats.signal for stats in report.signals] == ["good"]


@pytest.mark.parametrize("limits", [{"minimum": 10, "maximum": -10}, {"minimum": 10**400}])
def test_limits_without_meaning_are_ignored(limits, decode, frame, database_of):
    dbc = database_of([Message(256, "M", 8, [linear("s", 1, length=8, **limits)])])
    assert decode([frame], dbcs=[dbc]).report.signals[0].out_of_range == 0


def test_a_signal_of_nothing_but_nan_has_no_statistics(decode, frame, database_of):
    dbc = database_of([Message(256, "M", 8, [linear("f", 1, is_float=True)])])
    (stats,) = decode([frame | {"data": np.array([np.nan]).tobytes()}] * 3, dbcs=[dbc]).report.signals
    assert (stats.rows, stats.nonfinite, stats.minimum, stats.maximum, stats.total) == (
        3,
        3,
        None,
        None,
        None,
    )


def test_a_plan_of_too_many_messages_is_refused(small, raw_of, frame):
    plan = compile_plan([small])
    with pytest.raises(BadDbc, match="messages in one plan, at most 65534 fit"):
        decode_frames(raw_of([frame]), replace(plan, messages=plan.messages * 20_000))


def test_more_channels_than_a_table_holds_are_refused(small, raw_of, frame):
    frames = [frame | {"channel": f"can{number}"} for number in range(33_000)]
    with pytest.raises(BadRaw, match="33000 distinct names in one object"):
        decode_frames(raw_of(frames), compile_plan([small]))
