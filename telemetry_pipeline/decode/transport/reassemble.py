"""A table of frames becomes a table in which every complete transfer is one long frame, with an account of the rest.

Which frames belong together is `segments`' business, what their bytes mean that of each protocol's file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry_pipeline.decode.labels import Labels
from telemetry_pipeline.decode.match import EXTENDED_BIT
from telemetry_pipeline.decode.payload import Payloads, Rows
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.decode.sift import PAYLOAD_MAX, Sifted, sift
from telemetry_pipeline.decode.transport import fastpacket, isotp, j1939
from telemetry_pipeline.decode.transport.carriers import NONE, PROTOCOLS, Transport, protocols_of
from telemetry_pipeline.decode.transport.segments import Carriers, Numbers, Traced, trace
from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX

CONTINUED: Final = "continued"
UNFINISHED: Final = "unfinished"

_LONG_AGO: Final = np.iinfo(np.int64).min // 2

_READERS: Final = {
    Transport.ISOTP: isotp.read_segments,
    Transport.FASTPACKET: fastpacket.read_segments,
    Transport.J1939: j1939.read_segments,
}


@dataclass(frozen=True)
class Reassembled:
    """What a table of frames became.

    Attributes:
        table: The data frames that are no segment, and one long frame for each complete transfer, in the place and
            with the time, vehicle and channel of its last frame; columns of `lake.schema.RAW`.
        open: The frames of transfers that further frames may complete, to be given as `before` with those.
        opened: How many transfers those are, by protocol.
        report: The rows that are not in `table`. Its `transfers` are those that ended.
    """

    table: pa.Table
    open: pa.Table
    opened: Mapping[str, int] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    def unfinished(self) -> Report:
        """The account of the open transfers where no further frames come."""
        return Report(transfers={f"{name} {UNFINISHED}": count for name, count in self.opened.items()})

    def continued(self) -> Report:
        """The account of the same transfers where further frames have come."""
        return Report(transfers={f"{name} {CONTINUED}": count for name, count in self.opened.items()})


def reassemble(raw: pa.Table, plan: Plan, before: pa.Table | None = None) -> Reassembled:
    """Reassemble transfers, per vehicle and channel, where the plan asks for it; elsewhere the table is left alone.

    A long frame stands for its transfer's last frame; the frames before it are skipped, as are segments without a
    transfer. Where anything is reassembled, rows that are no data frames are taken out as well, so that
    `raw.num_rows == table.num_rows + report.rows`.

    Args:
        raw: Frames with the columns of `lake.schema.RAW`, in any order; nulls allowed.
        plan: What ids mean on which channel, and the protocols spoken there.
        before: Frames of transfers that were open before these, in their order: `open` of an earlier call. They are
            neither returned nor counted.

    Raises:
        BadRaw: More distinct vehicles or channels than one object holds.
    """
    if not plan.transport:
        return Reassembled(raw, raw.slice(0, 0))
    known = 0 if before is None else before.num_rows
    frames = pa.concat_tables([before, raw]) if before is not None and known else raw
    sifted = sift(frames)
    payloads = Payloads.of(frames["data"], PAYLOAD_MAX)
    traced = _trace(frames, sifted, payloads, known, plan)

    skipped: dict[str, int] = {}
    transfers: dict[str, int] = {}
    plain = np.ones(frames.num_rows, bool) if sifted.frames is None else sifted.frames.copy()
    plain[:known] = False
    for name, one in traced.items():
        plain[one.parts] = plain[one.strays] = False
        segments = int(np.count_nonzero(one.parts >= known)) - len(one.last)
        if segments:
            skipped[f"{name} segment"] = segments
        if len(one.strays):
            skipped[f"{name} segment without a transfer"] = len(one.strays)
        transfers |= {f"{name} {reason}": count for reason, count in one.ended.items()}
    gone = skipped | sifted.skipped
    open_rows = np.concatenate([np.empty(0, np.intp), *(one.open for one in traced.values())])
    return Reassembled(
        table=_with_long_frames(frames, np.flatnonzero(plain), payloads, traced),
        open=frames.take(open_rows),
        opened={name: one.opened for name, one in traced.items() if one.opened},
        report=Report(
            rows=sum(gone.values()) + sum(sifted.bad.values()),
            skipped=sum(gone.values()),
            bad_rows=sum(sifted.bad.values()),
            skipped_by=gone,
            bad_rows_by=sifted.bad,
            transfers=transfers,
        ),
    )


def _trace(frames: pa.Table, sifted: Sifted, payloads: Payloads, known: int, plan: Plan) -> dict[str, Traced]:
    """What became of the frames of each protocol that is spoken in the table."""
    keys = sifted.keys
    data = np.arange(len(keys)) if sifted.frames is None else np.flatnonzero(sifted.frames)
    encoded = pa.array(keys).dictionary_encode()
    distinct, codes = encoded.dictionary.to_numpy(), encoded.indices.to_numpy()
    channels, vehicles = Labels(), Labels()
    channel_codes, vehicle_codes = channels.encode(frames["channel"]), vehicles.encode(frames["vehicle_id"])
    spoken = np.stack([protocols_of(distinct, plan.on(channel), plan) for channel in channels.texts])
    if not len(data) or bool((spoken == NONE).all()):
        return {}
    by_row = spoken[channel_codes, codes]
    ours = data[by_row[data] != NONE]
    sources = np.zeros(frames.num_rows, np.int64)
    sources += np.int64(len(channels.texts)) * vehicle_codes + channel_codes
    times = frames["timestamp"].cast(pa.int64()).fill_null(0).to_numpy()
    recorded = data[data >= known]
    latest_ns = int(times[recorded].max()) if len(recorded) else _LONG_AGO
    ours = _in_time(ours, times, known)
    traced: dict[str, Traced] = {}
    for number, name in enumerate(PROTOCOLS):
        rows = ours[by_row[ours] == number]
        if not len(rows):
            continue
        spoken_by = Carriers(rows, keys[rows].astype(np.int64), sources[rows], times[rows], payloads)
        traced[name] = trace(_READERS[name](spoken_by), latest_ns)
    return traced


def _in_time(rows: Rows, times: Numbers, known: int) -> Rows:
    """Rows in the order of their times; the first `known` rows of the table stay before all others."""
    own = rows[rows >= known]
    return np.concatenate([rows[rows < known], own[np.argsort(times[own], kind="stable")]])


def _with_long_frames(
    frames: pa.Table, plain: Rows, payloads: Payloads, traced: dict[str, Traced]
) -> pa.Table:
    """The plain frames with the long ones among them, in the order of the table."""
    long = [_long_frames(frames, payloads, one) for one in traced.values() if len(one.last)]
    kept = frames if len(plain) == frames.num_rows else frames.take(plain)
    if not long:
        return kept
    rows = np.concatenate([plain, *(one.last for one in traced.values() if len(one.last))])
    return pa.concat_tables([kept, *long]).take(np.argsort(rows, kind="stable"))


def _long_frames(frames: pa.Table, payloads: Payloads, one: Traced) -> pa.Table:
    """The last frames of complete transfers, with the payload and the arbitration id of the whole."""
    rows, skip, amounts = one.pieces
    ends = np.cumsum(amounts)
    begins = payloads.offsets[rows].astype(np.int64) + skip
    body = payloads.body[np.repeat(begins - (ends - amounts), amounts) + np.arange(ends[-1])]
    offsets = np.zeros(len(one.last) + 1, np.int64)
    np.cumsum(one.sizes, out=offsets[1:])
    long = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(one.last), [None, pa.py_buffer(offsets), pa.py_buffer(body)]
    )
    columns = {
        "arb_id": pa.array((one.keys & EXTENDED_ID_MAX).astype(np.uint32)),
        "data": long.cast(pa.binary()),
        "is_extended_id": pa.array((one.keys & EXTENDED_BIT) != 0),
    }
    table = frames.take(one.last)
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return table
