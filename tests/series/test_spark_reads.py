"""Spark's reader (parquet-java) takes our objects for what they are, also when it splits them among tasks."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.decoded_file import write_decoded
from telemetry_pipeline.lake.series_file import GROUP_ROWS, Labels, SeriesWriter, SignalRows
from tests.test_spark_job import needs_java, spark_env

SCRIPT = """
import json, sys
from pyspark.sql import SparkSession
spark = (
    SparkSession.builder.config("spark.sql.files.maxPartitionBytes", sys.argv[2])
    .config("spark.sql.legacy.parquet.nanosAsLong", "true").getOrCreate()
)
rows = spark.read.parquet(sys.argv[1])
rows.createOrReplaceTempView("signal_series")
found = spark.sql(
    "select signal_name, count(*) as n, sum(timestamp % 1000003) as t, sum(value) as v, min(unit) as unit, "
    "count(distinct channel) as channels from signal_series where message_name = 'M' group by signal_name"
).collect()
print(json.dumps({"tasks": rows.rdd.getNumPartitions(), "rows": [row.asDict() for row in found]}))
spark.stop()
"""


def write_series(signals: list[SignalRows]) -> bytes:
    sink = io.BytesIO()
    writer = SeriesWriter(sink, "V1")
    for rows in signals:
        writer.add(rows)
    writer.close({})
    return sink.getvalue()


def write_as_decoded(signals: list[SignalRows]) -> bytes:
    columns = {
        "timestamp": np.concatenate([rows.t for rows in signals]),
        "vehicle_id": np.repeat("V1", sum(len(rows.t) for rows in signals)),
        "message_name": np.repeat("M", sum(len(rows.t) for rows in signals)),
        "signal_name": np.repeat([rows.name[1] for rows in signals], [len(rows.t) for rows in signals]),
        "value": np.concatenate([rows.v for rows in signals]),
        "unit": np.repeat("V", sum(len(rows.t) for rows in signals)),
        "channel": np.concatenate([np.array(rows.channel.names)[rows.channel.codes] for rows in signals]),
    }
    table = pa.table(
        [pa.array(columns[field.name]).cast(field.type) for field in schema.DECODED], schema.DECODED
    )
    return write_decoded(table, [len(rows.t) for rows in signals], {})


@pytest.mark.slow
@needs_java
@pytest.mark.parametrize("write", [write_series, write_as_decoded])
def test_spark_sees_every_row_once(tmp_path, write):
    random = np.random.default_rng(5)
    t = np.cumsum(random.integers(1, 10**7, GROUP_ROWS + 4321)) + 1_767_225_600_000_000_000
    signals = []
    for name in "ABC":
        v = np.round(random.normal(size=len(t)) * 64)  # sums of such are exact in any order
        codes = random.integers(0, 2, len(t)).astype(np.int16)
        signals.append(SignalRows(("M", name), t, v, Labels(("V",)), Labels(("can0", "can1"), codes)))
    path = tmp_path / "day.parquet"
    path.write_bytes(body := write(signals))
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), str(len(body) // 5)],
        env={**os.environ, **spark_env(tmp_path / "hosts")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert said.returncode == 0, said.stderr[-3000:]
    found = json.loads(said.stdout.splitlines()[-1])
    assert found["tasks"] > 1
    assert sorted(found["rows"], key=lambda row: row["signal_name"]) == [
        {
            "signal_name": rows.name[1],
            "n": len(t),
            "t": int((t % 1000003).sum()),
            "v": float(rows.v.sum()),
            "unit": "V",
            "channels": 2,
        }
        for rows in signals
    ]
