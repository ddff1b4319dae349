"""What is decoded: a synthetic car of 80 messages and 643 signals, and any number of its frames.

Deterministic: the same arguments give the same bytes. Values move smoothly and frames jitter by 50 µs, as on a real
bus, so that compression does neither better nor worse than there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.decode.dbc import Dbc, load_dbc
from telemetry_pipeline.lake import schema

ARROW_DECODED: Final = {
    "compression": "zstd",
    "compression_level": 1,
    "store_schema": False,
    "use_dictionary": ["vehicle_id", "message_name", "signal_name", "unit", "channel"],
    "column_encoding": {"timestamp": "DELTA_BINARY_PACKED", "value": "PLAIN"},
    "write_statistics": ["timestamp", "signal_name"],
}
"""How Arrow's own writer is told to write decoded rows: the leanest settings that readers can prune by."""

VEHICLE: Final = "BENCH_001"
START_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z"""

_MESSAGES: Final = 80
_PERIODS_MS: Final = (10, 20, 50, 100)
_LENGTHS: Final = ((12, 4, 8, 1, 7), (8, 8, 16), (16, 3, 5, 8), (10, 6, 2, 14), (32,))
"""How the 32 bits of half a payload are cut into signals."""
_SCALES: Final = ((1, 0), (0.1, 0), (0.5, -40), (0.01, 0), (0.125, 10), (2, 0), (0.05, -3.5))
_FLOATS: Final = range(60, 68)
_PAGED: Final = range(68, 76)
_EXTENDED: Final = range(70, 80)
_JITTER_NS: Final = 50_000

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class _Cut:
    """One signal: its bits in the half it lies in, counted from that half's least significant bit."""

    name: str
    low: int
    length: int
    signed: bool
    scale: float
    offset: float
    page: int | None = None
    selects: bool = False
    is_float: bool = False


@dataclass(frozen=True)
class _Half:
    """Four bytes of a message: the first four in Intel order, or the last four in Motorola's, or either in either."""

    first_byte: int
    motorola: bool
    cuts: tuple[_Cut, ...]

    def start(self, cut: _Cut) -> int:
        """The start bit as a DBC writes it."""
        if not self.motorola:
            return 8 * self.first_byte + cut.low
        top = 31 - (cut.low + cut.length - 1)
        return 8 * (self.first_byte + top // 8) + 7 - top % 8


@dataclass(frozen=True)
class _Message:
    number: int
    period_ms: int
    halves: tuple[_Half, _Half]

    @property
    def extended(self) -> bool:
        return self.number in _EXTENDED

    @property
    def arbitration_id(self) -> int:
        return 0x18FE_0000 + self.number * 0x101 if self.extended else 0x100 + 7 * self.number


def make_dbc() -> str:
    """The database as the text of a DBC file."""
    lines = ['VERSION ""', "NS_ :", "BS_:", "BU_: ECU"]
    floats = []
    for message in _messages():
        dbc_id = message.arbitration_id | (1 << 31 if message.extended else 0)
        lines.append(f"BO_ {dbc_id} M{message.number:02d}: 8 ECU")
        for half in message.halves:
            for cut in half.cuts:
                page = " M" if cut.selects else "" if cut.page is None else f" m{cut.page}"
                order, sign = 0 if half.motorola else 1, "-" if cut.signed or cut.is_float else "+"
                lines.append(
                    f" SG_ {cut.name}{page} : {half.start(cut)}|{cut.length}@{order}{sign} "
                    f'({cut.scale},{cut.offset}) [0|0] "u{len(lines) % 9}" ECU'
                )
                if cut.is_float:
                    floats.append(f"SIG_VALTYPE_ {dbc_id} {cut.name} : 1;")
    return "\n".join([*lines, *floats]) + "\n"


def load_car() -> Dbc:
    """The database, loaded."""
    return load_dbc(make_dbc().encode(), "bench.dbc")


def make_frames(count: int, *, slower: int = 1, first_ns: int = START_NS) -> pa.Table:
    """The first `count` frames of a drive, schema `RAW`, in time order.

    Args:
        count: Frames.
        slower: By how much the bus is less busy than its 3,600 frames a second.
        first_ns: When it begins.
    """
    random = np.random.default_rng(42)
    messages = _messages()
    rate = sum(1000 / (message.period_ms * slower) for message in messages)
    seconds = count / rate + 1
    times, ids, words = [], [], []
    for message in messages:
        period_ns = message.period_ms * slower * 1_000_000
        sent = int(seconds * 1e9 / period_ns)
        own = np.arange(sent) * period_ns + int(random.integers(period_ns))
        times.append(own + np.abs(random.normal(0, _JITTER_NS, sent)).astype(np.int64))
        ids.append(np.full(sent, message.arbitration_id, np.uint32))
        words.append(_payloads(message, own / 1e9, random))
    time = np.concatenate(times)
    order = np.argsort(time, kind="stable")[:count]
    arbitration_ids = np.concatenate(ids)[order]
    body = np.concatenate(words)[order]
    offsets = np.arange(count + 1, dtype=np.int32) * 8
    data = pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(body)])
    no = pa.repeat(pa.scalar(False), count)
    return pa.table(
        [
            pa.array(time[order] + first_ns).cast(schema.TIMESTAMP),
            pa.array(arbitration_ids),
            pa.repeat(pa.scalar(8, pa.uint8()), count),
            data,
            pa.repeat(VEHICLE, count),
            pa.array(arbitration_ids > schema.STANDARD_ID_MAX),
            no,
            no,
            no,
            pa.repeat("", count),
        ],
        schema=schema.RAW,
    )


def _messages() -> list[_Message]:
    return [
        _Message(number, _PERIODS_MS[number % 4], (_half(number, 0), _half(number, 1)))
        for number in range(_MESSAGES)
    ]


def _half(number: int, which: int) -> _Half:
    motorola = (number + which) % 3 == 0 or number % 5 == 4
    if number in _PAGED and which == 1:
        cuts = [_Cut(f"P{number}", 0, 4, signed=False, scale=1, offset=0, selects=True)]
        for page in range(4):
            cuts += _row(f"S{number}_{which}{page}_", (12, 8, 8), 4, number + page, page)
        return _Half(4, motorola, tuple(cuts))
    if number in _FLOATS and which == 1:
        return _Half(
            4, motorola, (_Cut(f"F{number}", 0, 32, signed=False, scale=1, offset=0, is_float=True),)
        )
    lengths = _LENGTHS[(number * 7 + which * 3) % len(_LENGTHS)]
    if len(lengths) == 1 and number % 2:
        lengths = (8, 8, 8, 8)
    return _Half(4 * which, motorola, tuple(_row(f"S{number}_{which}_", lengths, 0, number + which, None)))


def _row(prefix: str, lengths: tuple[int, ...], low: int, salt: int, page: int | None) -> list[_Cut]:
    cuts = []
    for position, length in enumerate(lengths):
        scale, offset = _SCALES[(salt * 3 + position) % len(_SCALES)]
        signed = (salt + position) % 3 == 0 and length > 2
        cuts.append(_Cut(f"{prefix}{position}", low, length, signed, scale, offset, page))
        low += length
    return cuts


def _payloads(message: _Message, seconds: npt.NDArray[np.float64], random: np.random.Generator) -> Words:
    """Eight bytes for each frame, as words of this machine's (little-endian) order."""
    parts = []
    for half in message.halves:
        word = np.zeros(len(seconds), np.uint32)
        page = np.arange(len(seconds)) % 4
        for cut in half.cuts:
            raw = page.astype(np.uint32) if cut.selects else _moving(cut, seconds, random)
            shifted = raw << np.uint32(cut.low)
            word |= shifted if cut.page is None else np.where(page == cut.page, shifted, np.uint32(0))
        parts.append((word.byteswap() if half.motorola else word).astype(np.uint64))
    return parts[0] | parts[1] << np.uint64(32)


def _moving(
    cut: _Cut, seconds: npt.NDArray[np.float64], random: np.random.Generator
) -> npt.NDArray[np.uint32]:
    """A slow wave over half of the signal's range, as raw bits."""
    wave = np.sin(seconds * (2 * np.pi / random.uniform(5, 60)) + random.uniform(0, 6))
    if cut.is_float:
        return (100 * wave).astype(np.float32).view(np.uint32)
    reach = (1 << cut.length) - 1
    middle = 0 if cut.signed else reach / 2
    return (np.round(middle + wave * reach / 4).astype(np.int64) & reach).astype(np.uint32)
