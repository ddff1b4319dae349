"""What came of one log: every line and frame that is not in the answer is counted here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

LINES_LISTED: Final = 100
"""How many bad lines are listed by number; the rest are only counted."""


@dataclass
class LogReport:
    """Filled while a log is read; complete once its last table was taken.

    Attributes:
        format: What the log was read as.
        frames: Frames given, error and remote frames among them.
        error_frames: How many of them are error frames.
        remote_frames: How many of them are remote frames.
        first_ns: The earliest timestamp given, int64 nanoseconds since the epoch, or None without frames.
        last_ns: The latest one.
        out_of_order: Frames given after a later one, because they lay too far back in the log to be sorted in.
        other_channels: Frames left out because they are not of the wanted channel.
        other_lines: Lines that are no frames by their format: comments, headers, bus statistics.
        bad_lines: Lines that should be frames and cannot be read.
        bad_line_numbers: The first `LINES_LISTED` of them, counted from 1.
        damage: Why the log ends early, or "" if it is whole.
    """

    format: str = ""
    frames: int = 0
    error_frames: int = 0
    remote_frames: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    out_of_order: int = 0
    other_channels: int = 0
    other_lines: int = 0
    bad_lines: int = 0
    bad_line_numbers: list[int] = field(default_factory=list)
    damage: str = ""

    def add_bad_lines(self, numbers: Iterable[int]) -> None:
        """Count lines that cannot be read."""
        for number in numbers:
            self.bad_lines += 1
            if len(self.bad_line_numbers) < LINES_LISTED:
                self.bad_line_numbers.append(number)
