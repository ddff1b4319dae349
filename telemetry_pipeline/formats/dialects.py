"""Text logs as regular expressions: one `Dialect` per format, with the same group names in all of them.

Groups of a pattern (RE2, over whole lines): `time` and `fraction` (in `unit_ns`), `channel`, `id` (hex),
`extended`, `fd`, `error`, `remote`, `brs` (bit rate switch), `esi` (error state indicator), `both` of these
(flags: anything but "", "0" and "false" is true), `fd_flags` (the same two as SocketCAN's bits, hex), `length` (payload bytes: no
fewer may follow, more are not payload), `code` (DLC, hex), `size` (DLC or payload bytes), `data` (hex, separators
allowed), `data64` (base64), `exponent` (of `time`). Groups that a format lacks are left out.
How a match becomes a frame is `text`'s business.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.lake.instant import MAX_NS

_HEX: Final = "[0-9A-Fa-f]"
_BYTES: Final = rf"(?P<data>(?:\s*{_HEX}{{2}})*)"
_SECONDS: Final = r"(?P<time>\d{1,10})\.(?P<fraction>\d+)"
_CANDUMP_ID: Final = rf"(?P<id>{_HEX}{{3}}|{_HEX}{{8}})"
_TRC_ID: Final = rf"{_HEX}{{4,7}}|[01]{_HEX}{{7}}"
_ASC_ID: Final = rf"(?P<id>{_HEX}{{1,8}})(?P<extended>[xX])?"


@dataclass(frozen=True)
class Dialect:
    """How one text format spells frames.

    Attributes:
        name: What a person calls it.
        patterns: The shapes of a frame's line; the first that matches counts.
        other: Lines of the format that are no frames; any other line that no pattern matches is damaged.
        unit_ns: Nanoseconds of one unit of `time`, a power of ten.
        suffix: The usual file name extension, by which a log is taken when none of its first lines is a frame.
        has_flag: Whether `extended` is told by a group; else by the number of digits that the id has.
        standard_digits: How many digits an 11-bit id has at most where no group tells.
    """

    name: str
    patterns: tuple[str, ...]
    other: re.Pattern[bytes]
    unit_ns: int = 1_000_000_000
    suffix: str = ""
    has_flag: bool = False
    standard_digits: int = 3


CANDUMP: Final = Dialect(
    # can-utils: candump -l and -L, lib.c sprint_canframe; python-can appends R or T, some tools a line number
    "candump",
    (
        (
            rf"^\s*(?:\d+ +)?\({_SECONDS}\)\s+(?P<channel>[!-~]+)\s+{_CANDUMP_ID}#"
            rf"(?:(?P<remote>[Rr])(?P<size>{_HEX})?|(?P<fd>#(?P<fd_flags>{_HEX}))?(?P<data>{_HEX}*))"
            rf"(?:_(?P<code>{_HEX}))?(?:\s+[RT])?\s*$"
        ),
        # can-utils: candump -t a on the screen, lib.c sprint_long_canframe; two digits of length mean CAN FD
        (
            rf"^\s*\({_SECONDS}\)\s+(?P<channel>[!-~]+)\s+"
            rf"(?:[RT]X (?:-|(?P<brs>B)) (?:-|(?P<esi>E))\s+)?{_CANDUMP_ID}\s+"
            rf"\[(?:(?P<fd>\d\d)|(?P<length>\d))\]{_BYTES}(?:\s+(?P<remote>remote request))?"
            r"(?:\s+ERRORFRAME)?(?:\s+'.*')?\s*$"
        ),
    ),
    re.compile(rb"\s*#"),
    suffix=".log",
)

ASC: Final = Dialect(
    # Vector ASC; what python-can's writer and reader call classic, CAN FD, remote and error frames
    "ASC",
    (
        (
            rf"^\s*{_SECONDS}\s+(?P<channel>\d+)\s+{_ASC_ID}\s+[RT]x(?:Rq)?\s+(?:(?P<remote>[rR])(?:\s+(?P<code>{_HEX}))?"
            rf"|[dD]\s+(?P<size>\d{{1,2}}|{_HEX}){_BYTES})(?:\s+[A-Za-z]{{3,}}.*)?\s*$"
        ),
        (
            rf"^\s*{_SECONDS}\s+(?P<fd>CANFD)\s+(?P<channel>\d+)\s+[RT]x\s+{_ASC_ID}\s+"
            rf"(?:\S*[^\s\d]\S*\s+)?(?P<brs>[01])\s+(?P<esi>[01])\s+"
            rf"(?:(?P<remote>(?P<code>[1-9A-Fa-f])\s+0)|{_HEX}\s+(?P<length>\d{{1,2}})(?P<data>(?:\s+{_HEX}{{2}}\b)*))(?:\s.*)?\s*$"
        ),
        rf"^\s*{_SECONDS}\s+(?:CANFD\s+)?(?P<channel>\d+)\s+(?:[RT]x\s+)?(?P<error>ErrorFrame)\b.*\s*$",
    ),
    re.compile(
        rb"\s*(?:[^\d\s]|\d+\.\d+\s+(?:Start of|(?!CANFD)[A-Za-z]|\d+\s+(?:Statistic|J1939|[A-Za-z]+:|\w+\s*:)))"
    ),
    suffix=".asc",
    has_flag=True,
)

TRC: Final = Dialect(
    # PEAK CAN TRC file format 1.0 to 1.3, and 2.0 and 2.1 with the columns that PCAN-View and PEAK-Converter write;
    # by PEAK's description FB is the bit rate switch, FE the error state, BI both
    "TRC",
    (
        (
            rf"^\s*\d+\)\s+(?P<time>\d{{1,13}})(?:\.(?P<fraction>\d+))?\s+(?:(?P<channel>\d+)\s+)?(?:[RT]x\s+)?"
            rf"(?P<id>{_TRC_ID})\s+(?:-\s+)?(?P<length>\d)(?:\s+(?P<remote>RTR)|{_BYTES})\s*$"
        ),
        (
            rf"^\s*\d+\s+(?P<time>\d{{1,13}})\.(?P<fraction>\d+)\s+"
            rf"(?:DT|(?P<fd>FD|(?P<brs>FB)|(?P<esi>FE)|(?P<both>BI))|(?P<remote>RR))\s+"
            rf"(?:(?P<channel>\d+)\s+)?(?P<id>{_TRC_ID})\s+[RT]x\s+(?:-\s+)?(?P<size>\d{{1,2}}){_BYTES}\s*$"
        ),
    ),
    re.compile(
        rb"\s*(?:;|\d+\)?\s+[\d.]+\s+(?:\d+\s+)?(?:FFFFFFFF|ST|EC|ER|EV|Warng|Error|(?:[RT]x\s+)FFFFFFFF))"
    ),
    unit_ns=1_000_000,
    suffix=".trc",
    standard_digits=4,
)

GVRET: Final = Dialect(
    # SavvyCAN's native CSV, with or without header and direction column; microseconds
    "GVRET CSV",
    (
        (
            rf"^(?P<time>\d{{1,16}}),(?P<id>{_HEX}{{1,8}}),(?P<extended>[Tt]rue|TRUE|[Ff]alse|FALSE|[01]),(?:[RT]x,)?"
            rf"(?P<channel>\d+),(?P<length>\d{{1,2}})(?P<data>(?:,{_HEX}{{2}})*),?\s*$"
        ),
    ),
    re.compile(rb"(?i)time ?stamp,"),
    unit_ns=1_000,
    suffix=".csv",
    has_flag=True,
)

PYTHON_CAN: Final = Dialect(
    # can.CSVWriter: the timestamp is a float's repr, the payload base64
    "python-can CSV",
    (
        (
            rf"^(?P<time>\d{{1,10}})(?:\.(?P<fraction>\d+))?(?P<exponent>e-\d+)?,0x(?P<id>{_HEX}{{1,8}}),(?P<extended>[01]),"
            r"(?P<remote>[01]),(?P<error>[01]),(?P<size>\d{1,2}),(?P<data64>[A-Za-z0-9+/]*=*)\s*$"
        ),
    ),
    re.compile(rb"timestamp,"),
    suffix=".csv",
    has_flag=True,
)

CANEDGE: Final = Dialect(
    # CSS Electronics mdf2csv
    "CANedge CSV",
    (
        (
            rf"^{_SECONDS};(?P<channel>\d+);(?P<id>{_HEX}{{1,8}});(?P<extended>[01]);\d+;(?P<length>\d{{1,2}});[01];(?P<fd>[01]);"
            rf"(?P<brs>[01]);(?P<data>{_HEX}*)\s*$"
        ),
    ),
    re.compile(rb"TimestampEpoch;"),
    suffix=".csv",
    has_flag=True,
)

CRTD: Final = Dialect(
    # Open Vehicle Monitoring System, CRTD: the bus number comes before the direction
    "CRTD",
    (
        rf"^{_SECONDS}\s+(?P<channel>\d*)[RT](?:11|(?P<extended>29))\s+(?P<id>{_HEX}{{1,8}})(?P<data>(?:\s+{_HEX}{{2}})*)\s*$",
    ),
    re.compile(rb"\s*#|\d+\.\d+\s+\d*C"),
    suffix=".crtd",
    has_flag=True,
)

MILLISECONDS: Final = Dialect(
    # "820298   0x085: 7C 33": the text that simple serial sniffers print
    "milliseconds and hex",
    (rf"^\s*(?P<time>\d{{1,13}})\s+0x(?P<id>{_HEX}{{1,8}}):{_BYTES}\s*$",),
    re.compile(rb"\s*#"),
    unit_ns=1_000_000,
    suffix=".txt",
)

DIALECTS: Final = (CANDUMP, ASC, TRC, GVRET, PYTHON_CAN, CANEDGE, CRTD, MILLISECONDS)

TIMELESS: Final = re.compile(rb"\s*(?:<0x[0-9a-fA-F]+>|[!-~]+\s+[0-9A-Fa-f]+)\s+\[\d+\]\s")
"""Lines of candump without `-L` or `-t a`: frames, but nobody knows when."""

_TRC_START: Final = re.compile(rb";\$STARTTIME=(\d+(?:\.\d+)?)")
_TRC_EPOCH_DAYS: Final = 25_569
"""Days from 1899-12-30, TRC's day 0, to 1970-01-01."""


def check_header(dialect: Dialect, head: bytes, where: str) -> int:
    """Read what a log's header says of its times.

    Args:
        dialect: The format of the log.
        head: Its first lines.
        where: Its name, for messages.

    Returns:
        What every time counts from, in nanoseconds since the epoch; 0 where the header names no such instant.
        TRC's start has no zone and is taken for UTC; it is rounded to the microsecond, below its resolution.

    Raises:
        BadLog: The log is an ASC whose ids are decimal or whose times count from the line before, or a TRC whose
            start int64 nanoseconds do not hold.
    """
    if dialect is ASC:
        if re.search(rb"(?im)^\s*base\s+dec", head):
            raise BadLog("its ids and bytes are decimal", where, "Export it again with base hex")
        if re.search(rb"(?im)^\s*base\s+\w+\s+timestamps\s+relative", head):
            raise BadLog(
                "its times count from the line before", where, "Export it again with absolute timestamps"
            )
    if dialect is TRC and (match := _TRC_START.search(head)):
        days = Decimal(match[1].decode()) - _TRC_EPOCH_DAYS
        origin = int((days * 86_400_000_000).to_integral_value()) * 1_000
        if origin > MAX_NS:
            raise BadLog(f"its $STARTTIME is day {match[1].decode()[:40]}", where, "Correct that line")
        return origin
    return 0
