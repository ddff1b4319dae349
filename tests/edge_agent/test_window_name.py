import pytest

from edge_agent.window_name import name_by_content
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake.layout import RawObject, stem_start_ns
from telemetry_pipeline.lake.store import digest

START = 1_795_334_400_123_000_000


def test_a_name_says_when_it_began_and_what_is_in_it():
    raw = RawObject.starting("V", START)
    name = name_by_content(raw, b"frames")
    assert name.stem == f"{raw.stem}-{digest(b'frames')[:16]}"
    assert stem_start_ns(name.stem) == START
    assert RawObject.parse(name.key) == name
    assert name_by_content(name, b"frames") == name
    assert name_by_content(raw, b"others") != name


def test_bytes_that_are_not_those_of_the_name_are_refused():
    name = name_by_content(RawObject.starting("V", START), b"frames")
    with pytest.raises(BadRaw, match="the disk has changed it"):
        name_by_content(name, b"frame5")
