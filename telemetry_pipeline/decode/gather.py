"""Frames batch by batch: sifted, counted, and piled up by message until all are there.

What the frames mean is `message`'s business; here it is only known which message each belongs to.
"""

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.decode.labels import Labels
from telemetry_pipeline.decode.match import EXTENDED_BIT
from telemetry_pipeline.decode.payload import Payloads
from telemetry_pipeline.decode.pile import Codes, Pile, Times, pile_up
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report, format_id, largest_ids
from telemetry_pipeline.decode.selected import Selected
from telemetry_pipeline.decode.sift import PAYLOAD_MAX, Sifted, sift
from telemetry_pipeline.errors import BadDbc
from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX

BATCH_ROWS: Final = 65_536
"""Frames piled up at a time: while they are put in order they stay in the second-level cache."""

HELD_BYTES: Final = 192 << 20
"""What piles hold in memory before the next ones go to files: some ten million classic frames."""

_PLAN_MAX: Final = (1 << 16) - 1

Groups = npt.NDArray[np.uint16]


class Gathering:
    """The frames of one recording.

    Args:
        plan: What arbitration ids mean.
        folder: Where piles go when memory is full; an empty one, and somebody else's to remove. None: nowhere.
        vehicle_id: The vehicle of all frames; None: what their column says.

    Raises:
        BadDbc: The plan has more messages than frames can be grouped by.
    """

    def __init__(self, plan: Plan, folder: Path | None = None, vehicle_id: str | None = None) -> None:
        if len(plan.messages) >= _PLAN_MAX:
            raise BadDbc(f"{len(plan.messages)} messages in one plan, at most {_PLAN_MAX - 1} fit", "")
        self._plan = plan
        self._folder = folder
        self._vehicle_id = vehicle_id
        self._piles: list[Pile] = []
        self._held = 0
        self._in_time = True
        self._last_ns: int | None = None
        self._unknown: Counter[int] = Counter()
        self._skipped: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self.vehicles = Labels()
        self.channels = Labels()
        self.rows = 0

    def add(self, raw: pa.Table) -> None:
        """Take the next frames (columns of `lake.schema.RAW`, in any order; nulls allowed).

        Raises:
            BadRaw: More distinct vehicles or channels than one object holds.
        """
        if self._vehicle_id is None:
            vehicles = self.vehicles.encode(raw["vehicle_id"])
        else:
            vehicles = self.vehicles.position(self._vehicle_id)
        channels = self.channels.encode(raw["channel"])
        for start in range(0, raw.num_rows, BATCH_ROWS):
            rows = slice(start, start + BATCH_ROWS)
            labels = tuple(label if isinstance(label, int) else label[rows] for label in (vehicles, channels))
            self._pile_up(raw.slice(start, BATCH_ROWS), (labels[0], labels[1]))
        self.rows += raw.num_rows

    def positions(self) -> list[int]:
        """The messages of the plan that have frames so far, in its order."""
        there = np.zeros(len(self._plan.messages), bool)
        for pile in self._piles:
            there |= np.diff(pile.bounds) > 0
        positions: list[int] = np.flatnonzero(there).tolist()
        return positions

    def frames(self, position: int) -> Selected:
        """The frames of a message of the plan."""
        pieces = [
            (pile, pile.bounds[position], pile.bounds[position + 1])
            for pile in self._piles
            if pile.bounds[position] < pile.bounds[position + 1]
        ]
        return Selected(pieces) if self._in_time else Selected.in_time(pieces)

    def report(self) -> Report:
        """The account of the rows that belong to no message."""
        unknown = {
            format_id(key & EXTENDED_ID_MAX, bool(key & EXTENDED_BIT)): count
            for key, count in self._unknown.items()
        }
        return Report(
            rows=self.rows,
            unknown_id=sum(unknown.values()),
            skipped=self._skipped.total(),
            bad_rows=self._bad.total(),
            unknown_ids=largest_ids(unknown),
            skipped_by=dict(self._skipped),
            bad_rows_by=dict(self._bad),
        )

    def _pile_up(self, raw: pa.Table, labels: tuple[Codes | int, Codes | int]) -> None:
        payloads = Payloads.of(raw["data"], max(self._plan.reach, PAYLOAD_MAX))
        # reassembled transfers are longer than any frame, and have been sifted before
        sifted = sift(raw, any_length=bool(self._plan.transport) or payloads.longest <= PAYLOAD_MAX)
        self._skipped.update(sifted.skipped)
        self._bad.update(sifted.bad)
        times = _times(raw["timestamp"])
        messages = len(self._plan.messages)
        groups = self._groups(sifted, labels[1])
        pile, others = pile_up(payloads, times, groups, messages, labels)
        strange = others if sifted.frames is None else others[sifted.frames[others]]
        if len(strange):
            keys, counts = np.unique(sifted.keys[strange], return_counts=True)
            self._unknown.update(dict(zip(keys.tolist(), counts.tolist(), strict=True)))
        if len(pile.times):
            self._keep(pile)

    def _keep(self, pile: Pile) -> None:
        first, last = int(pile.times.min()), int(pile.times.max())
        self._in_time = self._in_time and (self._last_ns is None or self._last_ns <= first)
        self._last_ns = last
        if self._folder is not None and self._held + pile.nbytes > HELD_BYTES:
            self._folder.mkdir(parents=True, exist_ok=True)
            pile = pile.stored(self._folder / f"{len(self._piles)}.pile")
        else:
            self._held += pile.nbytes
        self._piles.append(pile)

    def _groups(self, sifted: Sifted, channels: Codes | int) -> Groups:
        """The position of each row's message, shape (rows,); the number of messages for a row of none."""
        groups: Groups
        texts = self.channels.texts
        if isinstance(channels, int) or not self._plan.by_channel:
            groups = self._plan.finder(texts[channels if isinstance(channels, int) else 0]).positions(
                sifted.keys
            )
        else:
            groups = np.empty(len(sifted.keys), np.uint16)
            for channel in np.unique(channels).tolist():
                there = channels == channel
                groups[there] = self._plan.finder(texts[channel]).positions(sifted.keys[there])
        if sifted.frames is not None:
            groups[~sifted.frames] = len(self._plan.messages)
        return groups


def _times(column: pa.ChunkedArray) -> Times:
    whole = column.cast(pa.int64())
    times: Times = (whole.fill_null(0) if whole.null_count else whole).to_numpy()
    return times
