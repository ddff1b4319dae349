"""Objects under raw/ that no partition holds are found in every kind of lake, quarantined once, and left where they are."""

import json

from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.strays import find_strays, quarantine_key_of
from telemetry_pipeline.quarantine import quarantine_stray
from tests.raw_lake import add_dbc, land

STRAYS = [
    "raw/readme.txt",
    "raw/vehicle_id=EV 1/year=2026/month=02/day=23/x_raw.parquet",
    "raw/vehicle_id=EV_1/year=2026/month=02/day=23/x_raw.PARQUET",
    "raw/vehicle_id=EV_1/year=2026/month=02/day=30/x_raw.parquet",
]


def test_strays_go_to_quarantine_once(any_lake: Store) -> None:
    add_dbc(any_lake)
    land(any_lake, "EV_1")
    assert find_strays(any_lake) == []
    for key in STRAYS:
        any_lake.put(key, key.encode())
    assert find_strays(any_lake) == sorted(STRAYS)
    list(drain(any_lake, open_inbox(any_lake), DecoderHere(any_lake), budget_s=60))
    assert find_strays(any_lake) == []
    for key in STRAYS:
        jail = quarantine_key_of(key)
        assert any_lake.get(jail) == any_lake.get(key) == key.encode()
        reason = json.loads(any_lake.get(f"{jail}.json"))
        assert (reason["raw_key"], reason["bytes"]) == (key, len(key))
    late = "raw/late.txt"
    any_lake.put(late, b"")
    list(drain(any_lake, open_inbox(any_lake), DecoderHere(any_lake), budget_s=60))
    assert find_strays(any_lake) == [late], "one sweep an hour is enough"


def test_raw_objects_and_strays_that_are_gone_are_left_alone(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1")
    quarantine_stray(folder_lake, raw.key)
    quarantine_stray(folder_lake, "raw/gone.txt")
    assert list(folder_lake.list_objects("quarantine")) == []


def test_a_sweep_that_fails_does_not_stop_the_drain(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1")
    folder_lake.put("raw/readme.txt", b"")
    honest = folder_lake.get

    def get(key: str) -> bytes:
        if key == "raw/readme.txt":
            raise TransientError("the store does not answer", key)
        return honest(key)

    folder_lake.get = get  # type: ignore[method-assign]
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert folder_lake.head(raw.decoded_key) is not None
