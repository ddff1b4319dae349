"""Arrays in Arrow's memory pool, which keeps what was freed.

NumPy's own large arrays go back to the system at once, and the next one's pages are cleared anew: for arrays that live as
short as those of one message that costs more than what is done with them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def empty(count: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of so many numbers, of any content, shape (count,)."""
    kind = np.dtype(dtype)
    return np.frombuffer(pa.allocate_buffer(count * kind.itemsize), kind)


def joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays of one dtype, at least one, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts, out=empty(sum(map(len, parts)), parts[0].dtype))
