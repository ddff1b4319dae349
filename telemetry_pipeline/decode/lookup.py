"""Which message each row's key means, remembered: a recording has few keys and very many rows.

A table without collisions: every key has a slot of its own under a multiplication whose upper bits are the slot (Knuth,
The Art of Computer Programming, volume 3, section 6.4), found by trying multipliers.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.decode.match import IdTable

Keys = npt.NDArray[np.uint32]
Groups = npt.NDArray[np.uint16]

_KEYS_MAX: Final = 512
"""Keys for which a multiplier is soon found among tables of 65,536 slots."""

_TRIES: Final = 200
_NO_KEY: Final = 0xFFFF_FFFF
"""No arbitration id: those have 29 bits and a flag."""


class _Slots(NamedTuple):
    """A table without collisions: in the slot of each known key lie the key and its message's position."""

    multiplier: np.uint32
    shift: np.uint32
    keys: Keys
    positions: Groups

    def of(self, keys: Keys) -> Keys:
        """The slot of each key."""
        slots: Keys = (keys * self.multiplier) >> self.shift
        return slots


class Lookup:
    """The messages of keys on one channel. Threads may share it: what it learns replaces what it knew as a whole.

    Args:
        table: What keys mean there.
        missing: The position for keys that mean nothing.
    """

    def __init__(self, table: IdTable, missing: int) -> None:
        self._table = table
        self._missing = missing
        self._slots: _Slots | None = _Slots(
            np.uint32(1), np.uint32(31), np.full(2, _NO_KEY, np.uint32), np.zeros(2, np.uint16)
        )

    def positions(self, keys: Keys) -> Groups:
        """The position of each key's message, shape (n,)."""
        found: Groups
        while (known := self._slots) is not None:
            slots = known.of(keys)
            strange = known.keys.take(slots) != keys
            if not strange.any():
                found = known.positions.take(slots)
                return found
            self._slots = self._with(known, np.unique(keys[strange]))
        encoded = pa.array(keys).dictionary_encode()
        distinct: Groups = self._table.lookup(encoded.dictionary.to_numpy(), self._missing).astype(np.uint16)
        found = distinct.take(encoded.indices.to_numpy())
        return found

    def _with(self, known: _Slots, strange: Keys) -> _Slots | None:
        """A table that has other keys, too; None where none is found soon."""
        keys = np.concatenate([known.keys[known.keys != _NO_KEY], strange])
        if len(keys) > _KEYS_MAX:
            return None
        # so many that two keys meet in every second table at most
        bits = max(2 * len(keys).bit_length() - 1, 8)
        empty = np.full(1 << bits, _NO_KEY, np.uint32), np.zeros(1 << bits, np.uint16)
        random = np.random.default_rng(len(keys))
        for _ in range(_TRIES):
            multiplier = np.uint32(int(random.integers(1 << 31)) * 2 + 1)
            table = _Slots(multiplier, np.uint32(32 - bits), *empty)
            slots = table.of(keys)
            if len(np.unique(slots)) == len(keys):
                table.keys[slots] = keys
                table.positions[slots] = self._table.lookup(keys, self._missing)
                return table
        return None
