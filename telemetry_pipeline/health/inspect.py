"""The counts of a partition as the lake itself tells them: from the footers of its receipts and from quarantine.

Costs one read per decoded object; what a run has just counted itself need not be read again.
"""

import json
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.health.health import Health
from telemetry_pipeline.lake import ledger, parquet, schema
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.made_by import making_of, settle
from telemetry_pipeline.process import Outcome, Tally

_COLUMNS: Final = [
    (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
    for field in schema.DECODED
]


def inspect(store: Store, partition: Partition) -> Health:
    """Count a partition anew. Marks of makings that none of its objects has any more are taken away.

    Raises:
        TransientError: The store does not answer.
    """
    book = ledger.read_ledger(store, partition)
    tally = Tally(partition)
    misshapen: dict[str, str] = {}
    makings: set[str | None] = set()
    for raw in sorted(book.decoded):
        makings.add(_inspect_object(store, raw, tally, misshapen))
    for raw in sorted(book.quarantined - book.decoded):
        tally.add(Outcome(raw, quarantined=_reason(store, raw)))
    if len(makings) == 1 and (making := makings.pop()) is not None:
        settle(store, partition, making)
    return Health.of_tally(tally) + Health(misshapen=misshapen)


def _inspect_object(store: Store, raw: RawObject, tally: Tally, misshapen: dict[str, str]) -> str | None:
    """Count one object and say what it was made by."""
    try:
        with store.open_file(raw.decoded_key) as file:
            opened = parquet.open_object(file, raw.decoded_key)
            footer = parquet.read_footer(opened)
            rows, said = opened.metadata.num_rows, shape_of(opened)
    except NotFound:
        return None
    except BadRaw as error:
        misshapen[raw.decoded_key] = error.what
        return None
    if said:
        misshapen[raw.decoded_key] = said
    try:
        report = Report.from_dict(json.loads(footer["report"]))
        total = Report.from_dict(json.loads(footer["total"]))
    except (KeyError, ValueError, TypeError):
        tally.wrong.append(raw.key)
        return None
    tally.add(Outcome(raw, report=_joined(total, report)))
    if report.values != rows or not report.adds_up():
        tally.wrong.append(raw.key)
    return making_of(footer)


def _joined(total: Report, report: Report) -> Report:
    """The counts of the whole object with the signals of its own day: the total is kept without signals."""
    plain: dict[str, Any] = {**total.to_dict(), "signals": report.to_dict()["signals"]}
    return Report.from_dict(plain)


def shape_of(file: pq.ParquetFile) -> str:
    """What is wrong with the columns of a decoded object, "" when they are the lake's."""
    found = [(field.name, field.type) for field in file.schema_arrow]
    if found == _COLUMNS:
        return ""
    wanted = dict(_COLUMNS)
    wrong = [f"{name} is {kind}" for name, kind in found if wanted.get(name) != kind]
    missing = [f"{name} is missing" for name in wanted if name not in dict(found)]
    return "; ".join([*wrong, *missing]) or "its columns are in another order"


def _reason(store: Store, raw: RawObject) -> str:
    try:
        return str(json.loads(store.get(raw.reason_key))["reason"])
    except (NotFound, ValueError, KeyError, TypeError):
        return "no reason was left"
