"""How far a vehicle drove: the integral of a speed, or the steps of an odometer.

Times are int64 nanoseconds, of shape (n,), in any order; values float64 of the same shape.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEP_MAX_S: Final = 10.0
"""Between two speeds further apart than this nobody knows how fast it drove: nothing is added."""

SPEED_MAX: Final = 500 / 3.6
"""m/s: what is faster is no speed but a code for "not available", or an odometer that was reset."""


COARSE_M: Final = 2_000.0
"""An odometer that counts whole kilometres or miles jumps by one at once."""


@dataclass(frozen=True)
class Distance:
    """A distance, and what of the signal was not used for it.

    Attributes:
        km: Kilometres, or None when there are fewer than two samples to use.
        left_out: Samples that are not finite or cannot be, and steps of an odometer that nobody can drive.
    """

    km: float | None
    left_out: int


def integral(times: NDArray[np.int64], speeds: NDArray[np.float64]) -> Distance:
    """Integrate speeds in m/s over time by trapezoids; driving backwards is driving, too."""
    usable = np.isfinite(speeds)
    usable[usable] = np.abs(speeds[usable]) <= SPEED_MAX
    left_out = int(len(speeds) - usable.sum())
    order = np.argsort(times[usable], kind="stable")
    at, v = times[usable][order], np.abs(speeds[usable][order])
    if len(at) < 2:
        return Distance(None, left_out)
    dt = np.diff(at) / 1e9
    steps = dt * (v[1:] + v[:-1]) / 2
    return Distance(float(steps[dt <= STEP_MAX_S].sum()) / 1000, left_out)


def difference(times: NDArray[np.int64], metres: NDArray[np.float64]) -> Distance:
    """Sum the steps of an odometer in metres, forth and back.

    A step that no vehicle can drive in its time is left out, and so is the way back from it: the zero of a controller
    that has just woken up, or a code for "not available", costs nothing.
    """
    usable = np.isfinite(metres)
    order = np.argsort(times[usable], kind="stable")
    at, reading = times[usable][order], metres[usable][order]
    if len(at) < 2:
        return Distance(None, int(len(metres) - len(at)))
    steps = np.diff(reading)
    possible = np.abs(steps) <= SPEED_MAX * np.diff(at) / 1e9 + COARSE_M
    left_out = len(metres) - len(at) + int((~possible).sum())
    return Distance(max(float(steps[possible].sum()), 0.0) / 1000, left_out)
