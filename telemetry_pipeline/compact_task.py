"""The door for a task on a schedule: compacts the days that have become quiet, then tells Glue of the last days.

For lakes whose objects are decoded without Dagster, which does the same in its roll-up. What is older than the window is
left to `telemetry compact --all`. It says what it does in lines of JSON, and ends with 1 when something was left undone.
"""

import argparse
import datetime as dt
import faulthandler
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.nights import note_night
from telemetry_pipeline.catalog.recent import DAYS, sync_recent
from telemetry_pipeline.errors import BadSetting, NotFound, TelemetryError
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.metrics_log import write_line
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.pending import days_to_compact
from telemetry_pipeline.settings import Settings

_S_NS: Final = 1_000_000_000


@dataclass
class Night:
    """What became of the days that waited: how many were compacted, had gone, failed, or had no time left."""

    compacted: int = 0
    gone: int = 0
    failed: int = 0
    left: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Compact, and tell Glue.

    Returns:
        0, or 1 when a day failed or was left, or Glue refused something, or the lake does not answer; 2 for a setting
        that will not do.
    """
    parser = argparse.ArgumentParser(prog="python -m telemetry_pipeline.compact_task", description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS, help="look at so many days before today")
    parser.add_argument("--quiet", default="1h", help="so long nothing was decoded into a day")
    parser.add_argument("--begin-within", default="6h", help="no day is begun later than this")
    parser.add_argument("--end-within", default="20h", help="the process ends then, whatever it is at")
    chosen = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        quiet_ns, begin_ns, end_ns = map(
            parse_duration, (chosen.quiet, chosen.begin_within, chosen.end_within)
        )
        # a thread below Python: it ends also what waits for ever outside of it, and says where
        faulthandler.dump_traceback_later(end_ns / _S_NS, exit=True, file=sys.__stderr__ or sys.stderr)
        return _work(chosen.days, quiet_ns, time.monotonic() + begin_ns / _S_NS)
    except TelemetryError as error:
        write_line("refused", why=str(error))
        return 2 if isinstance(error, BadSetting) else 1
    finally:
        faulthandler.cancel_dump_traceback_later()


def _work(days: int, quiet_ns: int, until: float) -> int:
    settings = Settings.from_env()
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
    glue = open_catalog(settings.lake, settings.catalog, endpoint_url=settings.endpoint_url)
    began = time.monotonic()
    today = dt.datetime.now(dt.UTC).date()
    waiting = days_to_compact(
        store, quiet_for_ns=quiet_ns, now_ns=time.time_ns(), first=today - dt.timedelta(days=days)
    )
    night = compact_days(store, waiting, until)
    refused = 0
    for item in sync_recent(glue, store, today, days) if glue else ():
        write_line("catalog", **item.to_dict())
        refused += len(item.failed)
    said = {**vars(night), "refused_by_glue": refused, "seconds": round(time.monotonic() - began, 1)}
    write_line("night", **said)
    note_night(store, said)
    return 1 if night.failed or night.left or refused else 0


def compact_days(store: Store, partitions: Iterable[Partition], until: float) -> Night:
    """Compact vehicle-days one after the other; one that fails is told of and holds up no other.

    Args:
        store: The lake.
        partitions: The vehicle-days.
        until: When no further one is begun, by the monotonic clock.
    """
    night = Night()
    for partition in partitions:
        if time.monotonic() >= until:
            night.left += 1
            continue
        facts = {"vehicle_id": partition.vehicle_id, "day": partition.date.isoformat()}
        try:
            done = compact_day(store, partition)
        except NotFound:
            night.gone += 1  # its objects went since it was listed
            continue
        except Exception as error:
            logging.getLogger(__name__).warning("%s", facts, exc_info=not isinstance(error, TelemetryError))
            write_line("failed", **facts, why=str(error) or type(error).__name__)
            night.failed += 1
            continue
        night.compacted += 1
        write_line(
            "compacted",
            **facts,
            rows=done.rows,
            objects=done.objects,
            bytes=done.size,
            refused=dict(done.refused),
        )
    return night


if __name__ == "__main__":
    sys.exit(main())
