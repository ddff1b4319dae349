"""Values for signals of which nothing is known but their definition: smooth, in range, repeatable."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edge_agent.encode import signal_range
from edge_agent.noise import key_of

if TYPE_CHECKING:
    from cantools.database.can import Signal


def waveform(signal: "Signal", name: str, elapsed_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """A sine through most of the signal's range, or its named values one after the other.

    Args:
        signal: The definition.
        name: Who it is; period (8 to 72 s) and phase follow from it.
        elapsed_ns: int64 nanoseconds since the start.

    Returns:
        Physical values, float64.
    """
    key = key_of(name)
    period_s = 8 + key % 64_000 / 1000
    turns = elapsed_ns / 1e9 / period_s + (key >> 32) % 1000 / 1000
    if signal.choices:
        named = np.array(sorted(signal.choices), dtype=np.float64) * signal.scale + signal.offset
        chosen: npt.NDArray[np.float64] = named[np.floor(turns * len(named)).astype(np.int64) % len(named)]
        return chosen
    low, high = signal_range(signal)
    middle, half = low / 2 + high / 2, high / 2 - low / 2
    return middle + 0.95 * half * np.sin(2 * np.pi * turns)
