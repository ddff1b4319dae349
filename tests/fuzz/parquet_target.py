"""Raw objects of any bytes, decoded as the pipeline decodes them: an account that balances, or quarantine with a reason."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.lake import layout, parquet, schema
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_object
from tests.fuzz import damage, parquet_file
from tests.fuzz.target import Flaw
from tests.raw_lake import EV_DBC, NOON, add_dbc

_VEHICLE = "EV_001"
_IDS = (0x1A0, 0x2B0, 0x3C0, 0x7DF, 0x18FEF100)


class ParquetTarget:
    """The pipeline's way from a raw object to a decoded one."""

    def prepare(self, folder: Path) -> None:
        """A lake with the bundled database, and undamaged objects."""
        self._store = Store.open((folder / "lake").as_uri())
        add_dbc(self._store, EV_DBC)
        self._plan = Databases.load(self._store).plan_for(_VEHICLE)
        self._raw = RawObject.starting(_VEHICLE, NOON)
        random = Random(1)
        self._table = frames(random, 120)
        seed_columns = self._table.select(schema.RAW_REQUIRED.names)
        own = [parquet.write_raw(self._table), parquet.write_raw(self._table.slice(0, 1))]
        others = [
            parquet_file.written(table, random) for table in (self._table, seed_columns) for _ in range(6)
        ]
        self._bodies = [*own, *others, *parquet_file.recorded()]

    def run(self, random: Random) -> str:
        """Land one object, decode it, and hold what was written against what was said of it."""
        body = self._damaged(random)
        self._store.put(self._raw.key, body)
        outcome = process_object(self._store, self._raw, self._plan)
        if outcome.failed is not None:
            raise Flaw(f"failed instead of being judged: {outcome.failed}")
        try:
            if outcome.report is None:
                return self._quarantined(body, outcome.quarantined)
            return self._decoded(body, outcome.report)
        finally:
            for key in (self._raw.decoded_key, self._raw.quarantine_key, self._raw.reason_key):
                if self._store.head(key) is not None:
                    self._store.delete(key)

    def close(self) -> None:
        """There is nothing to end."""

    def _damaged(self, random: Random) -> bytes:
        body = random.choice(self._bodies)
        kind = random.random()
        if kind < 0.2:
            return damage.damaged(random, body, random.choice(self._bodies))
        if kind < 0.4:
            return parquet_file.damaged_footer(random, body)
        if kind < 0.6:
            return parquet_file.damaged_page(random, body)
        return parquet_file.written(parquet_file.odd_table(self._table, random), random)

    def _quarantined(self, body: bytes, reason: str) -> str:
        if self._store.get(self._raw.quarantine_key) != body:
            raise Flaw("what is in quarantine is not what landed")
        said = json.loads(self._store.get(self._raw.reason_key))
        if not said["reason"] or "\n" in reason:
            raise Flaw(f"its reason is no line: {reason!r}")
        if self._store.head(self._raw.decoded_key) is not None:
            raise Flaw("it is decoded and in quarantine")
        return "quarantined"

    def _decoded(self, body: bytes, report: Report) -> str:
        if not report.adds_up():
            raise Flaw(f"its account does not balance: {report}")
        landed = pq.ParquetFile(pa.BufferReader(body)).metadata.num_rows
        if landed != report.rows:
            raise Flaw(f"{landed} rows landed, {report.rows} are accounted for")
        receipt = self._store.get(self._raw.decoded_key)
        footer = parquet.read_footer(parquet.open_object(receipt, self._raw.decoded_key))
        if not Report.from_dict(json.loads(footer["total"])).adds_up():
            raise Flaw("the account in the receipt does not balance")
        values = 0
        for key in (item.key for item in self._store.list_objects(layout.DECODED)):
            values += pq.read_table(pa.BufferReader(self._store.get(key))).num_rows
            if key != self._raw.decoded_key:
                self._store.delete(key)
        if values != report.values:
            raise Flaw(f"{values} values are written, {report.values} accounted for")
        return "decoded"


def frames(random: Random, rows: int) -> pa.Table:
    """Frames of known and unknown ids, short and long, some of them remote or error frames."""
    ids = [random.choice(_IDS) for _ in range(rows)]
    return pa.table(
        {
            "timestamp": pa.array(NOON + np.arange(rows) * 10_000_000).cast(schema.TIMESTAMP),
            "arb_id": pa.array(ids, pa.uint32()),
            "dlc": pa.array([8] * rows, pa.uint8()),
            "data": pa.array([random.randbytes(random.choice((8, 8, 8, 3, 0))) for _ in ids], pa.binary()),
            "vehicle_id": pa.array([_VEHICLE] * rows, pa.string()),
            "is_extended_id": pa.array([number > 0x7FF for number in ids]),
            "is_fd": pa.array([False] * rows),
            "is_error_frame": pa.array([random.random() < 0.05 for _ in ids]),
            "is_remote_frame": pa.array([random.random() < 0.05 for _ in ids]),
            "channel": pa.array([random.choice(["can0", "can1"]) for _ in ids], pa.string()),
        },
        schema=schema.RAW,
    )
