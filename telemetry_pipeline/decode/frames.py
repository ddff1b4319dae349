"""Tables of frames become signal values and a report: the whole decode, vectorised.

Which rows are frames is `sift`'s business, how a message decodes is `message`'s, what the table looks like `table`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from telemetry_pipeline.decode.flat import fill_flat, only_pile
from telemetry_pipeline.decode.gather import Gathering
from telemetry_pipeline.decode.message import Outcome, sort_out
from telemetry_pipeline.decode.parts import cut_parts, fill_part
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.decode.signals import Signals, merge_signals
from telemetry_pipeline.lake.row_group import RowGroup


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
    """Decode frames that are all in memory, as `Decoder` does.

    Args:
        raw: Frames with the columns of `lake.schema.RAW`, in any order; nulls allowed. Where the plan has transports,
            they have been through `transport.reassemble`.
        plan: What to do with each arbitration id.

    Raises:
        BadRaw: More distinct vehicles, channels or names than one object holds.
        BadDbc: The plan has more messages than a table can be grouped by.
    """
    decoder = Decoder(plan)
    decoder.add(raw)
    (rows,) = decoder.parts([sum(decoder.runs())])
    return Decoded(rows.table, decoder.report())


class Run(NamedTuple):
    """How many values of a signal there are."""

    message: str
    signal: str
    unit: str
    rows: int


class Decoder:
    """Decodes one recording that comes in pieces: take all frames, then give all values.

    Values are those of cantools' `decode(decode_choices=False, scaling=True, allow_truncated=True)` as float64, bit
    for bit. Where cantools refuses every frame of a message because its signals overlap or do not fit, each signal
    that fits is read from its own bits.

    Args:
        plan: What to do with each arbitration id.
        folder: Where frames go that are too many for memory; an empty one, and somebody else's to remove. None:
            nowhere.
        vehicle_id: The vehicle of all frames, whatever their column says; None: what it says.

    Raises:
        BadDbc: The plan has more messages than frames can be grouped by.
    """

    def __init__(self, plan: Plan, folder: Path | None = None, vehicle_id: str | None = None) -> None:
        self._plan = plan
        self._gathering = Gathering(plan, folder, vehicle_id)
        self._outcomes: list[Outcome] | None = None
        self._account: Report | None = None
        self._signals: list[Signals] = []

    @property
    def rows(self) -> int:
        """Rows taken so far."""
        return self._gathering.rows

    def add(self, raw: pa.Table) -> None:
        """Take the next frames (columns of `lake.schema.RAW`, in any order; nulls allowed).

        Raises:
            BadRaw: More distinct vehicles or channels than one object holds.
        """
        self._gathering.add(raw)

    def runs(self) -> list[int]:
        """Values of each signal, in the table's order; all frames have been taken by now."""
        return [rows for outcome in self._sorted_out() for rows in outcome.counts]

    def signals(self) -> Iterator[Run]:
        """The same, with the signals' names."""
        for outcome in self._sorted_out():
            for (signal, _), rows in zip(outcome.carried, outcome.counts, strict=True):
                yield Run(outcome.message.name, signal.name, signal.unit, rows)

    def parts(self, sizes: Sequence[int]) -> Iterator[RowGroup]:
        """The signal values, sorted by (message_name, signal_name, timestamp).

        Rows of equal keys are in the frames' order.

        Args:
            sizes: Rows of each part, as many in all as `runs` says.

        Raises:
            BadRaw: More distinct names than one object holds.
        """
        vehicles, channels = self._gathering.vehicles.texts, self._gathering.channels.texts
        carriers = [outcome for outcome in self._sorted_out() if outcome.carried]
        # NaN, infinity and overflow are values that floats on a bus may have
        if len(sizes) == 1 and (pile := only_pile(carriers)) is not None:
            with np.errstate(all="ignore"):
                rows, signals = fill_flat(pile, carriers, vehicles, channels)
            self._signals = [signals]
            yield rows
            return
        self._signals = []
        read: Outcome | None = None
        for sections in cut_parts(carriers, sizes):
            with np.errstate(all="ignore"):
                rows, signals = fill_part(sections, vehicles, channels)
            self._signals.append(signals)
            for outcome in [read, *(section.outcome for section in sections)]:
                if outcome is not None and outcome is not sections[-1].outcome:
                    outcome.frames.forget()
            read = sections[-1].outcome if sections else read
            yield rows

    def report(self) -> Report:
        """Where every frame went. Its signals are those of the parts that have been given."""
        if self._account is None:
            self._account = _account_for(self._gathering.report(), self._sorted_out())
        described = sum(map(len, self._signals))
        cut = described > sum(len(outcome.carried) for outcome in self._sorted_out())
        signals = merge_signals(self._signals) if cut else Signals.joined(self._signals)
        return replace(self._account, signals=signals)

    def _sorted_out(self) -> list[Outcome]:
        """What became of the frames of each message, by the messages' names."""
        if self._outcomes is None:
            with np.errstate(all="ignore"):
                found = [self._outcome(position) for position in self._gathering.positions()]
            self._outcomes = sorted(found, key=lambda outcome: outcome.message.name)
        return self._outcomes

    def _outcome(self, position: int) -> Outcome:
        frames = self._gathering.frames(position)
        outcome = sort_out(self._plan.messages[position], frames, strict=self._plan.strict_length)
        frames.forget()
        if outcome.frames is not frames:
            outcome.frames.forget()
        return outcome


def _account_for(others: Report, outcomes: Sequence[Outcome]) -> Report:
    """Where the frames of messages went, beside where the other rows went."""
    decoded: dict[str, int] = {}
    errors: dict[str, int] = {}
    signal_errors: dict[str, int] = {}
    for outcome in outcomes:
        name = outcome.message.name
        if len(outcome.frames):
            decoded[name] = len(outcome.frames)
        for reason, count in sorted(outcome.errors.items()):
            errors[f"{name}: {reason}"] = count
        for (signal, reason), count in sorted(outcome.signal_errors.items()):
            signal_errors[f"{name}.{signal}: {reason}"] = count
    return replace(
        others,
        decoded_frames=sum(decoded.values()),
        truncated=sum(outcome.truncated for outcome in outcomes),
        decode_error=sum(errors.values()),
        decode_errors=errors,
        messages=decoded,
        signal_errors=signal_errors,
    )
