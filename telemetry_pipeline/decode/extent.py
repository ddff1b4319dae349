"""Sizes that no signal has: cantools would make lists of as many bits as a text says, and run out of memory over them.

Looks at the text alone, before it is parsed; whether a signal fits its message is not asked here.
"""

import re
from collections.abc import Mapping
from typing import Final

LARGEST: Final = 1 << 20
"""Bits of a message, or its bytes, beyond which nobody transfers any: thirty times the 4,095 bytes of ISO-TP."""

_SIZES: Final[Mapping[str, re.Pattern[str]]] = {
    "dbc": re.compile(r"\bSG_\s[^:\"\n]*:\s*(\d+)\s*\|\s*(\d+)|\bBO_\s+\d+\s+\w+\s*:\s*(\d+)"),
    "kcd": re.compile(
        r"<(?:Message|Signal|Multiplex)\b"
        r"(?=(?:[^<>]*?\blength\s*=\s*[\"'](\d+))?)(?=(?:[^<>]*?\boffset\s*=\s*[\"'](\d+))?)[^<>]*"
    ),
    "sym": re.compile(
        r"(?m)^\s*(?:(?:DLC|Len|MaxLen)\s*=\s*(\d+)|(?:Sig|Var|Mux)\s*=\s*\S+\s+\w+\s+(\d+)\s*(?:,\s*(\d+))?)"
    ),
    "arxml": re.compile(
        r"<(?:LENGTH|BIT-LENGTH|FRAME-LENGTH|BASE-TYPE-SIZE|START-POSITION|BIT-POSITION)>\s*(\d+)\s*<"
    ),
}


def oversized(text: str, file_format: str) -> str:
    """The first statement with a size above `LARGEST`, in its own words; "" when there is none.

    Args:
        text: What the file says.
        file_format: cantools' name of its format.
    """
    for found in _SIZES[file_format].finditer(text):
        for digits in filter(None, found.groups()):
            if len(digits.lstrip("0")) > len(str(LARGEST)) or int(digits) > LARGEST:
                return " ".join(found[0].split())[:100]
    return ""
