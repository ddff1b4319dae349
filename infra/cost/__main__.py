"""`python -m infra.cost`: what a fleet costs; `--measure` measures anew, `--write` writes the tables of docs/cost.md."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from infra.assets import ROOT
from infra.cost.page import tables, with_tables
from telemetry_pipeline.errors import BadSetting, TelemetryError

HERE: Final = Path(__file__).parent
PAGE: Final = ROOT / "docs" / "cost.md"
MEASURED: Final = HERE / "measured.json"


def read(path: Path) -> Any:  # noqa: ANN401  YAML or JSON
    """What a file of inputs holds.

    Raises:
        BadSetting: It cannot be read.
    """
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise BadSetting(f"cannot be read ({error})", str(path), "See docs/cost.md") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; 2 when an input will not do, 1 when measuring fails."""
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description=__doc__)
    parser.add_argument("--prices", type=Path, default=HERE / "prices.yaml")
    parser.add_argument("--habits", type=Path, default=HERE / "habits.yaml")
    parser.add_argument("--measured", type=Path, default=MEASURED)
    parser.add_argument("--measure", action="store_true", help="measure anew and keep it in --measured")
    parser.add_argument("--duration", default="1h", help="with --measure: how long the vehicle drives")
    parser.add_argument("--write", action="store_true", help="write the tables of docs/cost.md anew")
    chosen = parser.parse_args(argv)
    try:
        if chosen.measure:
            from infra.cost.measure import measure  # noqa: PLC0415  needs the development environment

            chosen.measured.write_text(json.dumps(measure(chosen.duration), indent=2) + "\n")
        text = tables(read(chosen.prices), read(chosen.habits), read(chosen.measured))
    except (TelemetryError, KeyError, TypeError) as error:
        sys.stderr.write(
            f"{error if isinstance(error, TelemetryError) else f'no {error} among the inputs'}\n"
        )
        return 2 if not isinstance(error, TelemetryError) or isinstance(error, BadSetting) else 1
    if chosen.write:
        PAGE.write_text(with_tables(PAGE.read_text(), text))
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
