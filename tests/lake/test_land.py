"""Raw objects land once, beside others, never over them."""

import pyarrow as pa

from telemetry_pipeline.lake import parquet, schema
from telemetry_pipeline.lake.land import land
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store

NS = 1_800_000_000 * 10**9


def window(data, ns=NS):
    columns = [[ns], [0x123], [len(data)], [data], ["V"], [False], [False], [False], [False], ["can0"]]
    table = pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, schema.RAW, strict=True)], schema=schema.RAW
    )
    return RawObject.starting("V", ns), table


def test_landing_again_writes_nothing(tmp_path):
    store = Store.open(tmp_path.as_uri())
    windows = [window(b"\x01"), window(b"\x02", NS + 10**9)]
    first = land(store, windows)
    assert (first.objects, first.rows, first.already_there) == (2, 2, 0)
    assert first.size == sum(info.size for info in store.list_objects("raw/"))
    again = land(store, windows)
    assert (again.objects, again.rows, again.already_there) == (0, 0, 2)


def test_another_object_of_the_same_name_goes_beside(tmp_path):
    store = Store.open(tmp_path.as_uri())
    for payload in (b"\x01", b"\x02", b"\x03", b"\x02"):
        land(store, [window(payload)])
    keys = sorted(info.key for info in store.list_objects("raw/"))
    assert [key.removesuffix("_raw.parquet")[-2:] for key in keys] == ["-1", "-2", "0Z"]
    found = {parquet.read_raw(store.get(key), key)["data"][0].as_py() for key in keys}
    assert found == {b"\x01", b"\x02", b"\x03"}
    assert store.get(window(b"")[0].key) == parquet.write_raw(window(b"\x01")[1])


def test_the_footer_is_written(tmp_path):
    store = Store.open(tmp_path.as_uri())
    land(store, [window(b"\x01")], {"seed": "7"})
    (info,) = store.list_objects("raw/")
    assert parquet.read_footer(parquet.open_object(store.get(info.key), info.key)) == {"seed": "7"}
