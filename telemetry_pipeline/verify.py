"""Proof that nothing is lost: every raw object is decoded or quarantined, and the sums of the accounts hold.

Reads only footers, unless asked to read the bytes as well. Mends nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from telemetry_pipeline import borders
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake import ledger, parquet
from telemetry_pipeline.lake.layout import DecodedObject, Partition, RawObject
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.lake.strays import find_strays

_BAD_ACCOUNT: Final = (ValueError, TypeError, KeyError, AttributeError)

_LOOKS: Final = 3
"""How often an object is looked at of which something is gone since it was listed."""


@dataclass
class Verdict:
    """What one partition holds, and what is wrong with it.

    Attributes:
        partition: The partition.
        objects: Its raw objects.
        decoded: Those with a receipt.
        quarantined: Those set aside.
        rows: Frames that the receipts account for.
        problems: What is wrong, by the key of the object that it is wrong with.
    """

    partition: Partition
    objects: int = 0
    decoded: int = 0
    quarantined: int = 0
    rows: int = 0
    problems: dict[str, list[str]] = field(default_factory=dict)


def verify_lake(store: Store, *, deep: bool = False) -> Iterator[Verdict]:
    """Verify partition by partition, vehicle by vehicle.

    Args:
        store: The lake.
        deep: Read every raw and quarantined object whole and compare digests.

    Raises:
        TransientError: The store does not answer.
    """
    for partition in ledger.all_partitions(store):
        yield verify_partition(store, partition, deep=deep)


def lost_strays(store: Store) -> dict[str, list[str]]:
    """Objects under raw/ that are neither raw objects nor in quarantine, as problems by key."""
    return {key: ["not the key of a raw object, and not in quarantine"] for key in find_strays(store)}


def verify_partition(store: Store, partition: Partition, *, deep: bool = False) -> Verdict:
    """Verify one partition; see `verify_lake`.

    What goes away while it is looked at is looked at again by a new listing: a raw object that is no longer there is
    not counted, one that lost its receipt is told as what it is then.
    """
    listed, verdict = _Listed.read(store, partition), Verdict(partition)
    for raw in sorted(listed.book.raw):
        problems, rows = [f"what belongs to it was listed and gone {_LOOKS} times"], 0
        for look in range(_LOOKS):
            try:
                problems, rows = _check(store, listed, raw, deep=deep)
            except NotFound:
                if look < _LOOKS - 1:
                    listed = _Listed.read(store, partition)
            else:
                break
        if raw not in listed.book.raw:
            continue
        verdict.objects += 1
        verdict.decoded += raw in listed.book.decoded
        verdict.quarantined += raw in listed.book.quarantined
        verdict.rows += rows
        if problems:
            verdict.problems[raw.key] = problems
    return verdict


@dataclass(frozen=True)
class _Listed:
    """A listing of a partition, and which raw object is before which."""

    book: ledger.Ledger
    previous: Mapping[RawObject, RawObject | None]

    @classmethod
    def read(cls, store: Store, partition: Partition) -> "_Listed":
        book = ledger.read_ledger(store, partition)
        order = borders.in_order(book.raw)
        return cls(book, dict(zip(order, [None, *order[:-1]], strict=True)))


def _check(store: Store, listed: _Listed, raw: RawObject, *, deep: bool) -> tuple[list[str], int]:
    """What is wrong with a raw object, and how many frames its receipt accounts for; nothing of one that is gone.

    Raises:
        NotFound: Something of what is listed is not there.
    """
    if raw in listed.book.decoded:
        return _check_decoded(store, raw, listed.previous.get(raw), deep=deep)
    if raw in listed.book.quarantined:
        return _check_quarantined(store, raw, deep=deep), 0
    return (["neither decoded nor quarantined"] if raw in listed.book.raw else []), 0


@dataclass(frozen=True)
class _Account:
    """What the footer of a decoded object says, beside how many rows it really has."""

    footer: Mapping[str, str]
    report: Report
    rows: int

    @classmethod
    def read(cls, store: Store, key: str) -> "_Account":
        with store.open_file(key) as file:
            opened = parquet.open_object(file, key)
            footer = parquet.read_footer(opened)
            return cls(footer, Report.from_dict(json.loads(footer["report"])), opened.metadata.num_rows)

    def problems(self, name: str) -> Iterator[str]:
        if not self.report.adds_up():
            yield f"{name}: its report does not add up"
        if self.report.values != self.rows:
            yield f"{name}: its report is of {self.report.values} values, it has {self.rows}"


def _check_decoded(
    store: Store, raw: RawObject, previous: RawObject | None, *, deep: bool
) -> tuple[list[str], int]:
    """What is wrong with a decoded object, and how many frames its receipt accounts for."""
    try:
        receipt = _Account.read(store, raw.decoded_key)
        total = Report.from_dict(json.loads(receipt.footer["total"]))
        raw_digest = receipt.footer["raw_digest"]
    except (BadRaw, *_BAD_ACCOUNT) as error:
        return [f"its receipt has no readable account ({type(error).__name__}: {error})"], 0
    problems = [*receipt.problems("receipt")]
    if receipt.footer.get("raw_key") != raw.key:
        problems.append(f"its receipt is of {receipt.footer.get('raw_key')}")
    if not total.adds_up():
        problems.append("its total does not add up")
    parts = receipt.report.rows
    for item in (raw.spill(-1), raw.spill(1)):
        spilled = _spilled(store, item, raw)
        if isinstance(spilled, str):
            problems.append(spilled)
        elif spilled is not None:
            parts += spilled.report.rows
            problems += spilled.problems(f"rows of {item.partition.date}")
            if spilled.footer.get("raw_digest") != raw_digest:
                problems.append(f"rows of {item.partition.date} were decoded from other bytes")
    if parts != total.rows:
        problems.append(f"its total is {total.rows} rows, its parts have {parts}")
    claimed = _rows_of(store, raw)
    if claimed is not None and claimed != total.rows:
        problems.append(f"it has {claimed} rows, {total.rows} are accounted for")
    if borders.FOOTER in receipt.footer:
        problems += _check_previous(store, receipt.footer[borders.FOOTER], previous, deep=deep)
    if deep and digest(store.get(raw.key)) != raw_digest:
        problems.append("its bytes are not those that were decoded")
    return problems, total.rows


def _check_previous(store: Store, named: str, previous: RawObject | None, *, deep: bool) -> Iterator[str]:
    """What is wrong with the object whose open transfers a decoded object took over."""
    try:
        after = json.loads(named) or {}
        key, sha256 = after.get("raw_key"), after.get("raw_digest")
    except _BAD_ACCOUNT as error:
        yield f"what it names as the object before it cannot be read ({type(error).__name__}: {error})"
        return
    if key != (previous.key if previous else None):
        yield f"it was decoded after {key}, but {previous and previous.key} is before it"
    elif deep and previous is not None and sha256 != digest(store.get(previous.key)):
        yield f"it was decoded after other bytes of {previous.key}"


def _spilled(store: Store, item: DecodedObject, raw: RawObject) -> "_Account | str | None":
    """The account of a raw object's rows in a neighbouring day, what is wrong with it, or None if there is none."""
    try:
        account = _Account.read(store, item.key)
    except NotFound:
        return None
    except (BadRaw, *_BAD_ACCOUNT) as error:
        return f"rows of {item.partition.date} have no readable account ({type(error).__name__}: {error})"
    # the neighbouring day may hold a raw object of the same stem: then this is its receipt
    return account if account.footer.get("raw_key") == raw.key else None


def _rows_of(store: Store, raw: RawObject) -> int | None:
    """Rows by the raw object's own footer; None when that cannot be read."""
    try:
        with store.open_file(raw.key) as file:
            return int(parquet.open_object(file, raw.key).metadata.num_rows)
    except (BadRaw, NotFound):
        return None


def _check_quarantined(store: Store, raw: RawObject, *, deep: bool) -> list[str]:
    """What is wrong with a quarantined object."""
    try:
        reason: Any = json.loads(store.get(raw.reason_key))
        sha256, size = str(reason["sha256"]), int(reason["bytes"])
    except NotFound:
        return ["it is in quarantine without a reason"]
    except _BAD_ACCOUNT as error:
        return [f"its quarantine's reason cannot be read ({type(error).__name__}: {error})"]
    problems = []
    for name, key in (("raw object", raw.key), ("quarantined copy", raw.quarantine_key)):
        info = store.head(key)
        if info is None or info.size != size:
            problems.append(f"its {name} is not of the {size} bytes that were quarantined")
        elif deep and digest(store.get(key)) != sha256:
            problems.append(f"its {name} is not the bytes that were quarantined")
    return problems
