"""A condition on one value: when it holds, and how far a value is from not meeting it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.errors import BadSetting

Values = npt.NDArray[np.float64]
Holds = npt.NDArray[np.bool_]

COMPARISONS: Final = (">=", "<=", "==", "!=", ">", "<")
BANDS: Final = ("outside", "inside")

_NUMBER: Final = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_COMPARISON: Final = re.compile(rf"({'|'.join(COMPARISONS)})\s*({_NUMBER})")
_BAND: Final = re.compile(rf"({'|'.join(BANDS)})\s+({_NUMBER})\s*\.\.\s*({_NUMBER})")
_REMEDY: Final = 'Write it like "> 150", "<= -20.5", "!= 0", "outside 10..20" or "inside 10..20"'


@dataclass(frozen=True)
class Condition:
    """A comparison with a number, or a band with its two bounds, which belong to its inside.

    Attributes:
        operator: One of `COMPARISONS` or `BANDS`.
        low: The number, or the lower bound; finite.
        high: The same number, or the upper bound.
    """

    operator: str
    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read `> 150`, `outside 10..20` and the like; `str` of a condition is read as an equal one.

        Raises:
            BadSetting: It is no condition.
        """
        compact = text.strip()
        if match := _COMPARISON.fullmatch(compact):
            operator, low, high = match[1], float(match[2]), float(match[2])
        elif match := _BAND.fullmatch(compact):
            operator, low, high = match[1], float(match[2]), float(match[3])
        else:
            raise BadSetting(f"{text!r} is not a condition", remedy=_REMEDY)
        if not (math.isfinite(low) and math.isfinite(high)):
            raise BadSetting(f"{text!r} has a number that is beyond float64", remedy=_REMEDY)
        if low > high:
            raise BadSetting(
                f"the bounds of {text!r} are the wrong way round", remedy="The lower one goes first"
            )
        return cls(operator, low, high)

    def __str__(self) -> str:
        if self.operator in BANDS:
            return f"{self.operator} {_shown(self.low)}..{_shown(self.high)}"
        return f"{self.operator} {_shown(self.low)}"

    def holds(self, values: Values) -> Holds:
        """Where it holds, shape (n,). NaN is not among the values."""
        return np.asarray(_KINDS[self.operator].holds(values, self.low, self.high), dtype=np.bool_)

    def depth(self, values: Values) -> Values:
        """How bad values are for which it holds, shape (n,): the largest is the worst one.

        The highest for `>`, the lowest for `<`, the furthest from the number for `!=`, the furthest out for `outside`,
        the furthest in for `inside`; all alike for `==`.
        """
        return np.asarray(_KINDS[self.operator].depth(values, self.low, self.high), dtype=np.float64)

    def possible(self, minimum: float, maximum: float) -> bool:
        """Whether any value within [minimum, maximum] can meet it."""
        return _KINDS[self.operator].possible(minimum, maximum, self.low, self.high)


@dataclass(frozen=True)
class _Kind:
    """What an operator means, given its bounds last."""

    holds: Callable[[Values, float, float], Holds]
    depth: Callable[[Values, float, float], Values]
    possible: Callable[[float, float, float, float], bool]


_KINDS: Final = {
    ">": _Kind(lambda v, low, _: v > low, lambda v, *_: v, lambda _, top, low, __: top > low),
    ">=": _Kind(lambda v, low, _: v >= low, lambda v, *_: v, lambda _, top, low, __: top >= low),
    "<": _Kind(lambda v, low, _: v < low, lambda v, *_: -v, lambda least, _, low, __: least < low),
    "<=": _Kind(lambda v, low, _: v <= low, lambda v, *_: -v, lambda least, _, low, __: least <= low),
    "==": _Kind(
        lambda v, low, _: v == low,
        lambda v, *_: np.zeros(len(v)),
        lambda least, top, low, _: least <= low <= top,
    ),
    "!=": _Kind(
        lambda v, low, _: v != low,
        lambda v, low, _: np.abs(v - low),
        lambda least, top, low, _: not least == low == top,
    ),
    "outside": _Kind(
        lambda v, low, high: (v < low) | (v > high),
        lambda v, low, high: np.maximum(low - v, v - high),
        lambda least, top, low, high: least < low or top > high,
    ),
    "inside": _Kind(
        lambda v, low, high: (v >= low) & (v <= high),
        lambda v, low, high: np.minimum(v - low, high - v),
        lambda least, top, low, high: least <= high and top >= low,
    ),
}


def _shown(number: float) -> str:
    """The shortest text that is read as the same number."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
