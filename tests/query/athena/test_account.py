"""Athena itself, where an account is at hand: what no stand-in can show. docs/athena.md says how, and what it costs."""

import os
from collections.abc import Mapping
from typing import Final

import numpy as np
import pytest

from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.athena.reader import AthenaReader
from telemetry_pipeline.query.open import open_reader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.settings import Settings

# read before any test: the settings of whoever runs the tests are taken away from each
ENV: Final[Mapping[str, str]] = dict(os.environ)

pytestmark = pytest.mark.skipif(ENV.get("ATHENA_IT") != "1", reason="asks a real account: set ATHENA_IT=1")


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> tuple[ParquetReader, AthenaReader, Store]:
    for name, value in ENV.items():
        if name.startswith(("AWS_", "TELEMETRY_")):
            monkeypatch.setenv(name, value)
    settings = Settings.from_env()
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
    athena = open_reader(store, settings)
    assert isinstance(athena, AthenaReader), "name a workgroup in TELEMETRY_ATHENA_WORKGROUP"
    return ParquetReader(store), athena, store


def test_athena_answers_as_the_objects_do(readers: tuple[ParquetReader, AthenaReader, Store]) -> None:
    parquet, athena, store = readers
    vehicle = ledger.vehicles(store, layout.DECODED)[0]
    day = max(ledger.partitions(store, vehicle, layout.DECODED))
    message = parquet.messages(vehicle)[0].message
    names = [(message, signal.signal) for signal in parquet.signals(vehicle, message)[:4]]
    span = (day.start_ns, day.end_ns)
    theirs, ours = athena.read(vehicle, names, *span), parquet.read(vehicle, names, *span)
    assert theirs.bytes_scanned > 0, "Athena was not asked: is the day in the catalogue?"
    for one, other in zip(theirs.series, ours.series, strict=True):
        order = np.lexsort((other.v, other.t))
        np.testing.assert_array_equal(one.t, other.t)  # to the nanosecond
        np.testing.assert_array_equal(one.v, other.v[order])  # to the bit
        assert one.unit == other.unit
    for width in (1_000_000_007, 7_777_777_777):
        buckets, expected = (reader.buckets(vehicle, names, *span, width) for reader in (athena, parquet))
        for name in names:
            for column in (
                "bucket",
                "count",
                "nonfinite",
                "t_first",
                "t_last",
                "t_min",
                "t_max",
                "min",
                "max",
            ):
                np.testing.assert_array_equal(
                    getattr(buckets.rows[name], column), getattr(expected.rows[name], column), err_msg=column
                )
            np.testing.assert_allclose(
                buckets.rows[name].sum_sq_dev, expected.rows[name].sum_sq_dev, rtol=1e-9, atol=1e-12
            )
