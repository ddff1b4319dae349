"""Exports of millions of rows from a real process: all of them, in order, in memory that does not grow with them."""

import datetime as dt
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.decoded_file import write_decoded
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.series.compact import compact_day
from tests.servers import ended, free_port, wait_for_http

S = 1_000_000_000
DAYS = [Partition("BIG", dt.date(2026, 2, 12) + dt.timedelta(days=number)) for number in range(3)]
SIGNALS = [f"S{number}" for number in range(8)]
HOURS, PER_HOUR = 6, 36_000
ROWS = len(DAYS) * len(SIGNALS) * HOURS * PER_HOUR
GROWTH = 70 << 20
"""Beyond an export of the first day: the rows of the other two have 26 bytes each as Arrow, which is 90 MB."""


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


@contextmanager
def served(lake, log):
    port = free_port()
    command = [sys.executable, "-m", "telemetry_pipeline.cli.main", "serve", "--port", str(port)]
    env = {**os.environ, "TELEMETRY_LAKE": lake.url}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
    with ended(process):
        wait_for_http(f"http://127.0.0.1:{port}/health", process, log=log)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300, trust_env=False) as client:
            yield client, process.pid


def peak(pid):
    """The most resident memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


@pytest.mark.slow
def test_millions_of_rows_leave_in_bounded_memory(folder_lake, tmp_path):
    random = np.random.default_rng(11)
    tables = [put_hour(folder_lake, day, hour, random) for day in DAYS for hour in range(HOURS)]
    compact_day(folder_lake, DAYS[0])  # the others come from their decoded objects
    asked = {"message": "M", "start": "2026-02-12T00:00:00Z", "end": "2026-02-15T00:00:00Z"}
    target = tmp_path / "export.parquet"
    with served(folder_lake, tmp_path / "log") as (client, pid):
        start = peak(pid)
        for kind in ("csv", "parquet"):
            first = {**asked, "end": "2026-02-13T00:00:00Z", "format": kind}
            with client.stream("GET", "/vehicles/BIG/export", params=first) as answer:
                assert sum(map(len, answer.iter_raw())) > 1_000_000
        before = peak(pid)
        with (
            client.stream("GET", "/vehicles/BIG/export", params={**asked, "format": "parquet"}) as answer,
            target.open("wb") as file,
        ):
            for part in answer.iter_bytes():
                file.write(part)
        lines, size = 0, 0
        with (
            client.stream(
                "GET", "/vehicles/BIG/export", params=asked, headers={"Accept-Encoding": "zstd"}
            ) as answer,
            (tmp_path / "export.csv.zst").open("wb") as file,
        ):
            for part in answer.iter_raw():
                file.write(part)
                size += len(part)
        grown = peak(pid) - before
    with pa.CompressedInputStream(pa.OSFile(str(tmp_path / "export.csv.zst")), "zstd") as text:
        while part := text.read(1 << 22):
            lines += bytes(part).count(b"\n")
    assert lines == ROWS + 1
    found = pq.read_table(target)
    assert found.num_rows == ROWS
    text = pl.selectors.categorical().cast(pl.String)
    expected = pl.concat([pl.DataFrame(table).with_columns(text) for table in tables])
    order = ["timestamp", "message_name", "signal_name"]
    assert pl.DataFrame(found).with_columns(text).equals(expected.sort(order))
    assert grown < GROWTH, f"{grown / 2**20:.0f} MB for {ROWS:,} rows"
    sizes = f"{target.stat().st_size:,} bytes of Parquet, {size:,} of CSV in zstd"
    growth = f"{(before - start) >> 20} MB for a day, {grown >> 20} MB more for three"
    print(f"{ROWS:,} rows: {sizes}; {growth}")
