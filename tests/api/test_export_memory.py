"""Exports of millions of rows from a real process: all of them, in order, in memory that does not grow with them."""

import datetime as dt
import json
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.decoded_file import write_decoded
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.query.index import to_ns
from telemetry_pipeline.series.compact import compact_day
from tests.servers import service

S = 1_000_000_000
DAYS = [Partition("BIG", dt.date(2026, 2, 12) + dt.timedelta(days=number)) for number in range(6)]
SIGNALS = [f"S{number}" for number in range(8)]
HOURS, PER_HOUR = 6, 36_000
ROWS = len(DAYS) * len(SIGNALS) * HOURS * PER_HOUR
GROWTH = 80 << 20
"""Beyond an export of an hour: what is exported row by row takes 15 to 25 MB more. One that kept its rows would take as
many as they have as Arrow, 26 bytes each: 270 MB, and 135 MB those of the days that leave as CSV."""

PLAIN = {"Accept-Encoding": "identity"}
LAST_HALF_HOUR = {"start": "2026-02-12T05:30:00Z", "end": "2026-02-13T00:30:00Z"}
"""Of the first day, and the first of the second: rows of a series object and rows of a decoded one."""


def put_hour(store, day, hour, random):
    """An object of one hour, made from arrays: lists of millions take too long."""
    t = day.start_ns + hour * 3600 * S + np.arange(PER_HOUR, dtype=np.int64) * (S // 10)
    entries, columns = [], {name: [] for name in ("timestamp", "signal_name", "value")}
    for name in SIGNALS:
        stamps = t + random.integers(0, 1_000_000, PER_HOUR)
        values = random.normal(size=PER_HOUR)
        columns["timestamp"].append(stamps)
        columns["signal_name"].append(np.full(PER_HOUR, SIGNALS.index(name), np.int16))
        columns["value"].append(values)
        entries.append(
            {
                "message": "M",
                "signal": name,
                "unit": "V",
                "rows": PER_HOUR,
                "nonfinite": 0,
                "first_ns": int(stamps[0]),
                "last_ns": int(stamps[-1]),
                "minimum": float(values.min()),
                "maximum": float(values.max()),
                "total": float(values.sum()),
            }
        )
    rows = PER_HOUR * len(SIGNALS)

    def repeated(text):
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int16)), pa.array([text]))

    names = pa.DictionaryArray.from_arrays(
        pa.array(np.concatenate(columns["signal_name"])), pa.array(SIGNALS)
    )
    table = pa.table(
        [
            pa.array(np.concatenate(columns["timestamp"])).cast(schema.TIMESTAMP),
            repeated(day.vehicle_id),
            repeated("M"),
            names,
            pa.array(np.concatenate(columns["value"])),
            repeated("V"),
            repeated("can0"),
        ],
        schema=schema.DECODED,
    )
    report = {"rows": PER_HOUR, "messages": {"M": PER_HOUR}, "signals": entries}
    body = write_decoded(table, [PER_HOUR] * len(SIGNALS), {"report": json.dumps(report)})
    store.put(DecodedObject(day, f"{day.date:%Y%m%d}T{hour:02d}0000.000Z").key, body)
    return table


def peak(pid):
    """The most resident memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def fingerprint(tables):
    """Of rows in any order: how many, and the sums of their times and of their values' bits, in 64 bits."""
    rows = times = values = 0
    for table in tables:
        rows += table.num_rows
        times += int(to_ns(table["timestamp"]).sum())
        values += int(table["value"].to_numpy().view(np.uint64).sum())
    return rows, times % 2**64, values % 2**64


def in_order(path):
    """The row groups of a file of rows, as tables; their times have to ascend."""
    with pq.ParquetFile(path) as file:
        before = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["timestamp", "value"])
            t = to_ns(table["timestamp"])
            assert t[0] >= before
            assert (t[1:] >= t[:-1]).all()
            before = int(t[-1])
            yield table


@pytest.mark.slow
def test_millions_of_rows_leave_in_bounded_memory(folder_lake, tmp_path):
    random = np.random.default_rng(11)
    put = fingerprint(put_hour(folder_lake, day, hour, random) for day in DAYS for hour in range(HOURS))
    compact_day(folder_lake, DAYS[0])  # the others come from their decoded objects
    target = tmp_path / "export.parquet"
    whole = {"start": "2026-02-12T00:00:00Z", "end": "2026-02-18T00:00:00Z"}
    three_days = {**whole, "end": "2026-02-15T00:00:00Z"}
    with (
        service(folder_lake.url, tmp_path / "log") as (url, process),
        httpx.Client(base_url=url, timeout=300, trust_env=False) as client,
    ):
        pid = process.pid

        def parts(kind, span):
            asked = {"message": "M", "format": kind, **span}
            with client.stream("GET", "/vehicles/BIG/export", params=asked, headers=PLAIN) as answer:
                yield from answer.iter_raw()

        for kind in ("csv", "parquet"):  # all code is loaded, and every kind of object was read
            assert sum(map(len, parts(kind, LAST_HALF_HOUR))) > 1_000_000
        before = peak(pid)
        with target.open("wb") as file:
            for part in parts("parquet", whole):
                file.write(part)
        grown = [peak(pid) - before]
        lines = sum(part.count(b"\n") for part in parts("csv", three_days))
        grown.append(peak(pid) - before)
    assert lines == ROWS // len(DAYS) * 3 + 1
    assert fingerprint(in_order(target)) == put
    assert grown[-1] < GROWTH, f"{[size >> 20 for size in grown]} MB for {ROWS:,} rows"
    growth = f"{grown[0] >> 20} MB for Parquet, {grown[-1] >> 20} MB for that and CSV"
    print(f"{ROWS:,} rows, {target.stat().st_size:,} bytes of Parquet; {growth}")
