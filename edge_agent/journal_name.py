"""What a journal's file is called: enough to make raw objects of it when nothing else is left."""

import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from telemetry_pipeline.lake.layout import check_vehicle_id

SUFFIX: Final = ".journal"
_NAME: Final = re.compile(
    r"(\d{6,})-(\d{8,})-([0-9a-f]{16})-([0-9a-f]{8})-([a-z]+)-([A-Za-z0-9_-]{1,64})\.journal"
)
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, order=True)
class JournalName:
    """A journal's name; in their order journals are as old as they are.

    Attributes:
        session: Counts the agent's starts, as far as journals of earlier ones are still there.
        nth: Counts the journals of a session.
        number: The journal's own random number.
        boot: The beginning of the kernel's name for this boot.
        origin: Where the frames come from: `capture` or `simulation`.
        vehicle_id: The vehicle.
    """

    session: int
    nth: int
    number: int
    boot: str
    origin: str
    vehicle_id: str

    @classmethod
    def first(cls, folder: Path, origin: str, vehicle_id: str) -> Self:
        """The first journal of a session that begins now.

        Raises:
            BadKey: The vehicle id is not one.
        """
        session = max((name.session for name in journals_in(folder)), default=0) + 1
        return cls(session, 0, secrets.randbits(64), _this_boot(), origin, check_vehicle_id(vehicle_id))

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read a file's name; None if it is not a journal's."""
        if not (match := _NAME.fullmatch(name)):
            return None
        session, nth, number, boot, origin, vehicle_id = match.groups()
        return cls(int(session), int(nth), int(number, 16), boot, origin, vehicle_id)

    def next(self) -> Self:
        """The journal after this one."""
        return replace(self, nth=self.nth + 1, number=secrets.randbits(64))

    def __str__(self) -> str:
        parts = f"{self.session:06d}-{self.nth:08d}-{self.number:016x}-{self.boot}"
        return f"{parts}-{self.origin}-{self.vehicle_id}{SUFFIX}"


def _this_boot() -> str:
    """What tells this boot from others; where the kernel does not say, each start is taken for a boot of its own."""
    try:
        return _BOOT.read_text(encoding="ascii")[:8]
    except OSError:
        return secrets.token_hex(4)


def journals_in(folder: Path) -> list[JournalName]:
    """The journals of a folder, oldest first."""
    return sorted(name for path in folder.glob(f"*{SUFFIX}") if (name := JournalName.parse(path.name)))
