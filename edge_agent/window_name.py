"""What a window is called in the lake: when it began, and the beginning of the digest of its bytes.

Whoever finds such a name taken has found the same bytes: an upload whose answer was lost has arrived, and an agent that
may only write needs nobody to tell it so.
"""

import re
from typing import Final

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import digest

_DIGITS: Final = 16
_NAMED: Final = re.compile(rf".*Z-([0-9a-f]{{{_DIGITS}}})")


def name_by_content(raw: RawObject, body: bytes) -> RawObject:
    """The name of a window with these bytes.

    Raises:
        BadRaw: It has the name of other bytes: what keeps them has changed them.
    """
    content = digest(body)[:_DIGITS]
    if not (named := _NAMED.fullmatch(raw.stem)):
        return RawObject(raw.partition, f"{raw.stem}-{content}")
    if named[1] != content:
        raise BadRaw("the disk has changed it", raw.key, "Look at the disk; it is not sent")
    return raw
