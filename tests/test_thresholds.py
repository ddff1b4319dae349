"""One file of thresholds: defaults where it is silent, the first entry that matches, clear words for what is wrong."""

import pytest

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.thresholds import NEVER, Limits, load_thresholds, parse_thresholds

HOUR = 3_600_000_000_000


def test_a_lake_without_the_file_has_the_defaults(folder_lake: Store) -> None:
    assert load_thresholds(folder_lake).of("EV_1") == Limits()


@pytest.mark.parametrize("body", [b"", b"# nothing yet\n", b"defaults:\nvehicles:\n"])
def test_an_empty_file_changes_nothing(body: bytes) -> None:
    assert parse_thresholds(body, "x").of("EV_1") == Limits()


def test_the_first_entry_that_names_a_threshold_decides_it(folder_lake: Store) -> None:
    folder_lake.put(
        layout.THRESHOLDS,
        b"""
defaults: {gap: 1h, unknown_id_share: 0.5}
vehicles:
  - vehicles: TRUCK_1
    silent_after: never
  - vehicles: ["TRUCK_*", "VAN_?"]
    silent_after: 2h
    gap: 90s
""",
    )
    thresholds = load_thresholds(folder_lake)
    one, other, car = (thresholds.of(vehicle) for vehicle in ("TRUCK_1", "VAN_2", "EV_1"))
    assert (one.silent_after, one.gap, one.unknown_id_share) == (NEVER, 90_000_000_000, 0.5)
    assert (other.silent_after, other.gap) == (2 * HOUR, 90_000_000_000)
    assert (car.silent_after, car.gap, car.decode_error_share) == (24 * HOUR, HOUR, 0.01)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("defaults: [", "thresholds.yaml: not YAML"),
        ("- a", "thresholds.yaml: not a mapping. Begin with the line 'defaults:' or 'vehicles:'"),
        ("default: {}", "thresholds.yaml: unknown key default. Known: defaults, vehicles"),
        ("defaults: 3", "thresholds.yaml defaults: not a mapping of thresholds"),
        ("defaults: {gaps: 1h}", "thresholds.yaml defaults: unknown threshold gaps. Known: unknown_id_share"),
        ("defaults: {gap: soon}", "thresholds.yaml defaults gap: 'soon' is not a duration. Use a duration"),
        ("defaults: {gap: 0s}", "thresholds.yaml defaults gap: '0s' is no time at all"),
        ("defaults: {gap: 5}", "thresholds.yaml defaults gap: '5' is not a duration"),
        ("defaults: {unknown_id_share: 90}", "unknown_id_share: 90 is not a share. Use a number from 0 to 1"),
        ("defaults: {unknown_id_share: yes}", "unknown_id_share: True is not a share"),
        ("defaults: {unknown_id_share: .nan}", "unknown_id_share: nan is not a share"),
        ("vehicles: {a: b}", "thresholds.yaml: vehicles must be a list of entries"),
        ("vehicles: [{gap: 1h}]", "thresholds.yaml vehicles entry 1: needs the key vehicles"),
        ("vehicles: [{vehicles: [7]}]", "entry 1: vehicles must be a glob or a list of globs. Quote numbers"),
        (
            "vehicles: [{vehicles: a}, {vehicles: b, gap: x}]",
            "thresholds.yaml vehicles entry 2 gap: 'x' is not",
        ),
    ],
)
def test_what_is_wrong_is_said(body: str, says: str) -> None:
    with pytest.raises(BadSetting) as caught:
        parse_thresholds(body.encode(), layout.THRESHOLDS)
    assert says in str(caught.value)
