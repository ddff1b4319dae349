"""A partition's kept total is what its receipts sum up to, whoever wrote them."""

import pytest

from telemetry_pipeline import totals as module
from telemetry_pipeline.drain import DecoderHere, tally
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally, partition_total
from telemetry_pipeline.totals import Totals
from tests.raw_lake import NOON, SECOND, add_dbc, land


def decode(store: Store, *raws: RawObject) -> Tally:
    (item,) = tally(DecoderHere(store).decode(raws)).values()
    return item


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The partitions whose receipts are read."""
    found: list[str] = []

    def total(store: Store, partition: object) -> object:
        found.append(str(partition))
        return partition_total(store, partition)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "partition_total", total)
    return found


def minutes(store: Store, count: int) -> list[RawObject]:
    add_dbc(store)
    return [land(store, "EV_1", NOON + minute * 60 * SECOND, count=10) for minute in range(count)]


def test_receipts_are_read_once_and_added_from_then_on(any_lake: Store, counted: list[str]) -> None:
    raws = minutes(any_lake, 4)
    assert Totals(any_lake).add(decode(any_lake, *raws[:2])).rows == 20
    assert len(counted) == 1
    for raw in raws[2:]:
        total = Totals(any_lake).add(decode(any_lake, raw))
    assert len(counted) == 1
    assert total == partition_total(any_lake, raws[0].partition)


def test_what_others_decoded_is_counted(folder_lake: Store, counted: list[str]) -> None:
    raws = minutes(folder_lake, 4)
    Totals(folder_lake).add(decode(folder_lake, raws[0]))
    decode(folder_lake, raws[1])  # a drain that was killed before it told, or somebody at a terminal
    assert Totals(folder_lake).add(decode(folder_lake, raws[2])).rows == 30
    assert len(counted) == 2


def test_what_is_decoded_twice_is_counted_once(folder_lake: Store) -> None:
    raws = minutes(folder_lake, 2)
    totals = Totals(folder_lake)
    totals.add(decode(folder_lake, *raws))
    assert totals.add(decode(folder_lake, raws[0])).rows == 20


def test_a_bucket_is_counted_when_a_total_is_old(
    s3_lake: str, s3_server: object, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)  # type: ignore[attr-defined]
    raws = minutes(store, 3)
    Totals(store).add(decode(store, raws[0]))
    decode(store, raws[1])
    assert Totals(store).add(decode(store, raws[2])).rows == 20, "nothing is listed on the way"
    monkeypatch.setattr(module, "BUCKET_CHECK_S", -1.0)
    assert Totals(store).add(Tally(raws[0].partition)).rows == 30


def test_a_total_that_was_dropped_or_cannot_be_read_is_summed_up_anew(folder_lake: Store) -> None:
    raws = minutes(folder_lake, 2)
    totals = Totals(folder_lake)
    totals.add(decode(folder_lake, *raws))
    (info,) = folder_lake.list_objects("_state/totals")
    for body in (b"{ torn", b"[]", b'{"report": {"rows": 1, "nonsense": 2}, "objects": 2, "counted_at": 0}'):
        folder_lake.put(info.key, body)
        assert Totals(folder_lake).add(Tally(raws[0].partition)).rows == 20
    totals.drop(raws[0].partition)
    assert totals.add(Tally(raws[0].partition)).rows == 20
