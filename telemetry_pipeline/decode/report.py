"""The account of a decode: where every frame went, and what every signal's values were like (`signals`).

Only counts and summaries; who decoded, when, and where the account is kept is others' business.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

import orjson

from telemetry_pipeline.decode.signals import Signals, SignalStats, merge_signals

UNKNOWN_IDS_MAX: Final = 1000
"""Unknown ids listed one by one; the frames of all others are counted under `OTHER_IDS`."""

OTHER_IDS: Final = "other"


CLASSES: Final = (
    "rows",
    "decoded_frames",
    "truncated",
    "unknown_id",
    "decode_error",
    "skipped",
    "bad_rows",
)
"""A report's own counts of frames, in the order in which every door shows them."""


def format_id(arbitration_id: int, extended: bool) -> str:
    """An arbitration id for people and for keys: 0x1A0, or 0x18FEF100x for an extended one."""
    return f"0x{arbitration_id:X}{'x' if extended else ''}"


@dataclass(frozen=True, slots=True)
class Report:
    """Where every frame of a table went.

    `rows == decoded_frames + unknown_id + decode_error + skipped + bad_rows`; `truncated` frames are among the
    decoded ones.

    Attributes:
        rows: Frames looked at.
        decoded_frames: Frames that gave their values, or whose message has no signals.
        truncated: Decoded frames that were shorter than their message.
        unknown_id: Frames whose arbitration id no database knows.
        decode_error: Frames whose message is known but that give no value.
        skipped: Error frames, remote frames, and frames that are a part of a longer payload.
        bad_rows: Rows that are no frame: a null, or a payload that no CAN frame has.
        outside_day: Rows, of whatever class, that lie further from their object's day than its neighbours.
        other_vehicle: Rows, of whatever class, that name another vehicle than their object's key.
        unknown_ids: Frames by id (`format_id`), the most frequent `UNKNOWN_IDS_MAX`, the rest under `OTHER_IDS`.
        decode_errors: Frames by "Message: reason".
        skipped_by: Frames by kind.
        bad_rows_by: Rows by reason.
        messages: Decoded frames by message name.
        signal_errors: Decoded frames by "Message.Signal: reason", for signals that can never be read.
        transfers: Multi-frame transfers by "protocol end": complete, interrupted, out of sequence, timed out, aborted,
            unfinished (still open at the end), continued (begun in the frames before).
        signals: One per signal with values, in the order of the decoded table.
    """

    rows: int = 0
    decoded_frames: int = 0
    truncated: int = 0
    unknown_id: int = 0
    decode_error: int = 0
    skipped: int = 0
    bad_rows: int = 0
    outside_day: int = 0
    other_vehicle: int = 0
    unknown_ids: dict[str, int] = field(default_factory=dict)
    decode_errors: dict[str, int] = field(default_factory=dict)
    skipped_by: dict[str, int] = field(default_factory=dict)
    bad_rows_by: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    signal_errors: dict[str, int] = field(default_factory=dict)
    transfers: dict[str, int] = field(default_factory=dict)
    signals: Sequence[SignalStats] = ()

    @property
    def values(self) -> int:
        """Rows of the decoded table."""
        return sum(Signals.of(self.signals).columns.rows)

    def adds_up(self) -> bool:
        """Whether every frame is counted exactly once, in its class and in the class's breakdown."""
        classes = (
            (self.decoded_frames, self.messages),
            (self.unknown_id, self.unknown_ids),
            (self.decode_error, self.decode_errors),
            (self.skipped, self.skipped_by),
            (self.bad_rows, self.bad_rows_by),
        )
        whole = sum(count for count, _ in classes) == self.rows
        return (
            whole
            and self.truncated <= self.decoded_frames
            and all(c == sum(by.values()) for c, by in classes)
        )

    def __add__(self, other: "Report") -> "Report":
        if other == _NOTHING:
            return self
        return Report(
            rows=self.rows + other.rows,
            decoded_frames=self.decoded_frames + other.decoded_frames,
            truncated=self.truncated + other.truncated,
            unknown_id=self.unknown_id + other.unknown_id,
            decode_error=self.decode_error + other.decode_error,
            skipped=self.skipped + other.skipped,
            bad_rows=self.bad_rows + other.bad_rows,
            outside_day=self.outside_day + other.outside_day,
            other_vehicle=self.other_vehicle + other.other_vehicle,
            unknown_ids=largest_ids(_added(self.unknown_ids, other.unknown_ids)),
            decode_errors=_added(self.decode_errors, other.decode_errors),
            skipped_by=_added(self.skipped_by, other.skipped_by),
            bad_rows_by=_added(self.bad_rows_by, other.bad_rows_by),
            messages=_added(self.messages, other.messages),
            signal_errors=_added(self.signal_errors, other.signal_errors),
            transfers=_added(self.transfers, other.transfers),
            signals=merge_signals((self.signals, other.signals)),
        )

    @classmethod
    def merge(cls, reports: Iterable["Report"]) -> "Report":
        """The sum of reports; of none, an empty one."""
        filled = [report for report in reports if report != _NOTHING]
        return sum(filled[1:], filled[0]) if filled else _NOTHING

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and finite numbers, with sorted keys: the same report gives the same JSON."""
        return {**self._account(), "signals": [signal.to_dict() for signal in self.signals]}

    def to_json(self) -> str:
        """The text for a footer: as `to_dict`, but the signals column by column (`Signals.to_columns`)."""
        return orjson.dumps({**self._account(), "signals": Signals.of(self.signals).to_columns()}).decode()

    def account_json(self) -> str:
        """The text of `to_dict` without the signals."""
        return orjson.dumps(self._account()).decode()

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The report that `to_dict`, `to_json` or `account_json` gave.

        Raises:
            TypeError: It is none of these.
            ValueError: Likewise.
        """
        return cls(**{**plain, "signals": Signals.parse(plain.get("signals", []))})

    def _account(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _ACCOUNT}
        return {
            name: dict(sorted(value.items())) if isinstance(value, dict) else value
            for name, value in plain.items()
        }


_NOTHING: Final = Report()

# `dataclasses.asdict` copies deeply, which for a message-rich object costs more than decoding it
_ACCOUNT: Final = tuple(item.name for item in fields(Report) if item.name != "signals")


def largest_ids(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of the most frequent ids, with the others' sum under `OTHER_IDS`; ties go to the smaller key."""
    if len(counts) <= UNKNOWN_IDS_MAX:
        return dict(sorted(counts.items()))
    listed = sorted(
        (item for item in counts.items() if item[0] != OTHER_IDS), key=lambda item: (-item[1], item[0])
    )
    kept = dict(sorted(listed[:UNKNOWN_IDS_MAX]))
    rest = counts.get(OTHER_IDS, 0) + sum(count for _, count in listed[UNKNOWN_IDS_MAX:])
    return kept | ({OTHER_IDS: rest} if rest else {})


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(one) + Counter(other)).items()))
