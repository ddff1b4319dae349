"""One batch of frames put in order by message and time, and reduced to what decoding reads.

Which row is a frame and which message it belongs to is decided before; what the bits mean, later.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.bits import Words
from telemetry_pipeline.decode.payload import Integers, Payloads, Rows

Times = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int16]

WORD: Final = 8


@dataclass(frozen=True)
class Pile:
    """Frames in order of message, time and row.

    Attributes:
        bounds: The frames of message m are those from `bounds[m]` to `bounds[m + 1]`, in order of time.
        words: The first eight bytes of each payload as uint64, shape (n,); those behind its end are of no meaning.
        times: Nanoseconds since 1970 UTC, shape (n,).
        lengths: Bytes of each payload, shape (n,), or the number that all have.
        vehicles: Position of each frame's vehicle among the recording's texts, shape (n,), or the one that all have.
        channels: The same for the channels.
        shortest: Bytes of the shortest payload.
        payloads: The whole payloads where some are longer than a word, else None.
        order: The row of each frame in `payloads`, shape (n,), where there are any.
    """

    bounds: list[int]
    words: Words
    times: Times
    lengths: Integers | int
    vehicles: Codes | int
    channels: Codes | int
    shortest: int
    payloads: Payloads | None = None
    order: Rows | None = None

    @property
    def nbytes(self) -> int:
        """What it holds in memory."""
        held = [self.words, self.times, self.lengths, self.vehicles, self.channels, self.order]
        own = sum(part.nbytes for part in held if isinstance(part, np.ndarray))
        if self.payloads is not None:
            own += self.payloads.body.nbytes + self.payloads.offsets.nbytes
        return own

    def stored(self, path: Path) -> "Pile":
        """The same frames, read from a file whenever they are asked for; `path` names a file that is not there yet."""
        with path.open("wb") as file:

            def keep(part: Any) -> Any:  # noqa: ANN401  an array of any kind, or what is none
                if not isinstance(part, np.ndarray) or not len(part):
                    return part
                file.write(bytes(-file.tell() % WORD))
                start = file.tell()
                part.tofile(file)
                file.flush()
                return np.memmap(path, part.dtype, "r", start, part.shape)

            payloads = self.payloads
            if payloads is not None:
                payloads = payloads.moved(keep(payloads.body), keep(payloads.offsets))
            return Pile(
                self.bounds,
                keep(self.words),
                keep(self.times),
                keep(self.lengths),
                keep(self.vehicles),
                keep(self.channels),
                self.shortest,
                payloads,
                keep(self.order),
            )

    def words_at(self, rows: slice, byte: int) -> Words:
        """The eight bytes from `byte` on of some frames as uint64; of no meaning behind a payload's end."""
        if byte == 0:
            return self.words[rows]
        if self.payloads is None or self.order is None:
            return np.zeros(rows.stop - rows.start, np.uint64)
        found: Words = self.payloads.windows[self.payloads.offsets[self.order[rows]].astype(np.intp) + byte]
        return found

    def bytes_at(self, rows: slice, byte: int) -> Words:
        """One byte of some frames, widened to uint64."""
        if self.payloads is None or self.order is None:
            return np.zeros(rows.stop - rows.start, np.uint64)
        at = self.payloads.offsets[self.order[rows]].astype(np.intp) + byte
        found: Words = self.payloads.body[at].astype(np.uint64)
        return found

    def whole(self, rows: slice, length: int) -> list[bytes]:
        """The first `length` bytes from the start of some payloads; zeros or other frames' bytes behind their ends."""
        if self.payloads is None or self.order is None:
            padding = bytes(max(0, length - WORD))
            return [word.tobytes()[:length] + padding for word in self.words[rows]]
        body = self.payloads.body
        starts = self.payloads.offsets[self.order[rows]].tolist()
        return [body[start : start + length].tobytes() for start in starts]


def pile_up(
    payloads: Payloads,
    times: Times,
    groups: npt.NDArray[np.uint16],
    messages: int,
    labels: tuple[Codes | int, Codes | int],
) -> tuple[Pile, Rows]:
    """Order the rows of a batch.

    Args:
        payloads: Their payloads.
        times: Their times, shape (n,).
        groups: The message of each, shape (n,); `messages` and more for rows of none.
        messages: How many messages there are.
        labels: Their vehicles and their channels; see `Pile`.

    Returns:
        The frames that have a message, and the rows of all the others.
    """
    # a stable sort of 16-bit numbers is a radix sort
    if len(times) > 1 and not bool((times[1:] >= times[:-1]).all()):
        by_time = np.argsort(times, kind="stable")
        order = by_time[np.argsort(groups[by_time], kind="stable")]
    else:
        order = np.argsort(groups, kind="stable")
    bounds = np.zeros(messages + 1, np.intp)
    np.cumsum(np.bincount(groups, minlength=messages)[:messages], out=bounds[1:])
    used, others = order[: bounds[-1]], order[bounds[-1] :]
    vehicles, channels = (label if isinstance(label, int) else label[used] for label in labels)
    lengths: Integers | int
    if payloads.width is not None:
        lengths = shortest = payloads.width
    else:
        lengths = payloads.lengths()[used]
        shortest = int(lengths.min()) if len(used) else 0
        longest = int(lengths.max()) if len(used) else 0
        lengths = lengths.astype(np.uint8) if longest <= np.iinfo(np.uint8).max else lengths
    long = payloads.longest > WORD
    return Pile(
        bounds=bounds.tolist(),
        words=payloads.first_words(used),
        times=times.take(used),
        lengths=lengths,
        vehicles=vehicles,
        channels=channels,
        shortest=shortest,
        payloads=payloads if long else None,
        order=used.astype(np.uint32) if long else None,
    ), others
