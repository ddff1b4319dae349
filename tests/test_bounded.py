"""Objects larger than one batch: the same rows in the same order, the same bytes every time, and bounded memory."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import Decoder, decode_frames
from telemetry_pipeline.decode.plan import Plan, compile_plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import parquet, schema
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_object
from tests.raw_lake import EV_DBC, MOTOR_STATUS, NOON, SECOND, add_dbc, frames

MEGABYTE: Final = 1 << 20

WORKER: Final = """
import json, re, sys
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_object
store, raw = Store.open(sys.argv[1]), RawObject.parse(sys.argv[2])
outcome = process_object(store, raw, Databases.load(store).plan_for("EV_001", raw.partition.date))
# not getrusage: its maximum includes the parent's memory from before the exec
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
print(json.dumps({"peak": peak * 1024, "rows": outcome.report.rows, "values": outcome.report.values}))
"""


def ev_plan() -> Plan:
    return compile_plan([load_dbc(EV_DBC.read_bytes(), EV_DBC.name)])


def decoded_in_batches(
    plan: Plan, batches: list[pa.Table], sizes: Callable[[int], list[int]], folder: Path
) -> tuple[pa.Table, Report]:
    decoder = Decoder(plan, folder / "piles")
    for batch in batches:
        decoder.add(batch)
    rows = sizes(sum(decoder.runs()))
    parts = list(decoder.parts(rows))
    assert [part.num_rows for part in parts] == rows
    return pa.concat_tables([schema.DECODED.empty_table(), *(part.table for part in parts)]), decoder.report()


@settings(max_examples=60)
@given(
    times=st.lists(st.integers(0, 40), min_size=1, max_size=120),
    size=st.integers(1, 50),
    part=st.integers(1, 100),
    seed=st.integers(0, 2**32 - 1),
    held=st.sampled_from([0, 2000, 1 << 30]),
)
def test_batches_give_the_rows_of_the_whole(
    times: list[int], size: int, part: int, seed: int, held: int
) -> None:
    """However the frames come, however the values are taken, and whether memory holds them all."""
    random = np.random.default_rng(seed)
    plan = ev_plan()
    ids = np.array([message.arbitration_id for message in plan.messages[:4]] + [0x7FE])
    data = random.integers(0, 256, (len(times), 8), np.uint8)
    whole = frames("EV_001", NOON, len(times))
    for name, column in (
        ("timestamp", pa.array(NOON + np.array(times) * SECOND, schema.TIMESTAMP)),
        ("arb_id", pa.array(random.choice(ids, len(times)), pa.uint32())),
        ("data", pa.array([row.tobytes() for row in data], pa.binary())),
        ("channel", pa.array(random.choice(["can0", "can1", ""], len(times)), pa.string())),
    ):
        whole = whole.set_column(whole.column_names.index(name), name, column)
    expected = decode_frames(whole, plan)
    batches = [whole.slice(start, size) for start in range(0, len(times), size)]

    def sizes(rows: int) -> list[int]:
        return [min(part, rows - start) for start in range(0, rows, part)]

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("telemetry_pipeline.decode.gather.HELD_BYTES", held)
        table, report = decoded_in_batches(plan, batches, sizes, Path(folder))
    assert pl.from_arrow(table).equals(pl.from_arrow(expected.table))  # type: ignore[union-attr,arg-type]
    assert replace(report, signals=()) == replace(expected.report, signals=())
    for stats, whole_stats in zip(report.signals, expected.report.signals, strict=True):
        assert stats._replace(total=0) == whole_stats._replace(total=0)
        assert stats.total == pytest.approx(whole_stats.total)
    assert report.adds_up()
    assert report.rows == len(times)


@pytest.mark.parametrize("limit", ["ROW_GROUP_MIN", "ROW_GROUP_MAX"])
@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
def test_an_object_of_several_batches(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch, order: str, limit: str
) -> None:
    add_dbc(folder_lake)
    plan = Databases.load(folder_lake).plan_for("EV_001", RawObject.starting("EV_001", NOON).partition.date)
    raw = RawObject.starting("EV_001", NOON)
    table = frames("EV_001", NOON, 5000)
    rows = {
        "forward": np.arange(5000),
        "reverse": np.arange(5000)[::-1],
        "shuffled": np.random.default_rng(7).permutation(5000),
    }[order]
    folder_lake.put(raw.key, parquet.write_raw(table.take(pa.array(rows))))
    process_object(folder_lake, raw, plan)
    whole = folder_lake.get(raw.decoded_key)
    monkeypatch.setattr("telemetry_pipeline.lake.parquet.read_raw_batches.__defaults__", (700,))
    # 2000 rows are less than a signal has: groups end with signals, or signals are cut
    monkeypatch.setattr(f"telemetry_pipeline.lake.decoded_file.{limit}", 2000)
    outcome = process_object(folder_lake, raw, plan)
    batched = folder_lake.get(raw.decoded_key)
    assert outcome.report is not None
    assert outcome.report.rows == 5000
    assert pl.read_parquet(batched).equals(pl.read_parquet(whole))
    assert pq.ParquetFile(pa.BufferReader(batched)).metadata.num_row_groups > 1
    process_object(folder_lake, raw, plan)
    assert folder_lake.get(raw.decoded_key) == batched


def test_an_object_of_several_batches_without_values_has_a_receipt(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", NOON)
    folder_lake.put(raw.key, parquet.write_raw(frames("EV_001", NOON, 100, arb_id=0x7FE)))
    monkeypatch.setattr("telemetry_pipeline.lake.parquet.read_raw_batches.__defaults__", (30,))
    plan = Databases.load(folder_lake).plan_for("EV_001", raw.partition.date)
    outcome = process_object(folder_lake, raw, plan)
    assert outcome.report is not None
    assert outcome.report.unknown_ids == {"0x7FE": 100}
    assert pl.read_parquet(folder_lake.get(raw.decoded_key)).height == 0


def constant(rows: int, start_ns: int) -> pa.Table:
    """Frames that are all alike but for their time: a few hundred kilobytes of Parquet stand for 20 million."""
    zeros = pa.array(np.zeros(rows, np.int32))
    return pa.table(
        {
            "timestamp": pa.array(start_ns + np.arange(rows) * 1000, schema.TIMESTAMP),
            "arb_id": pa.array(np.full(rows, MOTOR_STATUS, np.uint32)),
            "dlc": pa.array(np.full(rows, 8, np.uint8)),
            "data": pa.DictionaryArray.from_arrays(zeros, pa.array([bytes(8)])).cast(pa.binary()),
            "vehicle_id": pa.DictionaryArray.from_arrays(zeros, pa.array(["EV_001"])).cast(pa.string()),
        }
    )


def varied(rows: int) -> bytes:
    """About 10 MB of frames of every message of the EV database."""
    random = np.random.default_rng(3)
    payloads = random.integers(0, 256, (rows, 8), np.uint8)
    payloads[:, 6:] = 0
    offsets = pa.py_buffer(np.arange(0, 8 * rows + 1, 8, dtype=np.int32))
    ids = [message.arbitration_id for message in ev_plan().messages]
    table = constant(rows, NOON)
    table = table.set_column(1, "arb_id", pa.array(random.choice(np.array(ids, np.uint32), rows)))
    data = pa.Array.from_buffers(pa.binary(), rows, [None, offsets, pa.py_buffer(payloads)])
    return parquet.write_raw(parquet.conform_raw(table.set_column(3, "data", data), "varied"))


def measure(store: Store, raw: RawObject) -> dict[str, int]:
    """Decode one object in a process of its own; its peak of resident memory in bytes, and its counts."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER, store.url, raw.key],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_twenty_million_rows_in_a_tiny_file(folder_lake: Store, tmp_path: Path) -> None:
    add_dbc(folder_lake)
    path = tmp_path / "bomb.parquet"
    rows = 1_000_000
    with pq.ParquetWriter(
        path,
        constant(0, NOON).schema,
        compression="zstd",
        use_dictionary=["arb_id", "dlc", "data", "vehicle_id"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
    ) as writer:
        for number in range(20):
            writer.write_table(constant(rows, NOON + number * rows * 1000))
    assert path.stat().st_size < MEGABYTE
    raw = RawObject.starting("EV_001", NOON)
    folder_lake.put(raw.key, path.read_bytes())
    found = measure(folder_lake, raw)
    assert found["rows"] == 20_000_000
    assert found["values"] == 60_000_000
    assert found["peak"] < 800 * MEGABYTE


def test_an_object_of_ten_megabytes(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", NOON)
    body = varied(1_600_000)
    assert len(body) > 9 * MEGABYTE
    folder_lake.put(raw.key, body)
    found = measure(folder_lake, raw)
    assert found["rows"] == 1_600_000
    assert found["peak"] < 300 * MEGABYTE


def test_absurd_claims_are_refused(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", NOON)
    folder_lake.put(raw.key, parquet.write_raw(frames("EV_001", NOON, 1001)))
    monkeypatch.setattr("telemetry_pipeline.lake.parquet.RAW_ROWS_MAX", 1000)
    plan = Databases.load(folder_lake).plan_for("EV_001", raw.partition.date)
    outcome = process_object(folder_lake, raw, plan)
    assert "claims 1,001 rows" in outcome.quarantined
    assert "one object holds at most 1,000" in outcome.quarantined


def test_a_footer_that_miscounts_is_refused() -> None:
    """The count of all rows lies in the footer as a Thrift varint; the row groups have their own."""
    body = parquet.write_raw(frames("EV_001", NOON, 1000))
    footer = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
    claimed = bytes([0x16, 0xD0, 0x0F])  # a field of type i64, then zigzag 1000
    at = body.index(claimed, footer)
    wrong = body[:at] + bytes([0x16, 0xD2, 0x0F]) + body[at + 3 :]
    with pytest.raises(BadRaw, match="claims 1001 rows, its row groups do not"):
        parquet.read_raw(wrong, "wrong")
