"""What a reader of decoded signals answers, whatever it reads from.

Instants are int64 nanoseconds since the epoch, UTC; ranges are half-open. How the answers are found is the
implementations' business, how they are shown is the callers'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.series.tiers import TierRows

SESSION_PAUSE_NS: Final = 5 * 60 * 1_000_000_000
"""A vehicle that records nothing for longer than this begins a new session."""

SignalName = tuple[str, str]
"""(message, signal): a signal's name alone is not unique."""


@dataclass(frozen=True)
class Vehicle:
    """One vehicle: when it was first and last heard, and how many CAN frames it recorded, decodable or not."""

    vehicle_id: str
    first_ns: int | None
    last_ns: int | None
    frames: int


@dataclass(frozen=True)
class Session:
    """A stretch of recording without a pause above `SESSION_PAUSE_NS`, over as many days as it takes.

    Attributes:
        first_ns: The first sample.
        last_ns: The last sample, itself part of the session.
        frames: Decoded CAN frames.
    """

    first_ns: int
    last_ns: int
    frames: int


@dataclass(frozen=True)
class Message:
    """One message of a vehicle and how many of its frames were decoded."""

    message: str
    frames: int


@dataclass(frozen=True)
class Signal:
    """One signal of a message; minimum, maximum and mean of its finite values, None when it has none."""

    message: str
    signal: str
    unit: str
    minimum: float | None
    maximum: float | None
    mean: float | None


@dataclass(frozen=True)
class Series:
    """Every sample of one signal in a range.

    Attributes:
        message: The message's name.
        signal: The signal's name.
        unit: Its unit, "" when it has none.
        t: int64 nanoseconds, ascending.
        v: float64 values, as many; NaN and infinities as they were decoded.
    """

    message: str
    signal: str
    unit: str
    t: NDArray[np.int64]
    v: NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """The series that were asked for, in the order of the question.

    Attributes:
        series: One per signal asked for; empty where the signal has no sample in the range.
        rows_scanned: Rows that were decompressed.
        bytes_scanned: Compressed bytes of the column chunks that were decompressed.
        skipped_objects: Objects of the range that could not be read.
    """

    series: list[Series]
    rows_scanned: int
    bytes_scanned: int
    skipped_objects: int = 0


@dataclass(frozen=True)
class Buckets:
    """What buckets of time say of some signals, exactly as if made from all samples of a range.

    Attributes:
        rows: By signal, in order of time, one per bucket that has samples; of the buckets at both ends of the range,
            only what lies in it. A signal without a sample has no rows, but is there.
        units: By signal.
        width_ns: How wide a bucket is; all begin at multiples of it.
        rows_scanned: Rows that were decompressed, of samples and of overviews.
        bytes_scanned: Compressed bytes of those.
        skipped_objects: Objects of the range that could not be read.
    """

    rows: Mapping[SignalName, TierRows]
    units: Mapping[SignalName, str]
    width_ns: int
    rows_scanned: int
    bytes_scanned: int
    skipped_objects: int = 0


class SignalReader(Protocol):
    """Reads the decoded signals of a lake. Every method may be called from several threads at once."""

    def vehicles(self) -> list[Vehicle]:
        """The vehicles, sorted by id."""
        ...

    def sessions(self, vehicle_id: str) -> list[Session]:
        """The recording sessions of a vehicle, newest first.

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is no such vehicle.
        """
        ...

    def messages(self, vehicle_id: str) -> list[Message]:
        """The messages of a vehicle, sorted by name.

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is no such vehicle.
        """
        ...

    def signals(self, vehicle_id: str, message: str) -> list[Signal]:
        """The signals of a message, sorted by name.

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is no such vehicle, or it never sent that message.
        """
        ...

    def read(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """Every sample of the wanted signals in [start_ns, end_ns).

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is no such vehicle, or it never sent one of the signals, in any range.
            TooLarge: The range holds more rows than one answer may.
        """
        ...

    def look(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """The same as `read`, for a few minutes of samples that are needed to answer from buckets: as quick as can be.

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is no such vehicle, or it never sent one of the signals, in any range.
            TooLarge: The range holds more rows than one answer may.
        """
        ...

    def count(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int
    ) -> Mapping[SignalName, int]:
        """About how many samples of each signal lie in [start_ns, end_ns), from metadata alone.

        Never fewer than there are in objects that can be read; more where the metadata is of more than the range.

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is no such vehicle, or it never sent one of the signals, in any range.
        """
        ...

    def buckets(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int, width_ns: int
    ) -> Buckets:
        """The samples of [start_ns, end_ns), summed up in buckets that begin at multiples of a width.

        It never holds more samples in memory at a time than `read` may answer, however long the range is.

        Args:
            vehicle_id: The vehicle.
            wanted: The signals.
            start_ns: The first instant.
            end_ns: The first instant no longer wanted.
            width_ns: How wide a bucket is, any number of nanoseconds; multiples of `TIERS_S` seconds are quick.

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is no such vehicle, or it never sent one of the signals, in any range.
        """
        ...

    def recorded(self, vehicle_id: str, start_ns: int, end_ns: int) -> NDArray[np.int64]:
        """When anything at all was recorded in [start_ns, end_ns).

        Returns:
            int64 of shape (k, 2): first and last sample of each stretch, ascending, with pauses above
            `SESSION_PAUSE_NS` between them.

        Raises:
            BadKey: It is not a vehicle id.
        """
        ...
