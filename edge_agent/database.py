"""The CAN database that simulation and live decoding use, read from a file when it is needed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from telemetry_pipeline.errors import BadDbc
from telemetry_pipeline.shipped import shipped

if TYPE_CHECKING:
    from telemetry_pipeline.decode.dbc import Dbc

BUNDLED: Final = shipped("dbc/ev_powertrain.dbc")
"""The synthetic EV powertrain: what is simulated unless another database is named."""


def read_database(path: Path) -> tuple[bytes, "Dbc"]:
    """A DBC file's bytes, and what they say.

    Raises:
        BadDbc: There is no such file, or it cannot be used.
    """
    # a vehicle that only captures needs no DBC parser
    from telemetry_pipeline.decode.dbc import load_dbc  # noqa: PLC0415

    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadDbc(
            f"cannot be read ({error.strerror})", str(path), "Name a CAN database with --dbc"
        ) from error
    return body, load_dbc(body, path.name)


if __name__ == "__main__":  # whether a database can be used is found out by a process that nothing depends on
    try:
        read_database(Path(sys.argv[1]))
    except BadDbc as fault:
        sys.exit(str(fault))
