"""Which frames are wanted: ids and masks as one setting, checked once. The kernel or the adapter does the filtering."""

import re
from dataclasses import dataclass
from typing import Final

from edge_agent.records import EXTENDED, ID_MASK
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.schema import STANDARD_ID_MAX

MOST: Final = 512
"""The kernel takes no more of them."""

_ONE: Final = re.compile(r"([0-9A-Fa-f]{1,8})(?::([0-9A-Fa-f]{1,8}))?")


@dataclass(frozen=True)
class Filter:
    """Frames whose id equals `arb_id` in the bits of `mask`, and whose kind is `extended`."""

    arb_id: int
    mask: int
    extended: bool

    @property
    def kernel(self) -> tuple[int, int]:
        """As SocketCAN has it: id and mask with the flag of extended ids."""
        return self.arb_id | (EXTENDED if self.extended else 0), self.mask | EXTENDED


def parse_filters(text: str) -> list[Filter]:
    """Read `7E8,18FEF100:1FFFFF00`: hexadecimal ids, each with a mask if not every bit counts.

    An id of more than three digits is an extended one, as one above 7FF is. Nothing is no filter.

    Raises:
        BadSetting: That is not what is there, or there are too many.
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _ONE.fullmatch(part)
        arb_id = int(match[1], 16) if match else -1
        extended = bool(match) and (len(match[1]) > 3 or arb_id > STANDARD_ID_MAX)  # type: ignore[index]
        most = ID_MASK if extended else STANDARD_ID_MAX
        mask = int(match[2], 16) if match and match[2] else most
        if not 0 <= arb_id <= most or not 0 <= mask <= most:
            raise BadSetting(
                f"{part!r} is not a filter",
                "filters",
                "Use hexadecimal ids and masks, such as 7E8,18FEF100:1FFFFF00",
            )
        found.append(Filter(arb_id, mask, extended))
    if len(found) > MOST:
        raise BadSetting(
            f"{len(found)} filters are too many", "filters", f"Use up to {MOST}; masks cover many ids"
        )
    return found
