"""Our footer entries are read by an object's key alone."""

from pathlib import Path

import pytest

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.schema import RAW
from telemetry_pipeline.lake.store import Store


def test_the_footer_of_an_object_is_read_by_its_key(tmp_path: Path) -> None:
    store = Store.open(tmp_path.as_uri())
    store.put("raw/x", write_raw(RAW.empty_table(), {"seed": "7"}))
    store.put("raw/broken", b"?")
    assert footer_at(store, "raw/x") == {"seed": "7"}
    with pytest.raises(NotFound):
        footer_at(store, "raw/y")
    with pytest.raises(BadRaw, match="raw/broken: not a readable Parquet file"):
        footer_at(store, "raw/broken")
