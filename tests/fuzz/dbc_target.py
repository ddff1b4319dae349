"""CAN databases of any bytes: loaded and inspected, or refused; whatever is loaded decodes frames whose account balances."""

import re
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.inspection import inspect
from telemetry_pipeline.decode.plan import Plan, compile_plan
from telemetry_pipeline.errors import BadDbc
from telemetry_pipeline.lake import schema
from tests.corpus import CORPUS
from tests.fuzz import damage
from tests.fuzz.target import Flaw
from tests.raw_lake import EV_DBC, NOON

_TOKEN: Final = re.compile(r'"[^"]*"|\w+|\s+|[^\w\s]')
_SMALL: Final = 6_000
_ENDINGS: Final = ("x.DBC", "x.kcd", "x.sym", "x.arxml")
_PROTOCOLS: Final = ("isotp", "j1939", "fastpacket")

MULTIPLEXED: Final = """\
VERSION ""
NS_ :
BS_:
BU_: A B
BO_ 100 Mux: 8 A
 SG_ Page M : 0|4@1+ (1,0) [0|15] "" B
 SG_ Below m0M : 4|4@1+ (1,0) [0|15] "" B
 SG_ One m1 : 8|16@1- (0.1,-40) [-40|100] "C" B
 SG_ Two m2 : 8|32@1- (1,0) [0|0] "" B
 SG_ Deep m3 : 40|12@1+ (1,0) [0|0] "" B
BO_ 2566844672 Long: 64 A
 SG_ Wide : 7|64@0- (1,0) [0|0] "" B
 SG_ Wider : 64|72@1+ (2,1) [0|0] "" B
CM_ SG_ 100 Page "which";
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","J1939PG";
BA_DEF_ SG_ "SPN" INT 0 100000;
BA_DEF_DEF_ "VFrameFormat" "StandardCAN";
BA_DEF_DEF_ "SPN" 0;
BA_ "VFrameFormat" BO_ 2566844672 2;
VAL_ 100 Page 0 "zero" 1 "one" ;
SIG_VALTYPE_ 100 Two : 1;
SG_MUL_VAL_ 100 Below Page 0-0;
SG_MUL_VAL_ 100 Deep Below 3-4, 7-9;
"""


class DbcTarget:
    """The decode core with a database that nobody vouches for."""

    def prepare(self, folder: Path) -> None:
        """Small databases: the bundled one, one with multiplexers, and the corpus' where it is there."""
        paths = sorted(CORPUS.rglob("*.dbc"))
        recorded = [path.read_bytes() for path in paths if path.stat().st_size < _SMALL]
        self._bodies = [EV_DBC.read_bytes(), *([MULTIPLEXED.encode()] * 5), *recorded]

    def run(self, random: Random) -> str:
        """Load a damaged database, look into it, and decode frames of its ids."""
        body = self._damaged(random)
        name = random.choice(_ENDINGS) if random.random() < 0.05 else "x.dbc"
        try:
            dbc = load_dbc(body, name)
            found = inspect(dbc)
            transport = random.sample(_PROTOCOLS, random.choice((0, 0, 1, 3)))
            plan = compile_plan([dbc], transport=transport, match=random.choice((None, None, "exact", "pgn")))
        except BadDbc as error:
            if not error.what or "\n" in str(error):
                raise Flaw(f"what is wrong is no line: {error!s:.200}") from error
            return "refused"
        if found.messages != len(dbc.database.messages):
            raise Flaw("the inspection counts other messages than there are")
        decoded = decode_frames(frames(random, plan), plan)
        if not decoded.report.adds_up():
            raise Flaw(f"the account does not balance: {decoded.report}")
        if decoded.report.values != decoded.table.num_rows:
            raise Flaw(f"{decoded.table.num_rows} values, {decoded.report.values} accounted for")
        return "decoded"

    def close(self) -> None:
        """There is nothing to end."""

    def _damaged(self, random: Random) -> bytes:
        body = random.choice(self._bodies)
        if random.random() < 0.3:
            return damage.damaged(random, body, random.choice(self._bodies))
        text = body.decode("cp1252", "replace")
        changed = _with_other_tokens if random.random() < 0.7 else _with_other_lines
        for _ in range(random.choice((1, 1, 1, 2))):
            text = changed(random, text)
        return text.encode(random.choice((*["utf-8"] * 20, "cp1252", "utf-8-sig", "utf-16")), "replace")


def _with_other_tokens(random: Random, text: str) -> str:
    tokens = _TOKEN.findall(text) or [""]
    for _ in range(random.choice((1, 1, 1, 3))):
        at = random.randrange(len(tokens))
        change = random.random()
        if tokens[at].isdecimal() and change < 0.7:
            tokens[at] = str(damage.number(random, int(tokens[at])))
        elif change < 0.3:
            tokens[at] = ""
        elif change < 0.5:
            tokens[at] *= random.choice((2, 2, 50))
        elif change < 0.8:
            tokens[at] = random.choice(tokens)
        else:
            tokens[at] = random.choice(damage.TEXTS)
    return "".join(tokens)


def _with_other_lines(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    change = random.random()
    if change < 0.3:
        del lines[at]
    elif change < 0.6:
        lines.insert(at, lines[other])
    elif change < 0.9:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines = lines[:at]
    return "".join(lines)


def frames(random: Random, plan: Plan) -> pa.Table:
    """Frames of the ids that a plan knows, and of some that it does not, with payloads of any legal length."""
    known = [(message.arbitration_id, message.extended) for message in plan.messages[:20]]
    ids = [random.choice([*known, (0x7DF, False), (0x18FEF100, True)]) for _ in range(60)]
    rows = len(ids)
    sizes = [random.choice((8, 8, 8, 0, 1, 5, 12, 64)) for _ in ids]
    return pa.table(
        {
            "timestamp": pa.array(NOON + np.arange(rows) * 1_000_000).cast(schema.TIMESTAMP),
            "arb_id": pa.array([number % 2**32 for number, _ in ids], pa.uint32()),
            "dlc": pa.array([min(size, 15) for size in sizes], pa.uint8()),
            "data": pa.array([random.randbytes(size) for size in sizes], pa.binary()),
            "vehicle_id": pa.array(["EV_001"] * rows, pa.string()),
            "is_extended_id": pa.array([extended for _, extended in ids]),
            "is_fd": pa.array([size > 8 for size in sizes]),
            "is_error_frame": pa.array([False] * rows),
            "is_remote_frame": pa.array([False] * rows),
            "channel": pa.array(["can0"] * rows, pa.string()),
        },
        schema=schema.RAW,
    )
