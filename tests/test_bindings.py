"""Which databases decode which vehicle, on which channel, from which day."""

import datetime as dt
import json

import numpy as np
import pytest

from telemetry_pipeline.bindings import Binding, Databases, parse_bindings
from telemetry_pipeline.decode.match import EXTENDED_BIT, Match
from telemetry_pipeline.errors import BadDbc, BadSetting
from telemetry_pipeline.lake import layout, parquet
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from tests.raw_lake import NOON, add_dbc, land

DAY = dt.date(2026, 3, 1)


def database(*messages: tuple[int, str]) -> bytes:
    lines = [
        f'BO_ {frame_id} {name}: 8 X\n SG_ Value : 0|8@1+ (1,0) [0|0] "" X' for frame_id, name in messages
    ]
    return "\n".join(["BU_: X", *lines, ""]).encode()


@pytest.fixture
def bound(folder_lake: Store):
    """The databases of a lake with some files and a bindings.yaml."""

    def load(text: str, **dbcs: bytes) -> Databases:
        for name, body in dbcs.items():
            folder_lake.put(f"{layout.DBC}{name}.dbc", body)
        folder_lake.put(layout.BINDINGS, text.encode())
        return Databases.load(folder_lake)

    return load


def names(databases: Databases, vehicle_id: str, day: dt.date | None = None) -> list[str]:
    return [name for name, _ in databases.plan_for(vehicle_id, day).digests]


def message_on(
    databases: Databases, arbitration_id: int, channel: str = "", day: dt.date | None = None
) -> str:
    """The name of the message that an id means on a channel of vehicle V, "" when it means none."""
    plan = databases.plan_for("V", day)
    key = arbitration_id | (EXTENDED_BIT if arbitration_id > 0x7FF else 0)
    (position,) = plan.finder(channel).positions(np.array([key], np.uint32)).tolist()
    return plan.messages[position].name if position < len(plan.messages) else ""


def test_every_key_of_an_entry_is_read() -> None:
    text = b"""
bindings:
  - vehicles: ["EV_*", BUS]
    dbc: [a.dbc, b.dbc]
    channel: [can0, "lin?"]
    match: pgn
    valid_from: 2026-03-01
    transport: [j1939, fastpacket]
  - {vehicles: X, dbc: c.dbc, valid_from: "2026-03-02"}
"""
    full, short = parse_bindings(text, "here")
    transport = ("j1939", "fastpacket")
    assert full == Binding(("EV_*", "BUS"), ("a.dbc", "b.dbc"), ("can0", "lin?"), Match.PGN, DAY, transport)
    assert short == Binding(("X",), ("c.dbc",), valid_from=dt.date(2026, 3, 2))
    assert full.matches("EV_1")
    assert not full.matches("ev_1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"a: [", "not YAML"),
        (b"vehicles: x", "no list of bindings"),
        (b"bindings:\n- {vehicles: x}", "entry 1: needs the keys"),
        (b"bindings:\n- {vehicles: 3, dbc: x}", "vehicles must be a name"),
        (b"bindings:\n- {vehicles: x, dbc: x, speed: 3}", "unknown key speed"),
        (b"bindings:\n- {vehicles: x, dbc: x, transport: tcp}", "unknown transport tcp"),
        (b"bindings:\n- {vehicles: x, dbc: []}", "dbc must be a name"),
        (b"bindings:\n- {vehicles: x, dbc: x, channel: 1}", 'channel must be a name .*Quote numbers: "1"'),
        (
            b"bindings:\n- {vehicles: x, dbc: x}\n- {vehicles: x, dbc: x, match: all}",
            "entry 2: unknown match all",
        ),
        (b"bindings:\n- {vehicles: x, dbc: x, match: [pgn, exact]}", "match must be one rule"),
        (b"bindings:\n- {vehicles: x, dbc: x, valid_from: soon}", "valid_from must be a day, not soon"),
        (b"bindings:\n- {vehicles: x, dbc: x, valid_from: 2026-03-01 10:00:00}", "valid_from must be a day"),
        (b"bindings:\n- {vehicles: x, dbc: x, valid_from: 2026-02-30}", "not YAML .day is out of range"),
        (b"bindings:\n- text", "entry 1: needs the keys"),
    ],
)
def test_bindings_that_cannot_be_used_say_why(folder_lake: Store, text: bytes, says: str) -> None:
    with pytest.raises(BadSetting, match=says):
        parse_bindings(text, "dbc/bindings.yaml")
    add_dbc(folder_lake)
    folder_lake.put(layout.BINDINGS, text)
    with pytest.raises(BadDbc, match=says):
        Databases.load(folder_lake).plan_for("EV_001")


def test_a_binding_may_ask_for_multi_frame_transports(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    folder_lake.put(
        layout.BINDINGS,
        b"bindings:\n- {vehicles: 'EV_*', dbc: ev_powertrain.dbc, transport: isotp}\n"
        b"- {vehicles: EV_1, dbc: ev_powertrain.dbc, transport: [fastpacket, j1939]}\n",
    )
    databases = Databases.load(folder_lake)
    assert databases.plan_for("EV_2").transport == ("isotp",)
    assert databases.plan_for("EV_1").transport == ("fastpacket", "isotp", "j1939")


def test_vehicles_are_chosen_by_glob(bound) -> None:
    databases = bound(
        "bindings:\n- {vehicles: 'EV_*', dbc: a.dbc}\n- {vehicles: [LOST_*], dbc: [absent.dbc]}\n"
        "- {vehicles: [EV_1, BUS], dbc: [b.dbc, a.dbc]}\n",
        a=database((1, "A")),
        b=database((2, "B")),
    )
    assert names(databases, "EV_7") == ["a.dbc"]
    assert names(databases, "EV_1") == names(databases, "BUS") == ["a.dbc", "b.dbc"]
    assert databases.plan_for("EV_1") is not databases.plan_for("EV_7")
    assert databases.plan_for("EV_7") is databases.plan_for("EV_8")
    with pytest.raises(BadDbc, match=r"names absent\.dbc, which is not there"):
        databases.plan_for("LOST_1")
    with pytest.raises(
        BadDbc, match=r"no CAN database decodes vehicle TRUCK on 2026-03-01.*bind it in dbc/bindings"
    ):
        databases.plan_for("TRUCK", DAY)
    with pytest.raises(BadDbc, match=r"no CAN database decodes vehicle VAN\. "):
        databases.plan_for("VAN")


def test_an_error_that_is_kept_for_the_next_vehicle_does_not_grow(bound) -> None:
    databases = bound(
        "bindings:\n- {vehicles: V, dbc: absent.dbc}\n- {vehicles: B, dbc: broken.dbc}\n", broken=b"no"
    )

    def depth(vehicle_id: str) -> int:
        with pytest.raises(BadDbc) as caught:
            databases.plan_for(vehicle_id)
        return len(caught.traceback)

    for vehicle_id in ("V", "B"):
        depth(vehicle_id)
        assert depth(vehicle_id) == depth(vehicle_id)


def test_the_newest_binding_up_to_the_day_counts(bound) -> None:
    databases = bound(
        "bindings:\n- {vehicles: V, dbc: new.dbc, valid_from: 2026-03-01}\n- {vehicles: V, dbc: old.dbc}\n"
        "- {vehicles: V, dbc: newest.dbc, valid_from: 2026-04-01}\n"
        "- {vehicles: LATE, dbc: new.dbc, valid_from: 2026-03-01}\n",
        **{name: database((1, name.title())) for name in ("old", "new", "newest")},
    )
    days = {dt.date(2020, 1, 1): "Old", dt.date(2026, 2, 28): "Old", DAY: "New", dt.date(2026, 3, 31): "New"}
    for day, name in (days | {dt.date(2026, 4, 1): "Newest", None: "Newest"}).items():
        assert message_on(databases, 1, day=day) == name
    with pytest.raises(BadDbc, match="no CAN database decodes vehicle LATE on 2026-02-28"):
        databases.plan_for("LATE", dt.date(2026, 2, 28))


def test_a_new_binding_of_one_channel_leaves_the_others(bound) -> None:
    databases = bound(
        "bindings:\n- {vehicles: V, dbc: front.dbc, channel: can0}\n- {vehicles: V, dbc: rear.dbc, channel: can1}\n"
        "- {vehicles: V, dbc: better.dbc, channel: can1, valid_from: 2026-03-01}\n",
        **{name: database((1, name.title())) for name in ("front", "rear", "better")},
    )
    before = DAY - dt.timedelta(days=1)
    assert [message_on(databases, 1, name, before) for name in ("can0", "can1", "can2")] == [
        "Front",
        "Rear",
        "",
    ]
    assert [message_on(databases, 1, name, DAY) for name in ("can0", "can1", "can2")] == [
        "Front",
        "Better",
        "",
    ]


def test_a_broken_database_is_forgotten_once_it_is_replaced(bound) -> None:
    databases = bound(
        "bindings:\n- {vehicles: V, dbc: broken.dbc, channel: can0}\n"
        "- {vehicles: V, dbc: good.dbc, valid_from: 2026-03-01}\n",
        broken=b"this is no database",
        good=database((1, "Good")),
    )
    with pytest.raises(BadDbc, match="broken"):
        databases.plan_for("V", DAY - dt.timedelta(days=1))
    assert names(databases, "V", DAY) == ["good.dbc"]


def test_two_databases_that_claim_one_id_are_an_error_that_names_both(bound) -> None:
    one, two = database((1, "One"), (2, "Only")), database((1, "Two"))
    databases = bound(
        "bindings:\n- {vehicles: V, dbc: [one.dbc, two.dbc]}\n- {vehicles: W, dbc: one.dbc, channel: can0}\n"
        "- {vehicles: W, dbc: two.dbc, channel: [can1]}\n- {vehicles: X, dbc: one.dbc, channel: 'can*'}\n"
        "- {vehicles: X, dbc: two.dbc, channel: '*1'}\n",
        one=one,
        two=two,
    )
    for vehicle_id in ("V", "X"):
        with pytest.raises(BadDbc, match=r"id 0x1 is One in one\.dbc and Two in two\.dbc"):
            databases.plan_for(vehicle_id)
    assert names(databases, "W") == ["one.dbc", "two.dbc"]


def test_the_match_rule_of_a_binding_wins(bound) -> None:
    eec1 = 0x0CF00400
    body = database((eec1 | 1 << 31, "EEC1"))
    stated = b'BA_DEF_ "ProtocolType" STRING ;\nBA_DEF_DEF_ "ProtocolType" "J1939";\n'
    databases = bound(
        "bindings:\n- {vehicles: V, dbc: plain.dbc, channel: a}\n- {vehicles: V, dbc: stated.dbc, channel: b}\n"
        "- {vehicles: V, dbc: plain.dbc, channel: c, match: pgn}\n"
        "- {vehicles: V, dbc: stated.dbc, channel: d, match: exact}\n",
        plain=body,
        stated=body + stated,
    )
    assert [message_on(databases, 0x18F0043D, channel) for channel in "abcd"] == ["", "EEC1", "EEC1", ""]
    assert [message_on(databases, eec1, channel) for channel in "abcd"] == ["EEC1"] * 4
    plan = databases.plan_for("V")
    assert [scope.to_dict() | {"sha256": ""} for scope in plan.scopes] == [
        {"name": "plain.dbc", "sha256": "", "channel": ["a"]},
        {"name": "plain.dbc", "sha256": "", "match": "pgn", "channel": ["c"]},
        {"name": "stated.dbc", "sha256": "", "channel": ["b"]},
        {"name": "stated.dbc", "sha256": "", "match": "exact", "channel": ["d"]},
    ]


def test_the_order_of_entries_is_of_no_meaning(bound) -> None:
    entries = [
        "- {vehicles: V, dbc: one.dbc, channel: can1}",
        "- {vehicles: V, dbc: [two.dbc, one.dbc], channel: can0}",
        "- {vehicles: V, dbc: three.dbc}",
    ]
    bodies = {name: database((number, "Same")) for number, name in enumerate(("one", "two", "three"))}
    plans = [
        bound("bindings:\n" + "\n".join(order), **bodies).plan_for("V") for order in (entries, entries[::-1])
    ]
    assert plans[0] == plans[1]
    assert [message.name for message in plans[0].messages] == ["Same", "Same_0x1", "Same_0x2"]


def test_a_vehicle_s_day_is_decoded_by_the_binding_of_that_day(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    folder_lake.put(f"{layout.DBC}other.dbc", database((1, "Other")))
    folder_lake.put(
        layout.BINDINGS,
        b"bindings:\n- {vehicles: '*', dbc: other.dbc}\n"
        b"- {vehicles: '*', dbc: ev_powertrain.dbc, match: exact, valid_from: 2026-02-23}\n",
    )
    raws = [land(folder_lake, "EV_001", NOON + days * layout.DAY_NS, 5) for days in (-1, 0)]
    outcomes = list(process_objects(folder_lake, Databases.load(folder_lake), raws))
    assert [outcome.report.decoded_frames for outcome in outcomes if outcome.report] == [0, 5]
    footers = [parquet.read_footer(parquet.open_object(folder_lake.get(raw.decoded_key), "")) for raw in raws]
    used = [
        [(entry["name"], entry.get("match")) for entry in json.loads(footer["dbc"])] for footer in footers
    ]
    assert used == [[("other.dbc", None)], [("ev_powertrain.dbc", "exact")]]
