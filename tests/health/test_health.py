"""Counts against thresholds, read from real decoded objects; findings that stand until their partition is well."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.drain import tally
from telemetry_pipeline.health import book as book_module
from telemetry_pipeline.health.book import Book
from telemetry_pipeline.health.health import BESIDE_NS, Health, joined
from telemetry_pipeline.health.inspect import inspect
from telemetry_pipeline.health.judge import CHECKS, findings
from telemetry_pipeline.lake import layout, parquet
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.thresholds import Limits, Thresholds
from tests.raw_lake import NOON, SECOND, add_dbc, land

HOUR = 3600 * SECOND


def decode(store: Store, *raws: RawObject) -> dict[Partition, Health]:
    tallies = tally(process_objects(store, Databases.load(store), raws))
    return {partition: Health.of_tally(item) for partition, item in tallies.items()}


def judged(health: Health, **limits: float) -> dict[str, str]:
    return findings(health, replace(Limits(), **limits))


@pytest.fixture
def lake(any_lake: Store) -> Store:
    add_dbc(any_lake)
    return any_lake


def test_a_healthy_partition_has_no_finding_and_the_lake_tells_the_same(lake: Store) -> None:
    raws = [land(lake, "EV_1", NOON + minute * 60 * SECOND, 100) for minute in range(3)]
    known = decode(lake, *raws)[raws[0].partition]
    assert judged(known) == {}
    assert (known.objects, known.rows, known.unknown_id) == (3, 300, 0)
    assert known.spans == ((NOON, NOON + 120 * SECOND + 99 * SECOND // 100),)
    assert inspect(lake, raws[0].partition) == known


def test_each_threshold_finds_what_exceeds_it(lake: Store) -> None:
    raws = [
        land(lake, "EV_1", NOON, 90),
        land(lake, "EV_1", NOON + 60 * SECOND, 10, arb_id=0x7AA),
    ]
    known = decode(lake, *raws)[raws[0].partition]
    assert inspect(lake, raws[0].partition) == known
    assert judged(known, unknown_id_share=0.1) == {}
    assert judged(known, unknown_id_share=0.09) == {
        "unknown_id_share": "10.00% of 100 rows have an unknown id, more than 9.00%"
    }
    errors = replace(known, decode_error=2, out_of_range=known.values // 2, outside_day=1)
    assert list(judged(errors)) == ["decode_error_share", "out_of_range_share", "outside_day"]


def test_values_out_of_range_are_counted(lake: Store) -> None:
    # the database allows Motor_RPM up to 20,000; the k-th frame carries k
    raw = land(lake, "EV_1", NOON, 30_000, step_ns=1_000_000)
    known = decode(lake, raw)[raw.partition]
    assert known.out_of_range > 0
    assert inspect(lake, raw.partition) == known


def test_a_silence_within_the_day_is_a_gap(lake: Store) -> None:
    raws = [land(lake, "EV_1", NOON + hours * HOUR, 100) for hours in (0, 2, 9)]
    known = decode(lake, *raws)[raws[0].partition]
    assert judged(known) == {"gaps": "1 silences of more than 6h, the longest 6h59m59s from 14:00:00"}
    assert "2 silences of more than 1h" in judged(known, gap=HOUR)["gaps"]
    assert judged(known, gap=7 * HOUR) == {}


def test_the_day_before_the_first_frame_is_no_gap(lake: Store) -> None:
    raw = land(lake, "EV_1", NOON, 100)
    assert judged(decode(lake, raw)[raw.partition], gap=HOUR) == {}


def test_an_object_that_cannot_be_read_is_found_with_its_reason(lake: Store) -> None:
    raw = land(lake, "EV_1")
    lake.put(raw.key, b"PAR1 torn")
    known = decode(lake, raw)[raw.partition]
    said = judged(known)["quarantine"]
    assert said.startswith("1 raw objects could not be read: ")
    assert "not a readable Parquet file" in said
    assert "not a readable Parquet file" in judged(inspect(lake, raw.partition))["quarantine"]
    # the same object again is not a second one
    assert (known + known).quarantined == 1


def rewrite(store: Store, raw: RawObject, table: pa.Table, **changed: str) -> None:
    """Put other rows, with the same footer but for what is changed, in the place of a decoded object."""
    footer = {**parquet.read_footer(parquet.open_object(store.get(raw.decoded_key), "")), **changed}
    sink = pa.BufferOutputStream()
    metadata = {f"{parquet.FOOTER_PREFIX}{name}": text for name, text in footer.items()}
    parquet.pq.write_table(table.replace_schema_metadata(metadata), sink)
    store.put(raw.decoded_key, sink.getvalue().to_pybytes())


def decoded_table(store: Store, raw: RawObject) -> pa.Table:
    return parquet.open_object(store.get(raw.decoded_key), "").read()


def test_columns_that_are_not_the_lakes_are_found(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, "EV_1", NOON + minute * 60 * SECOND) for minute in range(4)]
    decode(folder_lake, *raws)
    table = decoded_table(folder_lake, raws[0])
    rewrite(folder_lake, raws[0], table.drop_columns(["unit"]))
    rewrite(folder_lake, raws[1], table.set_column(4, "value", table["value"].cast(pa.float32())))
    rewrite(folder_lake, raws[2], table.select(list(reversed(table.column_names))))
    known = inspect(folder_lake, raws[0].partition)
    assert list(known.misshapen.values()) == [
        "unit is missing",
        "value is float",
        "its columns are in another order",
    ]
    assert judged(known)["schema"].startswith("3 objects have other columns: decoded/vehicle_id=EV_1/")
    folder_lake.put(raws[3].decoded_key, b"damaged")
    assert len(inspect(folder_lake, raws[0].partition).misshapen) == 4


def test_an_account_that_does_not_add_up_is_found(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, "EV_1", NOON + minute * 60 * SECOND) for minute in range(3)]
    decode(folder_lake, *raws)
    table = decoded_table(folder_lake, raws[0])
    rewrite(folder_lake, raws[0], table.slice(1))
    footer = parquet.read_footer(parquet.open_object(folder_lake.get(raws[1].decoded_key), ""))
    total = json.loads(footer["total"])
    rewrite(folder_lake, raws[1], table, total=json.dumps({**total, "decoded_frames": 7}))
    rewrite(folder_lake, raws[2], table, total="{")
    assert sorted(inspect(folder_lake, raws[0].partition).wrong) == [raw.key for raw in raws]


def test_a_finding_stands_until_its_own_partition_is_well(lake: Store) -> None:
    book = Book(lake, Thresholds())
    bad, good = land(lake, "EV_1"), land(lake, "EV_2")
    lake.put(bad.key, b"PAR1 torn")
    changes = book.add(decode(lake, bad, good))
    assert [(item.check, item.partition) for item in changes] == [("quarantine", bad.partition)]
    assert book.add(decode(lake, land(lake, "EV_2", NOON + 60 * SECOND))) == []
    assert list(Book(lake, Thresholds()).standing().by_check["quarantine"]) == [bad.partition]
    assert book.standing().of(good.partition) == {}
    lake.delete(bad.quarantine_key)
    land(lake, "EV_1")
    decode(lake, bad)
    (gone,) = book.replace({bad.partition: inspect(lake, bad.partition)})
    assert (gone.check, gone.partition, gone.text) == ("quarantine", bad.partition, "")
    assert book.standing().of(bad.partition) == {}


def test_batches_of_a_partition_add_up(lake: Store) -> None:
    book = Book(lake, Thresholds())
    raws = [land(lake, "EV_1", NOON + minute * 60 * SECOND, 10) for minute in range(3)]
    for raw in raws:
        book.add(decode(lake, raw))
    day = raws[0].partition.date
    assert book.day(day) == {raws[0].partition: inspect(lake, raws[0].partition)}
    assert book.days() == [day]


def test_another_threshold_is_held_against_what_is_known(lake: Store) -> None:
    raw = land(lake, "EV_1", NOON, 10, arb_id=0x7AA)
    assert [c.check for c in Book(lake, Thresholds()).add(decode(lake, raw))] == ["unknown_id_share"]
    lenient = Thresholds(Limits(unknown_id_share=1.0))
    (gone,) = Book(lake, lenient).judge_again()
    assert (gone.check, gone.text) == ("unknown_id_share", "")
    assert Book(lake, lenient).judge_again() == []


def test_the_book_is_bounded_and_says_what_it_leaves_out(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_module, "STANDING_MAX", 3)
    book = Book(folder_lake, Thresholds())
    ill = Health(objects=1, rows=1, decode_error=1)
    partitions = [Partition.containing("EV_1", NOON + day * DAY_NS) for day in range(5)]
    book.add(dict.fromkeys(partitions, ill))
    standing = book.standing()
    assert sorted(standing.by_check["decode_error_share"]) == partitions[2:]
    assert standing.untold == {"decode_error_share": 2}
    well = Health(objects=1, rows=1)
    book.replace(dict.fromkeys(partitions, well))
    assert book.standing().untold == {}


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"EV_1": {"rows": "many", "what": 1}, "../x": {}}'])
def test_a_damaged_book_is_written_anew(folder_lake: Store, damage: bytes) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1", NOON, 10)
    known = decode(folder_lake, raw)
    for key in (f"{layout.STATE}health/{raw.partition.date}.json", f"{layout.STATE}findings.json"):
        folder_lake.put(key, damage)
    folder_lake.put(f"{layout.STATE}health/notes.txt", b"")
    book = Book(folder_lake, Thresholds())
    assert book.add(known) == []
    assert book.day(raw.partition.date) == known


spans = st.lists(
    st.tuples(st.integers(0, 10**14), st.integers(0, 10**12)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=12,
)


@given(spans, spans)
def test_joined_stretches_are_in_order_apart_and_cover_the_same(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    found = joined([*one, *other])
    assert joined([*joined(one), *joined(other)]) == found
    assert all(after[0] - before[1] > BESIDE_NS for before, after in itertools.pairwise(found))
    assert all(covered(span, found) for span in (*one, *other))


def covered(span: tuple[int, int], by: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in by)


def test_every_check_says_what_passes() -> None:
    assert all(check.description.endswith(".") for check in CHECKS.values())
    assert {name for name, check in CHECKS.items() if check.severe} == {"accounting", "schema"}
