"""The data dictionary as an object of the lake: what goes in comes out, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake.dictionary import (
    Dictionary,
    MessageMeaning,
    SignalMeaning,
    dump,
    load,
    value_key,
)

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
signals = st.builds(SignalMeaning, names, names, st.dictionaries(names, names, max_size=4), numbers, numbers)
messages = st.builds(MessageMeaning, names, names, names, st.dictionaries(names, signals, max_size=4))


@given(st.lists(messages, max_size=4))
def test_what_is_written_is_read(given_messages):
    assert load(dump("a.dbc", given_messages), "here") == given_messages


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"format":2,"messages":[]}',
        b'{"format":1}',
        b'{"format":1,"messages":[1]}',
    ],
)
def test_anything_else_is_refused(body):
    with pytest.raises(BadRaw, match="here"):
        load(body, "here")


@pytest.mark.parametrize(
    ("value", "key"), [(0.0, "0"), (-1.0, "-1"), (0.5, "0.5"), (2.0**40, "1099511627776")]
)
def test_a_value_is_named_as_json_would_write_it(value, key):
    assert value_key(value) == key


def test_of_equal_names_the_first_wins_and_the_other_goes_by_its_id():
    one = MessageMeaning("Status", "0x10", "one", {"Mode": SignalMeaning(choices={"0": "Off"})})
    other = MessageMeaning("Status", "0x20x", "other", {"Mode": SignalMeaning(choices={"0": "Aus"})})
    found = Dictionary([one, other])
    assert found.message("Status") is one
    assert found.message("Status_0x20x") is other
    assert found.signal("Status_0x20x", "Mode").choices == {"0": "Aus"}
    assert found.signal("Status", "Speed") is None
    assert found.signal("Nothing", "Mode") is None
