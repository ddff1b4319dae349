"""Sizes that no message has: cantools makes as many bits, values and digits as a text says, and never ends over them.

Looks at the text alone, before it is parsed; whether a signal fits its message is not asked here.
"""

import re
from collections.abc import Mapping
from typing import Final

BYTES_MAX: Final = 4_095
"""The longest message: what ISO-TP transfers at once, more than twice J1939's 1,785. Parsing one of 40,000 bytes takes
cantools half a minute for every signal, for it takes the square of the length."""

BITS_MAX: Final = 8 * BYTES_MAX
VALUES_MAX: Final = 1 << 16
"""Values of a multiplexer that one range may name, all that 16 bits have: each is an entry of its own to cantools."""
EXPONENT_MAX: Final = 10_000
"""Twice what is found in published databases, beyond any float64: cantools writes out whole numbers digit by digit, and
1e999999999 has many."""

_BITS = "no message is that long"
_VALUES = "no multiplexer has that many values"
_DIGITS = "no number is that large"

_SIZES: Final[Mapping[str, tuple[tuple[re.Pattern[str], int], ...]]] = {
    "dbc": (
        (re.compile(r"\bSG_\s[^:\"\n]*:\s*(\d+)\s*\|\s*(\d+)"), BITS_MAX),
        (re.compile(r"\bBO_\s+\d+\s+\w+\s*:\s*(\d+)"), BYTES_MAX),
    ),
    "kcd": (
        (
            re.compile(
                r"<(?:Signal|Multiplex)\b"
                r"(?=(?:[^<>]*?\blength\s*=\s*[\"'](\d+))?)(?=(?:[^<>]*?\boffset\s*=\s*[\"'](\d+))?)[^<>]*"
            ),
            BITS_MAX,
        ),
        (re.compile(r"<Message\b(?=(?:[^<>]*?\blength\s*=\s*[\"'](\d+))?)[^<>]*"), BYTES_MAX),
    ),
    "sym": (
        (re.compile(r"(?m)^\s*(?:Sig|Var|Mux)\s*=\s*\S+\s+\w+\s+(\d+)\s*(?:,\s*(\d+))?"), BITS_MAX),
        (re.compile(r"(?m)^\s*(?:DLC|Len|MaxLen)\s*=\s*(\d+)"), BYTES_MAX),
    ),
    "arxml": (
        (
            re.compile(r"<(?:LENGTH|BIT-LENGTH|BASE-TYPE-SIZE|START-POSITION|BIT-POSITION)>\s*(\d+)\s*<"),
            BITS_MAX,
        ),
        (re.compile(r"<FRAME-LENGTH>\s*(\d+)\s*<"), BYTES_MAX),
    ),
}
_RANGES: Final = re.compile(r"\bSG_MUL_VAL_\s[^;\"]*")
_RANGE: Final = re.compile(r"\b(\d+)\s*-\s*(\d+)\b")
_POWER: Final = re.compile(r"\"(?:\\\"|[^\"])*\"|(?<![\w.])\d+\.?\d*[eE][+-]?(\d+)")
"""A number with an exponent; texts are passed over, for they may say what they like."""


def oversized(text: str, file_format: str) -> str:
    """What is absurd about the first statement with a size above the limits, with its own words; "" when there is none.

    Args:
        text: What the file says.
        file_format: cantools' name of its format.
    """
    for pattern, largest in _SIZES[file_format]:
        for found in pattern.finditer(text):
            if any(_number(digits) > largest for digits in filter(None, found.groups())):
                return f"{_BITS}: {_said(found[0])}"
    for statement in _RANGES.finditer(text) if file_format == "dbc" else ():
        for low, high in _RANGE.findall(statement[0]):
            if _number(high) - _number(low) >= VALUES_MAX:
                return f"{_VALUES}: {_said(statement[0])}"
    for number in _POWER.finditer(text) if file_format == "dbc" else ():
        if number[1] and _number(number[1]) > EXPONENT_MAX:
            return f"{_DIGITS}: {_said(number[0])}"
    return ""


def _number(digits: str) -> int:
    """The number, or one above every limit: Python refuses to read thousands of digits."""
    return int(digits[-20:]) if len(digits.lstrip("0")) <= 20 else 1 << 64


def _said(statement: str) -> str:
    return " ".join(statement.split())[:100]
