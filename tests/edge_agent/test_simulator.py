import itertools

import cantools
import numpy as np
import pyarrow.compute as pc
import pytest

from edge_agent.database import BUNDLED, read_database
from edge_agent.records import BITRATE_SWITCH, records_of
from edge_agent.simulate import Simulator
from telemetry_pipeline.errors import BadKey, BadSetting, TelemetryError
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.windows import stamps_of

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND

GENERIC = """VERSION ""
BU_: A
BO_ 100 Plain: 8 A
 SG_ Unranged : 0|12@1- (0.5,3) [0|0] "" A
 SG_ Motorola : 23|16@0+ (1,0) [10|20] "" A
 SG_ State : 32|3@1+ (1,0) [0|7] "" A
BO_ 2566844926 Wide: 8 A
 SG_ Long : 0|64@1+ (1,0) [0|0] "" A
BO_ 200 Muxed: 8 A
 SG_ Sel M : 0|4@1+ (1,0) [0|15] "" A
 SG_ One m1 : 8|8@1+ (1,0) [0|255] "" A
 SG_ Two m2 : 8|16@1+ (1,0) [0|65535] "" A
 SG_ Both : 32|8@1+ (1,0) [0|255] "" A
BO_ 300 Transport: 200 A
 SG_ Big : 0|8@1+ (1,0) [0|0] "" A
BO_ 400 Empty: 8 A
VAL_ 100 State 1 "on" 5 "off" ;
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 200 20;
"""


@pytest.fixture(scope="module")
def powertrain():
    return read_database(BUNDLED)[1].database


@pytest.fixture(scope="module")
def generic():
    return cantools.database.load_string(GENERIC, "dbc", strict=False)


def gaps_of(table, arb_id):
    return np.diff(stamps_of(table)[table["arb_id"].to_numpy() == arb_id])


def test_each_message_keeps_its_cycle(powertrain):
    table = Simulator(powertrain, "V", 0, START).frames(START, START + 60 * SECOND)
    assert table.schema == schema.RAW
    assert table.num_rows == 60 * (100 + 10 + 10 + 2 + 2)
    for message in powertrain.messages:
        gaps = gaps_of(table, message.frame_id)
        cycle = message.cycle_time * 1_000_000
        assert np.abs(gaps - cycle).max() <= 61_000
        assert 5_000 < gaps.std() < 60_000  # jitter, as on a bus
    assert set(table["vehicle_id"].to_pylist()) == {"V"}
    assert set(table["channel"].to_pylist()) == {"can0"}


def test_frames_of_can_fd_switch_their_bit_rate_where_the_database_says_so():
    text = (
        'VERSION ""\nBU_: A\n'
        + "".join(f'BO_ {nth} M{nth}: {8 * nth} A\n SG_ S : 0|8@1+ (1,0) [0|0] "" A\n' for nth in (1, 2, 3))
        + 'BA_DEF_ BO_ "CANFD_BRS" ENUM "0","1";\nBA_DEF_DEF_ "CANFD_BRS" "1";\nBA_ "CANFD_BRS" BO_ 3 0;\n'
    )
    database = cantools.database.load_string(text, "dbc")
    table = Simulator(database, "V", 0, START).frames(START, START + SECOND)
    assert table.schema == schema.RAW_FD
    for arb_id, is_switched in ((1, False), (2, True), (3, False)):
        rows = table.filter(pc.equal(table["arb_id"], arb_id))
        assert set(rows["bitrate_switch"].to_pylist()) == {is_switched}
        assert (records_of(rows)["flags"] & BITRATE_SWITCH != 0).all() == is_switched


def test_timestamps_rise_and_are_unique(generic, powertrain):
    for database in (generic, powertrain):
        stamps = stamps_of(Simulator(database, "V", 0, START).frames(START, START + 30 * SECOND))
        assert (np.diff(stamps) > 0).all()
        assert stamps[0] >= START
        assert stamps[-1] < START + 30 * SECOND


def test_timestamps_are_unique_on_a_crowded_bus():
    messages = "".join(
        f'BO_ {number} M{number}: 1 A\n SG_ S : 0|8@1+ (1,0) [0|0] "" A\n' for number in range(40)
    )
    database = cantools.database.load_string(f'VERSION ""\nBU_: A\n{messages}', "dbc")
    stamps = stamps_of(Simulator(database, "V", 0, START, rate=1000).frames(START, START + SECOND // 5))
    assert len(stamps) == 40 * 2000
    assert (np.diff(stamps) > 0).all()  # by chance alone, about sixteen pairs would share an instant


def test_in_pieces_it_is_the_same(generic, powertrain):
    edges = [
        START,
        START + 1,
        START + 7_654_321_098,
        START + 7_700_000_000,
        START + 90 * SECOND,
        START + 95 * SECOND,
    ]
    for database in (generic, powertrain):
        whole = Simulator(database, "V", 0, START).frames(edges[0], edges[-1])
        simulator = Simulator(database, "V", 0, START)
        rows = [
            row for low, high in itertools.pairwise(edges) for row in simulator.frames(low, high).to_pylist()
        ]
        assert rows == whole.to_pylist()


def test_the_seed_and_the_vehicle_make_the_drive(powertrain):
    def frames(*who):
        return Simulator(powertrain, *who, START).frames(START, START + 5 * SECOND)["data"].to_pylist()

    assert frames("V", 0) == frames("V", 0)
    assert frames("V", 0) != frames("V", 1)
    assert frames("V", 0) != frames("W", 0)


def test_nothing_happens_before_the_start(powertrain):
    simulator = Simulator(powertrain, "V", 0, START)
    assert simulator.frames(START - 5 * SECOND, START).num_rows == 0
    assert simulator.frames(START, START).num_rows == 0


def test_the_rate_multiplies_the_frames(powertrain):
    def rows(rate):
        return Simulator(powertrain, "V", 0, START, rate=rate).frames(START, START + 10 * SECOND).num_rows

    assert rows(2.0) == 2 * rows(1.0)
    assert rows(0.5) == rows(1.0) / 2


def test_what_it_sends_decodes_to_the_drive(powertrain):
    table = Simulator(powertrain, "V", 0, START).frames(START, START + 300 * SECOND)
    seen = {}
    for row in table.select(["arb_id", "data"]).to_pylist():
        for name, value in powertrain.decode_message(row["arb_id"], row["data"]).items():
            seen.setdefault(name, []).append(value)
    for message in powertrain.messages:
        for signal in message.signals:
            assert signal.minimum - 1e-9 <= min(seen[signal.name])
            assert max(seen[signal.name]) <= signal.maximum + 1e-9
    assert max(seen["Motor_RPM"]) > 1000
    assert min(seen["Pack_Current"]) < 0 < max(seen["Pack_Current"])


def test_any_other_database_is_sent_too(generic):
    table = Simulator(generic, "V", 0, START).frames(START, START + 120 * SECOND)
    sent = set(zip(table["arb_id"].to_pylist(), table["is_extended_id"].to_pylist(), strict=True))
    assert sent == {(100, False), (2566844926 & 0x1FFFFFFF, True), (200, False)}  # no Transport, no Empty
    plain = generic.get_message_by_name("Plain")
    rows = table.filter(np.asarray(table["arb_id"].to_numpy() == 100))["data"].to_pylist()
    values = [plain.decode(data, decode_choices=False) for data in rows]
    assert len(rows) == 1200  # 100 ms where the database names no cycle
    unranged = [value["Unranged"] for value in values]
    assert min(unranged) < -900
    assert max(unranged) > 900
    assert {value["Motorola"] for value in values} == set(range(10, 21))
    assert {value["State"] for value in values} == {1, 5}


def test_multiplexers_go_through_their_ids(generic):
    muxed = generic.get_message_by_name("Muxed")
    table = Simulator(generic, "V", 0, START).frames(START, START + 10 * SECOND)
    rows = table.filter(np.asarray(table["arb_id"].to_numpy() == 200))["data"].to_pylist()
    values = [muxed.decode(data) for data in rows]
    assert {frozenset(value) for value in values} == {
        frozenset({"Sel", "One", "Both"}),
        frozenset({"Sel", "Two", "Both"}),
    }
    assert [value["Sel"] for value in values[:4]] in ([1, 2, 1, 2], [2, 1, 2, 1])


def test_a_multiplexer_is_never_asked_for_what_its_bits_cannot_hold():
    text = (
        'VERSION ""\nBU_: A\nBO_ 1 Narrow: 8 A\n SG_ Sel M : 0|4@1+ (1,0) [0|0] "" A\n'
        ' SG_ In m3 : 8|8@1+ (1,0) [0|0] "" A\n SG_ Out m16 : 8|8@1+ (1,0) [0|0] "" A\n'
    )
    database = cantools.database.load_string(text, "dbc", strict=False)
    table = Simulator(database, "V", 0, START).frames(START, START + SECOND)
    assert {row & 0xF for row in (data[0] for data in table["data"].to_pylist())} == {3}


@pytest.mark.parametrize("rate", [0, -1, 5000, float("nan")])
def test_a_rate_that_is_none_is_refused(powertrain, rate):
    with pytest.raises(BadSetting):
        Simulator(powertrain, "V", 0, START, rate=rate)


def test_bad_vehicles_and_databases_are_refused(powertrain, tmp_path):
    with pytest.raises(BadKey):
        Simulator(powertrain, "no/vehicle", 0, START)
    with pytest.raises(TelemetryError, match=r"missing\.dbc"):
        read_database(tmp_path / "missing.dbc")
