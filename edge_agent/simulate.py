"""A bus that is not there: the frames that a vehicle would send, for any CAN database, as fast as one likes.

Signals of the ev_powertrain database follow one drive; all others get waveforms. Time is an argument here:
nothing reads a clock.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from edge_agent.drive import Drive
from edge_agent.encode import can_encode, encode_frames
from edge_agent.frames import MAX_BYTES, binary_of, dlc_of, frames_table
from edge_agent.multiplex import Shape, shapes_of
from edge_agent.noise import key_of, noise
from edge_agent.waveform import waveform
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.layout import check_vehicle_id

if TYPE_CHECKING:
    from cantools.database.can import Message

DEFAULT_CYCLE_MS: Final = 100
"""The cycle of a message whose database names none."""

DRIVEN_MESSAGES: Final = frozenset(
    {"BMS_CellVoltages", "BMS_PackStatus", "MotorCtrl_Status", "MotorCtrl_Thermal", "CoolantLoop"}
)
"""The messages of the ev_powertrain database, whose signals the drive knows."""

_JITTER_NS: Final = 30_000


class Simulator:
    """The frames of one vehicle on one channel.

    A function of its arguments: asking for [a, b) and [b, c) gives the same as asking for [a, c).

    Args:
        database: A `cantools.database.Database`. Messages without signals, and those longer than one frame, are
            not sent.
        vehicle_id: The vehicle.
        seed: Another number is another drive.
        start_ns: When the drive begins, nanoseconds since the epoch.
        rate: Times as many frames as the database's cycle times ask for.
        channel: The name of the bus.

    Raises:
        BadKey: The vehicle id is not one.
        BadSetting: The rate is not above 0 and at most 1000, or the database has nothing to send.
    """

    def __init__(
        self,
        database: Any,  # noqa: ANN401  cantools carries no usable types
        vehicle_id: str,
        seed: int,
        start_ns: int,
        *,
        rate: float = 1.0,
        channel: str = "can0",
    ) -> None:
        check_vehicle_id(vehicle_id)
        if not 0 < rate <= 1000:
            raise BadSetting(f"{rate} is not a usable rate", "rate", "Use a number above 0 and up to 1000")
        messages = [
            message for message in database.messages if message.signals and 0 < message.length <= MAX_BYTES
        ]
        if not messages:
            raise BadSetting("the CAN database has no message that could be sent", "dbc")
        drive = Drive(vehicle_id, seed)
        self._start_ns = start_ns
        self._senders = [
            _Sender(
                message,
                f"{seed}:{vehicle_id}:{message.name}",
                drive,
                slot=slot,
                slots=len(messages),
                rate=rate,
            )
            for slot, message in enumerate(messages)
        ]
        self._switching = {message.name for message in messages if _switches_rate(database, message)}
        self._schema = schema.RAW_FD if self._switching else schema.RAW
        self._vehicle_id = vehicle_id
        self.channel = channel

    def frames(self, start_ns: int, end_ns: int) -> pa.Table:
        """The frames of [start_ns, end_ns) in order of time; no two have the same timestamp.

        The schema is `RAW`, or `RAW_FD` where the database has messages that switch their bit rate.
        """
        parts = [self._schema.empty_table()]
        for sender in self._senders:
            elapsed, data = sender.frames(start_ns - self._start_ns, end_ns - self._start_ns)
            if len(elapsed):
                parts.append(self._table(sender.message, elapsed, data))
        table = pa.concat_tables(parts)
        return table.take(np.argsort(table["timestamp"].to_numpy()))

    def _table(
        self, message: "Message", elapsed: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]
    ) -> pa.Table:
        rows = len(elapsed)
        lengths = np.full(rows, message.length)
        never = [False] * rows
        return frames_table(
            elapsed + self._start_ns,
            np.full(rows, message.frame_id, np.uint32),
            binary_of(data),
            vehicle_id=self._vehicle_id,
            channel=self.channel,
            is_extended_id=[bool(message.is_extended_frame)] * rows,
            is_fd=[_is_fd(message)] * rows,
            is_error_frame=never,
            is_remote_frame=never,
            dlc=dlc_of(lengths),
            bitrate_switch=[message.name in self._switching] * rows if self._switching else None,
        )


def _is_fd(message: "Message") -> bool:
    return bool(message.is_fd) or message.length > 8


def _switches_rate(database: Any, message: "Message") -> bool:  # noqa: ANN401  cantools carries no usable types
    """Whether a message is CAN FD and the database's attribute CANFD_BRS says so of it, or of all by its default."""
    defined = getattr(database.dbc, "attribute_definitions", {}).get("CANFD_BRS")
    if defined is None or not _is_fd(message):
        return False
    attribute = message.dbc.attributes.get("CANFD_BRS") if message.dbc else None
    return str(attribute.value if attribute else defined.default_value) == "1"


def _is_possible(message: "Message", shape: Shape) -> bool:
    """Whether the multiplexers have room for the shape's values; a database can ask for more."""
    return all(
        0 <= raw < 1 << message.get_signal_by_name(name).length for name, raw in shape.selectors.items()
    )


class _Sender:
    """One message on its cycle. Times are nanoseconds since the drive's start."""

    def __init__(
        self, message: "Message", name: str, drive: Drive, *, slot: int, slots: int, rate: float
    ) -> None:
        self.message = message
        self._name = name
        self._drive = drive
        # timestamps are congruent to the slot, modulo the number of senders: no two senders share an instant
        self._slot, self._slots = slot, slots
        self._period = max(round((message.cycle_time or DEFAULT_CYCLE_MS) * 1_000_000 / rate), 8 * slots)
        self._jitter = min(_JITTER_NS, self._period // 8)
        self._phase = self._jitter + key_of(name) % (self._period - 2 * self._jitter)
        self._shapes = [shape for shape in shapes_of(message) if _is_possible(message, shape)]
        self._signals = {signal.name: signal for signal in message.signals if can_encode(message, signal)}

    def frames(self, start: int, end: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Instants and payloads, uint8 of shape (rows, bytes), of the frames in [start, end)."""
        slack = self._phase + self._jitter + self._slots
        first = max((start - slack) // self._period, 0)
        index = np.arange(first, max((end + slack) // self._period + 1, first), dtype=np.int64)
        instants = (
            index * self._period + self._phase + (self._jitter * noise(self._name, index)).astype(np.int64)
        )
        instants += self._slot - instants % self._slots
        inside = (instants >= max(start, 0)) & (instants < end)
        instants, index = instants[inside], index[inside]
        payload = np.zeros((len(index), self.message.length), np.uint8)
        for turn, shape in enumerate(self._shapes):
            rows = np.flatnonzero(index % len(self._shapes) == turn)
            values = self._values(shape.signals, instants[rows])
            for selector, raw in shape.selectors.items():
                if signal := self._signals.get(selector):
                    values[selector] = np.full(len(rows), raw * signal.scale + signal.offset, np.float64)
            payload[rows] = encode_frames(self.message, values, len(rows))
        return instants, payload

    def _values(
        self, signals: tuple[str, ...], elapsed: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[np.float64]]:
        known = self._drive.sample(elapsed) if self.message.name in DRIVEN_MESSAGES else {}
        return {
            name: known[name]
            if name in known
            else waveform(self._signals[name], f"{self._name}:{name}", elapsed)
            for name in signals
            if name in self._signals
        }
