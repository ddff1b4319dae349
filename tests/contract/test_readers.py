"""Every reader keeps one contract: over a folder, over an S3 server, and through Athena's SQL over the double.

Their answers are compared with plain polars over plain rows, so they are equal to each other, too.
"""

import uuid
from dataclasses import dataclass

import numpy as np
import pytest

from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import Message, Session
from telemetry_pipeline.series.tiers import S_NS
from tests.athena_lake import open_athena_reader
from tests.contract.reader_lake import (
    EVE,
    HOUR,
    LEVEL,
    NAMES,
    NEW_YEAR_NS,
    OTHER_SPEED,
    RANGES,
    SPEED,
    ReaderLake,
    S,
    V,
    assert_same,
    bucketed,
    fill,
    units_of,
)
from tests.doubles.athena.running import make_lake
from tests.moto_server import ENV
from tests.s3_server import BUCKET


@dataclass(frozen=True)
class Filled:
    """A full lake, and the environment that its reader needs."""

    lake: ReaderLake
    env: dict[str, str]


@pytest.fixture(scope="module", params=["parquet over a folder", "parquet over s3", "athena"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A lake with everything in it, made once: no test changes it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "parquet over a folder":
            env: dict[str, str] = {}
            store = Store.open((tmp_path_factory.mktemp("readers") / "lake").as_uri())
            lake = ReaderLake(store, lambda: ParquetReader(store))
        elif request.param == "parquet over s3":
            server = request.getfixturevalue("s3_server")
            env = server.env
            for name, value in env.items():
                patch.setenv(name, value)
            store = Store.open(f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}", endpoint_url=server.endpoint)
            lake = ReaderLake(store, lambda: ParquetReader(store))
        else:
            double = request.getfixturevalue("athena_server")
            env = {**ENV, "AWS_ENDPOINT_URL": double.endpoint}
            for name, value in env.items():
                patch.setenv(name, value)
            athena = make_lake(double)
            lake = ReaderLake(athena.store, lambda: open_athena_reader(athena))
        fill(lake)
        return Filled(lake, env)


@pytest.fixture
def full(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> ReaderLake:
    """The same, with the environment of its reader."""
    for name, value in filled.env.items():
        monkeypatch.setenv(name, value)
    return filled.lake


def test_every_sample_of_any_range_comes_back_once(full: ReaderLake) -> None:
    reader = full.open()
    for what, (start, end) in RANGES.items():
        answer = reader.read(V, NAMES, start, end)
        assert answer.skipped_objects == 0
        for name, series in zip(NAMES, answer.series, strict=True):
            rows = full.rows(name, start, end)
            assert (series.message, series.signal, series.unit) == (*name, units_of([name])[name])
            assert series.t.dtype == np.int64, what
            assert series.v.dtype == np.float64, what
            assert np.array_equal(series.t, rows["t"].to_numpy()), what
            order = np.lexsort((series.v, series.t))  # of equal times, any may come first
            assert np.array_equal(series.v[order], rows["v"].to_numpy(), equal_nan=True), what


def test_buckets_of_any_width_are_those_of_all_samples(full: ReaderLake) -> None:
    reader = full.open()
    for width, ranges in {
        1: ["over New Year"],
        7_777_777_777: ["everything", "a stray alone"],
        10 * S_NS: ["with a late object"],
        600 * S_NS: ["everything"],
        1800 * S_NS: ["everything", "compacted days alone"],
        7 * 24 * HOUR + 1: ["everything"],
    }.items():
        for what in ranges:
            found = reader.buckets(V, NAMES, *RANGES[what], width)
            assert (found.width_ns, found.units, found.skipped_objects) == (width, units_of(NAMES), 0)
            for name in NAMES:
                assert_same(found.rows[name], bucketed(full.rows(name, *RANGES[what]), width), what)


def test_counts_are_never_too_small(full: ReaderLake) -> None:
    reader = full.open()
    for start, end in RANGES.values():
        counts = reader.count(V, NAMES, start, end)
        assert set(counts) == set(NAMES)
        assert all(counts[name] >= full.rows(name, start, end).height for name in NAMES)
    assert reader.count(V, NAMES, *RANGES["everything"]) == {
        name: full.rows(name, *RANGES["everything"]).height for name in NAMES
    }


def test_lists_are_those_of_the_whole_lake(full: ReaderLake) -> None:
    reader = full.open()
    every = [(message, t) for _, message, _, t, _ in full.truth]
    assert [vehicle.vehicle_id for vehicle in reader.vehicles()] == ["VIN_1", "VIN_2"]
    messages = {message.message: message.frames for message in reader.messages(V)}
    assert messages["Battery"] == len({t for message, t in every if message == "Battery"})
    assert list(messages) == ["Battery", "Drive", "Wheel's"]
    assert reader.messages("VIN_2") == [Message("Battery", 1)]
    (signal,) = reader.signals(V, OTHER_SPEED[0])
    values = full.rows(OTHER_SPEED, *RANGES["everything"])["v"]
    assert (signal.signal, signal.unit, signal.minimum, signal.maximum) == (
        "Speed",
        "km/h",
        values.min(),
        values.max(),
    )
    assert signal.mean == pytest.approx(values.mean(), rel=1e-12)


def test_sessions_and_recorded_times_end_at_pauses(full: ReaderLake) -> None:
    reader = full.open()
    sessions = reader.sessions("VIN_2")
    assert sessions == [Session(EVE.start_ns, EVE.start_ns, 1)]
    own = reader.sessions(V)
    assert own == sorted(own, key=lambda session: -session.first_ns)
    stretches = reader.recorded(V, NEW_YEAR_NS - 2 * HOUR, NEW_YEAR_NS + 1)
    assert stretches[-1].tolist() == [NEW_YEAR_NS, NEW_YEAR_NS] or stretches[-1][1] == NEW_YEAR_NS
    assert reader.recorded(V, EVE.start_ns - 24 * HOUR, EVE.start_ns).shape == (0, 2)


def test_what_is_not_there_is_said(full: ReaderLake) -> None:
    reader = full.open()
    span = (NEW_YEAR_NS, NEW_YEAR_NS + S)
    for ask in (
        lambda vehicle, names: reader.read(vehicle, names, *span),
        lambda vehicle, names: reader.buckets(vehicle, names, *span, S),
        lambda vehicle, names: reader.count(vehicle, names, *span),
    ):
        with pytest.raises(NotFound, match="VIN_9"):
            ask("VIN_9", [SPEED])
        with pytest.raises(NotFound, match=r"Drive\.Sped"):
            ask(V, [SPEED, ("Drive", "Sped")])
        with pytest.raises(BadKey):
            ask("V' OR '1'='1", [SPEED])


def test_a_signal_that_is_silent_in_the_range_is_empty_and_keeps_its_unit(full: ReaderLake) -> None:
    reader = full.open()
    span = (EVE.end_ns + 300 * 24 * HOUR, EVE.end_ns + 301 * 24 * HOUR)
    (series,) = reader.read(V, [LEVEL], *span).series
    assert (len(series.t), series.unit) == (0, "%")
    found = reader.buckets(V, [LEVEL], *span, 3 * S)
    assert (len(found.rows[LEVEL]), found.units) == (0, {LEVEL: "%"})


def test_series_come_in_the_order_of_the_question_even_twice(full: ReaderLake) -> None:
    answer = full.open().read(V, [SPEED, LEVEL, SPEED], NEW_YEAR_NS, NEW_YEAR_NS + S)
    assert [series.t.tolist() for series in answer.series] == [
        [NEW_YEAR_NS, NEW_YEAR_NS + 1],
        [NEW_YEAR_NS + 2],
        [NEW_YEAR_NS, NEW_YEAR_NS + 1],
    ]


def test_what_was_read_is_said(full: ReaderLake) -> None:
    answer = full.open().read(V, [SPEED], *RANGES["over New Year"])
    assert answer.rows_scanned >= 2
    assert answer.bytes_scanned > 0
