"""`verify` finds every kind of loss that can be made in a lake, and nothing in a lake without one."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from telemetry_pipeline.cli.main import app
from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import ledger, parquet, schema
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.verify import lost_strays, verify_lake
from tests.corpus import CORPUS, needs_corpus
from tests.raw_lake import NOON, SECOND, add_dbc, frames, land

MIDNIGHT = NOON + DAY_NS // 2
BAD = RawObject.starting("EV_2", NOON)
OVER_MIDNIGHT = RawObject.starting("EV_1", MIDNIGHT - SECOND)
PLAIN = RawObject.starting("EV_1", NOON)


@pytest.fixture
def lake(folder_lake: Store) -> Store:
    """A drained lake: a plain object, one that crosses midnight, and one in quarantine."""
    add_dbc(folder_lake)
    land(folder_lake, "EV_1", NOON, 50)
    land(folder_lake, "EV_1", MIDNIGHT - SECOND, 300)
    folder_lake.put(BAD.key, b"no frames")
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    return folder_lake


def problems(store: Store, *, deep: bool = False) -> dict[str, list[str]]:
    found = lost_strays(store)
    for verdict in verify_lake(store, deep=deep):
        found.update(verdict.problems)
    return found


def rewrite(store: Store, key: str, change: Callable[[dict[str, str]], None]) -> None:
    """Write a decoded object again with another footer."""
    file = parquet.open_object(store.get(key), key)
    footer = parquet.read_footer(file)
    change(footer)
    table, sink = file.read().replace_schema_metadata(None), io.BytesIO()
    with pq.ParquetWriter(sink, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({f"can_telemetry.{name}": text for name, text in footer.items()})
    store.put(key, sink.getvalue())


def in_total(name: str, value: int) -> Callable[[dict[str, str]], None]:
    def change(footer: dict[str, str]) -> None:
        footer["total"] = json.dumps({**json.loads(footer["total"]), name: value})

    return change


def in_report(name: str, value: object) -> Callable[[dict[str, str]], None]:
    def change(footer: dict[str, str]) -> None:
        footer["report"] = json.dumps({**json.loads(footer["report"]), name: value})

    return change


def in_footer(name: str, value: str) -> Callable[[dict[str, str]], None]:
    def change(footer: dict[str, str]) -> None:
        footer[name] = value

    return change


def test_a_drained_lake_is_whole(lake: Store) -> None:
    assert problems(lake, deep=True) == {}
    verdicts = list(verify_lake(lake))
    assert sum(verdict.rows for verdict in verdicts) == 350
    assert sum(verdict.objects for verdict in verdicts) == 3
    assert sum(verdict.quarantined for verdict in verdicts) == 1


def test_the_same_stem_in_the_next_day_is_another_object(lake: Store) -> None:
    twin = RawObject(OVER_MIDNIGHT.partition.shifted(2), OVER_MIDNIGHT.stem)
    neighbour = RawObject(OVER_MIDNIGHT.partition.shifted(3), OVER_MIDNIGHT.stem)
    for raw in (twin, neighbour):
        lake.put(raw.key, parquet.write_raw(frames("EV_1", raw.partition.start_ns, 10)))
    list(drain(lake, open_inbox(lake), DecoderHere(lake), budget_s=60))
    assert problems(lake, deep=True) == {}


@pytest.mark.parametrize(
    ("key", "change", "at", "says"),
    [
        (PLAIN.decoded_key, in_total("rows", 51), PLAIN, "its total does not add up"),
        (PLAIN.decoded_key, in_report("unknown_id", 1), PLAIN, "receipt: its report does not add up"),
        (PLAIN.decoded_key, in_report("signals", []), PLAIN, "its report is of 0 values, it has 150"),
        (PLAIN.decoded_key, in_footer("raw_key", "raw/other"), PLAIN, "its receipt is of raw/other"),
        (PLAIN.decoded_key, in_footer("report", "{"), PLAIN, "its receipt has no readable account"),
        (PLAIN.decoded_key, lambda footer: footer.pop("total"), PLAIN, "its receipt has no readable account"),
        (OVER_MIDNIGHT.spill(1).key, in_footer("raw_digest", "0"), OVER_MIDNIGHT, "decoded from other bytes"),
        (OVER_MIDNIGHT.spill(1).key, in_footer("report", "x"), OVER_MIDNIGHT, "no readable account"),
        (OVER_MIDNIGHT.spill(1).key, in_report("rows", 9), OVER_MIDNIGHT, "its parts have"),
    ],
)
def test_a_false_account_is_found(
    lake: Store, key: str, change: Callable[[dict[str, str]], None], at: RawObject, says: str
) -> None:
    rewrite(lake, key, change)
    found = problems(lake)
    assert list(found) == [at.key]
    assert says in "; ".join(found[at.key])


def test_rows_that_nobody_accounts_for_are_found(lake: Store) -> None:
    lake.put(PLAIN.key, parquet.write_raw(frames("EV_1", NOON, 51)))
    assert problems(lake) == {PLAIN.key: ["it has 51 rows, 50 are accounted for"]}


def test_other_bytes_of_as_many_rows_are_found_in_depth(lake: Store) -> None:
    lake.put(PLAIN.key, parquet.write_raw(frames("EV_1", NOON + 1, 50)))
    assert problems(lake) == {}
    assert problems(lake, deep=True) == {PLAIN.key: ["its bytes are not those that were decoded"]}


def test_a_raw_object_that_is_broken_since_is_found_in_depth(lake: Store) -> None:
    lake.put(PLAIN.key, b"gone bad")
    assert problems(lake) == {}
    assert list(problems(lake, deep=True)) == [PLAIN.key]


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        (PLAIN.decoded_key, "neither decoded nor quarantined"),
        (OVER_MIDNIGHT.spill(1).key, "its total is 300 rows, its parts have 100"),
        (BAD.quarantine_key, "neither decoded nor quarantined"),
        (BAD.reason_key, "in quarantine without a reason"),
    ],
)
def test_a_lost_object_is_found(lake: Store, lost: str, says: str) -> None:
    lake.delete(lost)
    (found,) = problems(lake).values()
    assert says in "; ".join(found)


@pytest.mark.parametrize(
    ("gone", "deep", "says"),
    [
        (PLAIN.decoded_key, False, {PLAIN.key: ["neither decoded nor quarantined"]}),
        (PLAIN.key, True, {}),
    ],
)
def test_what_goes_away_after_it_was_listed_is_looked_at_again(
    lake: Store, monkeypatch: pytest.MonkeyPatch, gone: str, deep: bool, says: dict[str, list[str]]
) -> None:
    listing = ledger.read_ledger

    def list_then_lose(store: Store, partition: Partition) -> ledger.Ledger:
        book = listing(store, partition)
        if partition == PLAIN.partition and store.head(gone) is not None:
            store.delete(gone)
        return book

    monkeypatch.setattr(ledger, "read_ledger", list_then_lose)
    verdicts = list(verify_lake(lake, deep=deep))
    found = {key: said for verdict in verdicts for key, said in verdict.problems.items()}
    assert found == says
    assert sum(verdict.objects for verdict in verdicts) == (3 if says else 2)
    assert [sum(getattr(v, name) for v in verdicts) for name in ("decoded", "quarantined", "rows")] == [
        1,
        1,
        300,
    ]


def test_what_is_listed_and_gone_each_time_does_not_end_the_others(
    lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing, receipt = ledger.read_ledger, lake.get(PLAIN.decoded_key)

    def list_what_is_gone(store: Store, partition: Partition) -> ledger.Ledger:
        store.put(PLAIN.decoded_key, receipt)
        book = listing(store, partition)
        store.delete(PLAIN.decoded_key)
        return book

    monkeypatch.setattr(ledger, "read_ledger", list_what_is_gone)
    assert problems(lake) == {PLAIN.key: ["what belongs to it was listed and gone 3 times"]}


def test_a_quarantined_copy_that_differs_is_found(lake: Store) -> None:
    lake.put(BAD.quarantine_key, b"no framez")
    assert problems(lake) == {}
    assert problems(lake, deep=True) == {
        BAD.key: ["its quarantined copy is not the bytes that were quarantined"]
    }
    lake.put(BAD.quarantine_key, b"no")
    assert "is not of the 9 bytes" in problems(lake)[BAD.key][0]
    lake.put(BAD.reason_key, b"{")
    assert "reason cannot be read" in problems(lake)[BAD.key][0]


def test_a_stray_is_found(lake: Store) -> None:
    lake.put("raw/vehicle_id=EV 1/x_raw.parquet", b"?")
    assert list(problems(lake)) == ["raw/vehicle_id=EV 1/x_raw.parquet"]


def test_the_command_says_what_is_wrong_and_exits_with_1(
    lake: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TELEMETRY_LAKE", lake.url)
    monkeypatch.chdir(tmp_path)
    whole = CliRunner().invoke(app, ["verify", "--deep", "--json"])
    assert whole.exit_code == 0
    answer = json.loads(whole.stdout)
    assert (answer["objects"], answer["decoded"], answer["quarantined"], answer["rows"]) == (3, 2, 1, 350)
    assert answer["problems"] == []
    assert "all sums hold" in CliRunner().invoke(app, ["verify"]).stdout
    lake.delete(PLAIN.decoded_key)
    broken = CliRunner().invoke(app, ["verify"])
    assert broken.exit_code == 1
    assert f"'{PLAIN.key}': neither decoded nor quarantined" in broken.stdout
    answer = json.loads(CliRunner().invoke(app, ["verify", "--json"]).stdout)
    assert answer["problems"] == [{"key": PLAIN.key, "problems": ["neither decoded nor quarantined"]}]


def test_an_object_in_batches_is_whole(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry_pipeline.lake.parquet.read_raw_batches.__defaults__", (70,))
    add_dbc(folder_lake)
    mixed = pa.concat_tables([frames("EV_1", NOON, 100), frames("EV_1", NOON, 100, arb_id=0x7FE)])
    folder_lake.put(PLAIN.key, parquet.write_raw(mixed))
    land(folder_lake, "EV_1", MIDNIGHT - SECOND, 300)
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert problems(folder_lake, deep=True) == {}


@needs_corpus
def test_reassembled_objects_are_whole(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (pair,) = (
        pair for pair in json.loads((CORPUS / "manifest.json").read_text())["pairs"] if pair["id"] == "ev_uds"
    )
    folder_lake.put("dbc/uds.dbc", (CORPUS / pair["bindings"][0]["dbc"]).read_bytes())
    folder_lake.put("dbc/bindings.yaml", b"bindings:\n- {vehicles: EV_1, dbc: uds.dbc, transport: isotp}\n")
    table = pq.read_table(CORPUS / pair["frames_file"])
    table = table.append_column("vehicle_id", pa.repeat("EV_1", table.num_rows))
    monkeypatch.setattr("telemetry_pipeline.lake.parquet.read_raw_batches.__defaults__", (133,))
    for start in range(0, table.num_rows, 670):
        part = parquet.conform_raw(table.slice(start, 670), "part").cast(schema.RAW)
        first = part["timestamp"].cast(pa.int64())[0].as_py()
        folder_lake.put(RawObject.starting("EV_1", first).key, parquet.write_raw(part))
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert problems(folder_lake, deep=True) == {}
    assert sum(verdict.rows for verdict in verify_lake(folder_lake)) == table.num_rows
