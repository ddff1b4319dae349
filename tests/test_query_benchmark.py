"""The lake that the query benchmark asks is what it says; how fast anything is, no test asserts."""

from itertools import cycle

import pytest

from benchmarks import query_lake, query_year
from benchmarks.query import build
from benchmarks.query_lake import FIRST, VEHICLE, Built, build_days, measure_sizes
from benchmarks.query_questions import NAMES, PEERS, Asked, ours, questions, same
from benchmarks.query_server import at_once, body_of, serving, sustained
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.query.parquet_reader import ParquetReader


@pytest.mark.slow
def test_days_of_the_year_are_the_days_that_were_built_shifted(folder_lake, monkeypatch):
    monkeypatch.setattr(query_year, "DAYS", 2)
    monkeypatch.setattr(query_year, "YEAR", 36)
    built = Built(2, year=True)
    build_days(folder_lake, 2, built, drive_s=120)
    query_year.build_year(folder_lake, built)
    measure_sizes(folder_lake, built)
    assert set(built.bytes) == {"decoded", "series", "tier=10", "tier=60", "tier=600"}
    reader = ParquetReader(folder_lake)
    (first,) = reader.read(VEHICLE, NAMES[:1], FIRST.start_ns, FIRST.end_ns).series
    for later in (30, 34):  # of the month that was compacted, and of one that was not
        day = FIRST.shifted(later)
        (again,) = reader.read(VEHICLE, NAMES[:1], day.start_ns, day.end_ns).series
        assert (again.t - later * DAY_NS).tolist() == first.t.tolist()
        assert again.v.tolist() == first.v.tolist()
    days = [FIRST.shifted(number) for number in range(query_year.YEAR)]
    assert all(day.series for day in reader.objects.days.days(VEHICLE, days[0].start_ns, days[-1].end_ns))
    for width_s in (10, 600):
        asked = Asked("", VEHICLE, NAMES, days[28].start_ns, days[-1].end_ns, width_s, None)
        answer = ours(reader, asked)
        for peer in PEERS.values():
            assert same(answer, peer(folder_lake, asked))
    assert reader.overview.count(
        {day: name for day in days if (name := _series(reader, day))}, NAMES, 600, (0, 1 << 62)
    )[0] == dict.fromkeys(NAMES, 0) | {
        name: int(columns[1].sum())
        for name, columns in ours(
            reader, Asked("", VEHICLE, NAMES, days[0].start_ns, days[-1].end_ns, 600, None)
        ).items()
    }


def _series(reader: ParquetReader, day) -> str | None:
    (found,) = reader.objects.days.days(VEHICLE, day.start_ns, day.end_ns)
    return found.series


@pytest.mark.slow
def test_a_server_is_asked_and_measured(folder_lake):
    build_days(folder_lake, 1, Built(1, year=False), drive_s=120)
    requests = [body_of(asked, 100) for asked in questions(1, year=False, live=False)]
    with serving(folder_lake.url) as server:
        once = at_once(server, [requests] * 4)
        many = sustained(server, cycle(requests), rate=20, seconds=1)
        wrong = at_once(server, [[("/vehicles/nobody/query", requests[0][1])]])
        assert server.peak_mb > 50
    assert (len(once.took_s), once.errors, len(many.took_s), many.errors) == (12, [], 20, [])
    assert 0 < once.quantile_ms(0.5) <= once.quantile_ms(1.0)
    assert [error[:3] for error in wrong.errors] == ["404"]


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SystemExit, match="holds something else"):
        build(tmp_path, 1, year=False)
    Built(1, year=False).keep(tmp_path)
    with pytest.raises(SystemExit, match="a lake of 1 days"):
        build(tmp_path, 2, year=False)


def test_a_day_has_what_the_page_says():
    assert query_lake.DRIVE_S * sum(
        query_lake._RATES_HZ[item.message] for item in query_lake.signals()
    ) * 3 == (12_096_000)
    assert len(query_lake.signals()) == 17
