"""What signals mean, from the databases that decoded them to whoever shows them."""

import json

import cantools
import pytest

from telemetry_pipeline import dictionaries
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.meaning import meanings_of
from telemetry_pipeline.dictionaries import publish
from telemetry_pipeline.errors import BadKey, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.dictionary import dictionary_key
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.query.meanings import Meanings
from tests.decoded_lake import put_decoded
from tests.raw_lake import EV_DBC, NOON, add_dbc, land

TEXT = """VERSION ""
BS_:
BU_: ECU
BO_ 100 Gear: 8 ECU
 SG_ Lever : 0|8@1- (1,0) [-1|3] "" ECU
 SG_ Half : 8|8@1+ (0.5,10) [0|0] "V" ECU
BO_ 2147483748 Gear: 8 ECU
 SG_ Lever : 0|8@1+ (1,0) [0|0] "" ECU
CM_ BO_ 100 "Where the lever stands, and \xbc of a volt.";
CM_ SG_ 100 Lever "Position as shown.";
VAL_ 100 Lever -1 "Reverse" 0 "Neutral" 1 "Drive" ;
VAL_ 100 Half 1 "Low" 2 "High" ;
"""


def put_dbc(store, text, name="gear.dbc"):
    body = text.encode("cp1252")
    store.put(f"{layout.DBC}{name}", body)
    return load_dbc(body, name)


def decode(store, *raws):
    for outcome in process_objects(store, Databases.load(store), raws):
        assert outcome.report is not None, outcome


def test_names_are_by_the_value_that_rows_hold():
    gear, other = meanings_of(load_dbc(TEXT.encode("cp1252"), "gear.dbc"))
    assert gear.description == "Where the lever stands, and ¼ of a volt."
    lever, half = gear.signals["Lever"], gear.signals["Half"]
    assert lever.choices == {"-1": "Reverse", "0": "Neutral", "1": "Drive"}
    assert (lever.minimum, lever.maximum) == (-1.0, 3.0)
    assert half.choices == {"10.5": "Low", "11": "High"}
    assert (half.unit, half.description) == ("V", "")
    assert (other.name, other.label, other.signals["Lever"].choices) == ("Gear", "0x64x", {})


def test_names_are_those_that_cantools_gives():
    database = cantools.database.load_string(TEXT, "dbc")
    (gear, _) = meanings_of(load_dbc(TEXT.encode("cp1252"), "gear.dbc"))
    message = next(message for message in database.messages if not message.is_extended_frame)
    for raw in range(-1, 3):
        payload = bytes([raw & 0xFF, raw & 0xFF, 0, 0, 0, 0, 0, 0])
        names, values = message.decode(payload), message.decode(payload, decode_choices=False)
        for signal, value in values.items():
            key = str(int(value)) if value == int(value) else repr(value)
            assert gear.signals[signal].choices.get(key, value) == names[signal]


def test_what_was_decoded_has_its_meanings(any_lake):
    add_dbc(any_lake)
    decode(any_lake, land(any_lake, "EV_001"))
    found = Meanings(any_lake).of("EV_001")
    direct = next(
        m for m in meanings_of(load_dbc(EV_DBC.read_bytes(), EV_DBC.name)) if m.name == "MotorCtrl_Status"
    )
    assert found.message("MotorCtrl_Status") == direct
    assert found.signal("MotorCtrl_Status", "Motor_RPM").description


def test_the_days_own_database_names_its_values(folder_lake):
    text = TEXT.replace("BO_ 100 Gear", "BO_ 688 Gear").replace(" 100 ", " 688 ")
    put_dbc(folder_lake, text)
    decode(folder_lake, land(folder_lake, "V1", NOON))
    put_dbc(folder_lake, text.replace("Neutral", "Park"))
    decode(folder_lake, land(folder_lake, "V1", NOON + DAY_NS))
    meanings = Meanings(folder_lake)

    def named(end_ns):
        return meanings.of("V1", end_ns).signal("Gear", "Lever").choices["0"]

    assert named(None) == "Park"
    assert named(NOON + 2 * DAY_NS) == "Park"
    assert named(NOON + DAY_NS // 2) == "Neutral"  # midnight: nothing of the second day
    assert named(NOON - 5 * DAY_NS) == "Neutral"


def test_a_new_object_is_seen_once_the_lookup_is_old(folder_lake):
    meanings, patient = Meanings(folder_lake, kept_s=0), Meanings(folder_lake)
    assert meanings.of("V1").message("Gear") is None
    assert patient.of("V1").message("Gear") is None
    put_dbc(folder_lake, TEXT.replace("BO_ 100 Gear", "BO_ 688 Gear").replace(" 100 ", " 688 "))
    decode(folder_lake, land(folder_lake, "V1"))
    assert meanings.of("V1").message("Gear") is not None
    assert patient.of("V1").message("Gear") is None


@pytest.mark.parametrize(
    "dbc", [None, "no JSON", '[{"sha256": "../../raw"}]', "[1]", json.dumps([{"sha256": "0" * 64}])]
)
def test_a_lake_without_dictionaries_knows_nothing(folder_lake, dbc):
    put_decoded(
        folder_lake,
        Partition.containing("V1", NOON),
        "a",
        {("Gear", "Lever"): ([NOON], [0.0])},
        footer={} if dbc is None else {"dbc": dbc},
    )
    assert Meanings(folder_lake).of("V1").message("Gear") is None


def test_what_is_not_a_vehicle_is_refused(folder_lake):
    with pytest.raises(BadKey):
        Meanings(folder_lake).of("../x")


def test_a_dictionary_is_written_once_and_repaired(folder_lake, monkeypatch):
    dbc = put_dbc(folder_lake, TEXT)
    key = dictionary_key(dbc.sha256)
    publish(folder_lake, [dbc])
    whole = folder_lake.get(key)
    folder_lake.delete(key)
    publish(folder_lake, [dbc])  # this process knows that it was there
    assert folder_lake.head(key) is None
    monkeypatch.setattr(dictionaries, "_there", dictionaries._Remembered())
    folder_lake.put(key, b'{"format":0}')
    publish(folder_lake, [dbc])
    assert folder_lake.get(key) == whole


def test_rows_do_not_wait_for_a_dictionary(folder_lake, monkeypatch, caplog):
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_001")
    put = folder_lake.put

    def refusing(key, body, **kwargs):
        if key.startswith(layout.DICTIONARY):
            raise TransientError("the store does not answer", key)
        put(key, body, **kwargs)

    monkeypatch.setattr(folder_lake, "put", refusing)
    decode(folder_lake, raw)
    assert "its data dictionary is not in the lake" in caplog.text
    monkeypatch.undo()
    decode(folder_lake, raw)
    assert Meanings(folder_lake).of("EV_001").message("MotorCtrl_Status") is not None
