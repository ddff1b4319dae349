"""Journals as a power cut, a worn card or another program leaves them: what is whole is in the windows, once."""

import struct
import zlib
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from edge_agent.closing import raw_objects
from edge_agent.dating import KNOWN, Date, dates_of, span_of
from edge_agent.journal import ClockState, Journal, Reading, scan
from edge_agent.journal_name import JournalName
from edge_agent.records import DTYPES, Arrival, gathered
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.parquet import read_raw
from tests.fuzz import damage
from tests.fuzz.target import Flaw
from tests.raw_lake import NOON

_NUMBER: Final = 0x1234_5678_9ABC_DEF0
_NAME: Final = JournalName(1, 0, _NUMBER, "0123abcd", "capture", "EV_001")
_NOW: Final = Reading(10**12, NOON, ClockState.KNOWN)

# magic, version, width, clock state, length of the name, bytes of the body, block, journal, since boot, offset, CRC
_HEADER: Final = struct.Struct("<4sBBBBIIQqqI")
_PLACES: Final = {4: "<B", 5: "<B", 6: "<B", 7: "<B", 8: "<I", 12: "<I", 16: "<Q", 24: "<q", 32: "<q"}
"""Where each number of a block's header lies, and how it is written."""


class JournalTarget:
    """The edge agent's way from a journal to raw objects."""

    def prepare(self, folder: Path) -> None:
        """Journals written by the agent's own writer, each as its blocks."""
        random = Random(1)
        self._journals = [_written(folder / f"{nth}.journal", random) for nth in range(30)]

    def run(self, random: Random) -> str:
        """Damage a journal and close it."""
        blocks = random.choice(self._journals)
        kind = random.random()
        if kind < 0.4:
            content = damage.damaged(random, b"".join(blocks), b"".join(random.choice(self._journals)))
            intact: list[bytes] | None = None
        elif kind < 0.8:
            at = random.randrange(len(blocks))
            lie = _lying(random, blocks[at])
            content, intact = b"".join([*blocks[:at], lie, *blocks[at + 1 :]]), blocks[:at]
        else:
            kept = [block for block in blocks if random.random() < 0.7]
            litter = [random.choice((b"", b"", bytes(4096), b"CANJ", random.randbytes(50))) for _ in kept]
            pairs = zip(litter, kept, strict=True)
            content, intact = b"".join(part for pair in pairs for part in pair), kept
        return _closed(content, intact)

    def close(self) -> None:
        """There is nothing to end."""


def _written(path: Path, random: Random) -> list[bytes]:
    """A journal's file, cut into its blocks."""
    journal = Journal(path, _NUMBER)
    edges = [0]
    for nth in range(random.randrange(1, 8)):
        records = np.zeros(random.randrange(12), DTYPES[random.choice((8, 8, 64))])
        records["stamp"] = 10**9 * nth + np.arange(len(records)) * 1_000_000
        records["id"] = [random.choice((0x1A0, 0x98FEF100, 0x2000_0004, 0x4000_0123)) for _ in records]
        records["length"] = [random.randrange(records["data"].shape[1] + 1) for _ in records]
        records["flags"] = 4 if records["data"].shape[1] == 64 else 0
        records["data"] = random.randrange(256)
        arrival = Arrival(f"can{nth % 2}", records)
        journal.append(arrival, Reading(10**9 * nth, NOON, random.choice(list(ClockState))))
        edges.append(journal.bytes)
    journal.close()
    body = path.read_bytes()
    return [body[begin:end] for begin, end in pairwise(edges)]


def _lying(random: Random, block: bytes) -> bytes:
    """A block that says something else and whose checksum is right."""
    out = bytearray(block)
    for _ in range(random.choice((1, 1, 2))):
        if random.random() < 0.6:
            at, kind = random.choice(list(_PLACES.items()))
            size = struct.calcsize(kind)
            old = int.from_bytes(out[at : at + size], "little")
            out[at : at + size] = (damage.number(random, old) % (1 << 8 * size)).to_bytes(size, "little")
        elif len(out) > _HEADER.size:
            out[random.randrange(_HEADER.size, len(out))] = random.randrange(256)
    return with_right_checksum(bytes(out))


def with_right_checksum(block: bytes) -> bytes:
    """A block with the checksum of what it says, whatever that is."""
    begin = _HEADER.size
    checksum = zlib.crc32(block[begin:], zlib.crc32(block[: begin - 4]))
    return block[: begin - 4] + checksum.to_bytes(4, "little") + block[begin:]


def _closed(content: bytes, intact: list[bytes] | None) -> str:
    """Close a journal; `intact` are the blocks that must come first, if that is known."""
    blocks = list(scan(content, _NUMBER))
    if sum(block.size for block in blocks) > len(content):
        raise Flaw("the blocks take more bytes than there are")
    for nth, body in zip(count(), intact or ()):
        if nth >= len(blocks) or blocks[nth].arrival.records.tobytes() not in body:
            raise Flaw(f"block {nth} was whole and is not read")
    span = span_of(_NAME, blocks)
    date = Date(0, KNOWN) if span is None else dates_of([span], _NAME.boot, _NOW)[_NAME]
    frames = sum(len(block.arrival.records) for block in blocks)
    landed = 0
    for raw, body in raw_objects(_NAME, gathered([block.arrival for block in blocks]), date):
        table = read_raw(body, raw.key)
        landed += table.num_rows
        # numpy's own days are wrong for the first times that it knows
        days = np.unique(table["timestamp"].cast("int64").to_numpy() // DAY_NS).tolist()
        if days != [raw.partition.start_ns // DAY_NS]:
            raise Flaw(f"{raw.key} holds frames of days {days}")
    if landed != frames:
        raise Flaw(f"{frames} frames are whole, {landed} are in windows")
    return "windows" if landed else "nothing"
