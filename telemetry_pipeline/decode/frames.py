"""A table of frames becomes a table of signal values and a report: the whole decode, vectorised.

Which rows are frames is `sift`'s business, how a message decodes is `message`'s, what the table looks like `table`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.decode.match import EXTENDED_BIT
from telemetry_pipeline.decode.message import Outcome, sort_out
from telemetry_pipeline.decode.payload import Payloads, Rows
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import OTHER_IDS, UNKNOWN_IDS_MAX, Report, SignalStats, format_id
from telemetry_pipeline.decode.sift import PAYLOAD_MAX, Sifted, sift
from telemetry_pipeline.decode.table import Block, Stamps, Times, build_table, describe, encode_labels
from telemetry_pipeline.errors import BadDbc
from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX

_PLAN_MAX = (1 << 16) - 1


@dataclass(frozen=True)
class Decoded:
    """What a table of frames gave.

    Attributes:
        table: The signal values, schema `DECODED`, sorted by (message_name, signal_name, timestamp); rows of equal
            keys are in the frames' order.
        report: Where every frame went; its `signals` are in the table's order.
    """

    table: pa.Table
    report: Report


def decode_frames(raw: pa.Table, plan: Plan) -> Decoded:
    """Decode frames.

    Values are those of cantools' `decode(decode_choices=False, scaling=True, allow_truncated=True)` as float64, bit
    for bit. Where cantools refuses every frame of a message because its signals overlap or do not fit, each signal
    that fits is read from its own bits.

    Args:
        raw: Frames with the columns of `lake.schema.RAW`, in any order; nulls allowed. Where the plan has transports,
            they have been through `transport.reassemble`.
        plan: What to do with each arbitration id.

    Raises:
        BadRaw: More distinct vehicles, channels or names than one object holds.
        BadDbc: The plan has more messages than a table can be grouped by.
    """
    # reassembled transfers are longer than any frame, and have been sifted before
    sifted = sift(raw, any_length=bool(plan.transport))
    times = _times(raw["timestamp"])
    grouped = _group(sifted, times, raw["channel"], plan)
    with np.errstate(all="ignore"):  # NaN, infinity and overflow are values that floats on a bus may have
        outcomes = _sort_out(raw, grouped, plan)
        table, signals = _assemble(raw, outcomes, times)
    return Decoded(table, _report(raw.num_rows, sifted, grouped.unknown, outcomes, signals))


@dataclass(frozen=True)
class _Grouped:
    """Frames by message: those of message m are `order[bounds[m]:bounds[m + 1]]`, in time order."""

    order: Rows
    bounds: npt.NDArray[np.intp]
    unknown: dict[str, int]


def _group(sifted: Sifted, times: Times, channel: pa.ChunkedArray, plan: Plan) -> _Grouped:
    if len(plan.messages) >= _PLAN_MAX:
        raise BadDbc(f"{len(plan.messages)} messages in one plan, at most {_PLAN_MAX - 1} fit", "")
    encoded = pa.array(sifted.keys).dictionary_encode()
    keys = encoded.dictionary.to_numpy()
    codes = encoded.indices.to_numpy()
    unknown_at, dropped_at = len(plan.messages), len(plan.messages) + 1
    # a stable sort of 16-bit numbers is a radix sort
    groups = _positions(keys, codes, channel, plan)
    if sifted.frames is not None:
        groups[~sifted.frames] = dropped_at
    if len(times) > 1 and not bool((times[1:] >= times[:-1]).all()):
        by_time = np.argsort(times, kind="stable")
        order = by_time[np.argsort(groups[by_time], kind="stable")]
    else:
        order = np.argsort(groups, kind="stable")
    bounds = np.zeros(dropped_at + 2, np.intp)
    np.cumsum(np.bincount(groups, minlength=dropped_at + 1), out=bounds[1:])
    unknown: dict[str, int] = {}
    if bounds[unknown_at + 1] > bounds[unknown_at]:
        strange = order[bounds[unknown_at] : bounds[unknown_at + 1]]
        unknown = _unknown_ids(keys, np.bincount(codes[strange], minlength=len(keys)))
    return _Grouped(order, bounds, unknown)


def _positions(
    keys: npt.NDArray[np.uint32], codes: npt.NDArray[np.integer], channel: pa.ChunkedArray, plan: Plan
) -> npt.NDArray[np.uint16]:
    """The position of each frame's message, shape (rows,)."""
    labels, channels = encode_labels(channel) if plan.by_channel else ([""], None)
    positions: npt.NDArray[np.uint16]
    if channels is None:
        positions = plan.lookup(keys, labels[0]).astype(np.uint16)[codes]
        return positions
    tables = [plan.on(label) for label in labels]
    different = list({id(table): table for table in tables}.values())
    found = np.stack([table.lookup(keys, len(plan.messages)) for table in different]).astype(np.uint16)
    positions = found[np.array([different.index(table) for table in tables])[channels], codes]
    return positions


def _unknown_ids(keys: npt.NDArray[np.uint32], counts: npt.NDArray[np.intp]) -> dict[str, int]:
    seen = counts > 0
    keys, counts = keys[seen], counts[seen]
    order = np.lexsort((keys, -counts))
    listed = order[:UNKNOWN_IDS_MAX].tolist()
    ids = {
        format_id(int(keys[i]) & EXTENDED_ID_MAX, bool(keys[i] & np.uint32(EXTENDED_BIT))): int(counts[i])
        for i in listed
    }
    rest = int(counts[order[UNKNOWN_IDS_MAX:]].sum())
    return dict(sorted(ids.items())) | ({OTHER_IDS: rest} if rest else {})


def _sort_out(raw: pa.Table, grouped: _Grouped, plan: Plan) -> list[Outcome]:
    payloads = Payloads.of(raw["data"], max(plan.reach, PAYLOAD_MAX))
    lengths = None if payloads.width is not None else payloads.lengths()
    outcomes = []
    bounds = grouped.bounds.tolist()
    for position, message in enumerate(plan.messages):
        if bounds[position] == bounds[position + 1]:
            continue
        rows = grouped.order[bounds[position] : bounds[position + 1]]
        if lengths is None:
            own = (
                np.full(len(rows), payloads.width, np.int32)
                if (payloads.width or 0) < message.length
                else None
            )
        else:
            own = lengths[rows]
            own = own if bool((own < message.length).any()) else None
        outcomes.append(sort_out(message, payloads, rows, own, strict=plan.strict_length))
    return outcomes


def _assemble(
    raw: pa.Table, outcomes: list[Outcome], times: Times
) -> tuple[pa.Table, tuple[SignalStats, ...]]:
    """Read every signal's values into one array, in the table's order."""
    vehicles, vehicle_codes = encode_labels(raw["vehicle_id"])
    channels, channel_codes = encode_labels(raw["channel"])
    every = Stamps(times, vehicle_codes, channel_codes)
    total = sum(
        len(outcome.rows) if at is None else len(at) for outcome in outcomes for _, at in outcome.carried
    )
    # Arrow's pool keeps what was freed: the next table need not have its pages cleared by the system again
    values = np.frombuffer(pa.allocate_buffer(8 * total), np.float64)
    blocks: list[Block] = []
    stats: list[SignalStats] = []
    start = 0
    for outcome in sorted(outcomes, key=lambda outcome: outcome.message.name):
        own, first, begun = every.take(outcome.rows), len(blocks), start
        parts: dict[int, Stamps] = {}
        for signal, at in sorted(outcome.carried, key=lambda item: item[0].name):
            if at is not None and id(at) not in parts:
                parts[id(at)] = own.take(at)
            block = Block(outcome.message.name, signal, own if at is None else parts[id(at)])
            end = start + len(block.stamps.times)
            outcome.fill(signal, at, values[start:end])
            blocks.append(block)
            start = end
        stats += describe(blocks[first:], values[begun:start])
    return build_table(blocks, values, vehicles, channels), tuple(stats)


def _times(column: pa.ChunkedArray) -> Times:
    whole = column.cast(pa.int64())
    times: Times = (whole.fill_null(0) if whole.null_count else whole).to_numpy()
    return times


def _report(
    rows: int,
    sifted: Sifted,
    unknown: dict[str, int],
    outcomes: Sequence[Outcome],
    signals: tuple[SignalStats, ...],
) -> Report:
    decoded: dict[str, int] = {}
    errors: dict[str, int] = {}
    signal_errors: dict[str, int] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.message.name):
        name = outcome.message.name
        if len(outcome.rows):
            decoded[name] = len(outcome.rows)
        for reason, count in sorted(outcome.errors.items()):
            errors[f"{name}: {reason}"] = count
        for (signal, reason), count in sorted(outcome.signal_errors.items()):
            signal_errors[f"{name}.{signal}: {reason}"] = count
    return Report(
        rows=rows,
        decoded_frames=sum(decoded.values()),
        truncated=sum(outcome.truncated for outcome in outcomes),
        unknown_id=sum(unknown.values()),
        decode_error=sum(errors.values()),
        skipped=sum(sifted.skipped.values()),
        bad_rows=sum(sifted.bad.values()),
        unknown_ids=unknown,
        decode_errors=errors,
        skipped_by=sifted.skipped,
        bad_rows_by=sifted.bad,
        messages=decoded,
        signal_errors=signal_errors,
        signals=signals,
    )
