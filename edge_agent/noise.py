"""Chance that depends on where one looks and not on what was asked before: simulated data in any pieces."""

import hashlib
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

_GOLDEN: Final = np.uint64(0x9E37_79B9_7F4A_7C15)


@lru_cache(maxsize=4096)
def key_of(name: str) -> int:
    """64 bits that stand for a name, the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def noise(name: str, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Uniform noise in [-1, 1), one value for each (name, index): a function, not a sequence.

    The bits are SplitMix64's (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).

    Args:
        name: Which noise.
        index: int64, any numbers.

    Returns:
        float64 of the same shape.
    """
    word = index.astype(np.uint64) * _GOLDEN + np.uint64(key_of(name))
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    word ^= word >> np.uint64(31)
    uniform: npt.NDArray[np.float64] = (word >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0
    return uniform
