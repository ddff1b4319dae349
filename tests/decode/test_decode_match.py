"""Ids, parameter groups and channels: which message a frame is decoded as."""

import fnmatch

import numpy as np
import pytest
from cantools.database import Message, Signal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.match import EXTENDED_BIT, Match, channels_overlap, parameter_group
from telemetry_pipeline.decode.plan import Source, compile_plan
from telemetry_pipeline.errors import BadDbc

EEC1, EEC1_ELSEWHERE, REQUEST, REQUEST_TO_21 = 0x0CF00400, 0x18F0043D, 0x18EAFF00, 0x14EA21F9


def message(frame_id, name="M", *, extended=True, signal="s"):
    return Message(frame_id, name, 8, [Signal(signal, 0, 8)], is_extended_frame=extended)


@pytest.fixture
def messages_of(raw_of):
    """Decoded frames by message, of (id, extended, channel)."""

    def run(plan, *frames):
        rows = [
            {
                "timestamp": time,
                "arb_id": number,
                "data": bytes(8),
                "is_extended_id": extended,
                "channel": name,
            }
            for time, (number, extended, name) in enumerate(frames)
        ]
        report = decode_frames(raw_of(rows), plan).report
        assert report.adds_up()
        assert report.rows == len(frames)
        return report.messages

    return run


@pytest.mark.parametrize(
    ("arbitration_id", "group"),
    [
        (EEC1, 0x00F00400),  # PDU2: the low byte of the format counts
        (EEC1_ELSEWHERE, 0x00F00400),
        (0x19FEF1FE, 0x01FEF100),  # the data page counts
        (0x1AFEF1FE, 0x02FEF100),  # and so does the extended data page
        (REQUEST, 0x00EA0000),  # PDU1: the destination does not count
        (REQUEST_TO_21, 0x00EA0000),
        (0x18EFFFFF, 0x00EF0000),  # the last format of PDU1
        (0x18F0FFFF, 0x00F0FF00),  # the first of PDU2
    ],
)
def test_a_parameter_group_is_an_id_without_priority_and_addresses(arbitration_id, group):
    assert parameter_group(arbitration_id) == group


extended_ids = st.integers(0, (1 << 29) - 1) | st.sampled_from((EEC1, EEC1_ELSEWHERE, REQUEST, REQUEST_TO_21))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(known=st.lists(extended_ids, min_size=1), asked=st.lists(extended_ids, min_size=1))
def test_many_ids_are_looked_up_as_one_by_one(known, asked, database_of):
    asked += known
    plan = compile_plan(
        [database_of([message(frame_id, f"M{i}") for i, frame_id in enumerate(known)])], match="pgn"
    )
    first: dict[int, str] = {}
    for i, frame_id in enumerate(known):
        first.setdefault(parameter_group(frame_id), f"M{i}")
    positions = plan.finder("").positions(np.array(asked, np.uint32) | np.uint32(EXTENDED_BIT)).tolist()
    names = [plan.messages[at].name if at < len(plan.messages) else None for at in positions]
    assert names == [first.get(parameter_group(frame_id)) for frame_id in asked]


def test_by_group_priority_and_addresses_are_ignored(database_of, messages_of):
    dbc = database_of(
        [message(EEC1, "EEC1"), message(REQUEST, "Request"), message(0x100, "Std", extended=False)]
    )
    frames = [
        (EEC1_ELSEWHERE, True, ""),
        (REQUEST_TO_21, True, ""),
        (0x18F00500, True, ""),
        (0x100, False, ""),
    ]
    plan = compile_plan([dbc], match="pgn")
    assert messages_of(plan, *frames) == {"EEC1": 1, "Request": 1}
    assert plan.warnings == (
        "test.dbc: 1 messages with standard ids have no parameter group and are not matched",
    )
    assert messages_of(compile_plan([dbc], match="exact"), *frames) == {"Std": 1}


def test_a_standard_frame_has_no_parameter_group(database_of, messages_of):
    plan = compile_plan([database_of([message(0x100)])], match="pgn")
    assert messages_of(plan, (0x100, False, ""), (0x1C000123, True, "")) == {"M": 1}


def test_the_first_message_of_a_group_decodes_it(database_of, messages_of):
    plan = compile_plan(
        [database_of([message(EEC1, "First"), message(EEC1_ELSEWHERE, "Second")])], match="pgn"
    )
    assert messages_of(plan, (EEC1_ELSEWHERE, True, "")) == {"First": 1}
    assert plan.warnings == (
        "test.dbc: messages First and Second have one parameter group; First decodes it",
    )


def test_where_the_database_says_group_each_message_keeps_its_own_id(messages_of):
    text = ATTRIBUTES.replace("2566844672 Plain", "2565866557 Second").format(
        default="J1939", frame_format="StandardCAN", attributes=""
    )
    plan = compile_plan([load_dbc(text.encode(), "a.dbc")])
    frames = [(EEC1, True, ""), (EEC1 | 7, True, ""), (EEC1_ELSEWHERE, True, "")]
    assert messages_of(plan, *frames) == {"Group": 2, "Second": 1}
    assert plan.warnings == (
        "a.dbc: messages Group and Second have one parameter group; Group decodes it, but for the id of Second",
    )


ATTRIBUTES = """BU_: X
BO_ 2364540158 Group: 8 X
BO_ 2566844672 Plain: 8 X
BO_ 256 Standard: 8 X
BA_DEF_ "ProtocolType" STRING ;
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "ProtocolType" "{default}";
BA_DEF_DEF_ "VFrameFormat" "{frame_format}";
{attributes}
"""


@pytest.mark.parametrize(
    ("default", "frame_format", "attributes", "groups"),
    [
        ("", "StandardCAN", "", set()),
        ("", "StandardCAN", 'BA_ "VFrameFormat" BO_ 2364540158 3;', {"Group"}),
        ("", "J1939PG", 'BA_ "VFrameFormat" BO_ 2566844672 1;', {"Group"}),
        ("", "StandardCAN", 'BA_ "ProtocolType" "J1939";', {"Group", "Plain"}),
        ("", "StandardCAN", 'BA_ "ProtocolType" "NMEA 2000";', {"Group", "Plain"}),
        ("J1939PG", "StandardCAN", "", {"Group", "Plain"}),
        ("J1939PG", "StandardCAN", 'BA_ "ProtocolType" "";', set()),
        ("J1939", "StandardCAN", 'BA_ "VFrameFormat" BO_ 2566844672 1;', {"Group"}),
        ("GMLAN", "StandardCAN", "", set()),
    ],
)
def test_a_database_states_which_messages_are_groups(default, frame_format, attributes, groups):
    text = ATTRIBUTES.format(default=default, frame_format=frame_format, attributes=attributes)
    dbc = load_dbc(text.encode(), "a.dbc")
    plan = compile_plan([dbc])
    (scope,) = plan.scopes
    assert {plan.messages[at].name for at in scope.groups.values()} == groups
    assert {plan.messages[at].name for at in scope.exact.values()} == {"Group", "Plain", "Standard"} - groups
    assert compile_plan([dbc], match="exact").scopes[0].groups == {}


def test_databases_without_attributes_are_matched_exactly(small):
    kcd = load_dbc(small.database.as_kcd_string().encode(), "a.kcd")
    assert compile_plan([kcd]).scopes[0].groups == {}


def test_two_databases_with_one_group_are_refused(database_of):
    one, two = database_of([message(EEC1, "One")], "one.dbc"), database_of([message(EEC1, "Two")], "two.dbc")
    other = database_of([message(EEC1_ELSEWHERE, "Other")], "other.dbc")
    for left, right in (
        (Source(one, Match.PGN), Source(two, Match.PGN)),
        (Source(one, Match.PGN), Source(other, Match.PGN)),
        (Source(one, Match.PGN), Source(other, Match.EXACT)),
        (Source(one, Match.EXACT), Source(other, Match.PGN)),
        (Source(one, Match.EXACT), Source(two, Match.EXACT)),
    ):
        with pytest.raises(BadDbc) as raised:
            compile_plan([left, right])
        for name in (left.dbc.name, right.dbc.name):
            assert name in str(raised.value)
    compile_plan([Source(one, Match.EXACT), Source(other, Match.EXACT)])


def test_channels_choose_their_own_databases(database_of, messages_of):
    front, rear = (
        database_of([message(1, "Status", extended=False, signal=name)], f"{name}.dbc")
        for name in ("front", "rear")
    )
    both = database_of([message(2, "Shared", extended=False)], "both.dbc")
    plan = compile_plan(
        [Source(front, channels=("can0",)), Source(rear, channels=("can[12]",)), Source(both)]
    )
    frames = [(number, False, f"can{channel}") for number in (1, 2, 3) for channel in range(4)]
    found = messages_of(plan, *frames)
    assert found == {"Status": 1, "Status_0x1": 2, "Shared": 4}
    assert messages_of(plan, (1, False, "can0"), (2, False, "can0")) == {"Status": 1, "Shared": 1}
    assert plan.on("can1") is plan.on("can2")
    with pytest.raises(BadDbc, match=r"front\.dbc"):
        compile_plan([Source(front, channels=("can0",)), Source(rear, channels=("can?",))])


def test_on_each_channel_the_newest_source_counts(database_of, messages_of):
    old, new = (database_of([message(1, name, extended=False)], f"{name}.dbc") for name in ("Old", "New"))
    plan = compile_plan(
        [
            Source(old, since=0, transport=("isotp",)),
            Source(new, channels=("can1",), since=5, transport=("j1939",)),
        ]
    )
    assert messages_of(plan, (1, False, "can0"), (1, False, "can1"), (1, False, "")) == {"Old": 2, "New": 1}
    assert plan.transport == ("isotp", "j1939")
    assert plan.on("can1").transport == ("j1939",)
    assert plan.on("can0").transport == ("isotp",)


def test_one_database_on_two_channels_is_one_message(database_of, messages_of):
    dbc = database_of([message(EEC1)])
    plan = compile_plan([Source(dbc, Match.EXACT, ("can0",)), Source(dbc, Match.PGN, ("can1",))])
    assert len(plan.messages) == len(plan.digests) == 1
    frames = [(EEC1_ELSEWHERE, True, "can0"), (EEC1_ELSEWHERE, True, "can1"), (EEC1, True, "can0")]
    assert messages_of(plan, *frames) == {"M": 2}


globs = st.lists(st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]", "[", "]"]), max_size=5).map("".join)


@settings(max_examples=500)
@given(globs, globs, st.text("abc[]", max_size=4))
def test_globs_overlap_where_one_name_matches_both(one, other, name):
    meet = channels_overlap([one], [other])
    assert meet == channels_overlap([other], [one])
    if fnmatch.fnmatchcase(name, one) and fnmatch.fnmatchcase(name, other):
        assert meet


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("can0", "can1", False),
        ("can*", "lin*", False),
        ("can?", "can10", False),
        ("can[01]", "can[23]", False),
        ("can[!0]", "can0", False),
        ("can*", "*1", True),
        ("", "*", True),
        ("", "?", False),
        ("*a*a*a*a*a*a*a*a*b", "*a*a*a*a*a*a*a*a*c", False),
    ],
)
def test_globs_that_share_no_name_do_not_overlap(one, other, meet):
    assert channels_overlap([one], [other]) == meet


def test_no_glob_is_every_channel():
    assert channels_overlap([], ["can0"])
    assert channels_overlap(["can0"], [])
