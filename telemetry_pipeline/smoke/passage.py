"""One raw object on its way: made, landed with the vehicle's own keys, waited for, counted, and removed with all traces."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge_agent.database import BUNDLED, read_database
from edge_agent.simulate import Simulator
from telemetry_pipeline.errors import PermanentError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.dictionary import dictionary_key
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.smoke.step import Failed

LENGTH_NS: Final = 5_000_000_000
ZONES: Final[tuple[layout.Zone, ...]] = (
    *(layout.RAW, layout.DECODED, layout.EVENTS, layout.SERIES, layout.QUARANTINE),
)
_FOOTER: Final = {"origin": "smoke"}
_PAUSE_S: Final = 1.0


@dataclass
class Passage:
    """The object and the lake.

    Attributes:
        lake: The lake, as whoever checks may use it.
        vehicle_id: Whose object it is.
        start_ns: When its frames begin, nanoseconds since the epoch.
        timeout_s: How long anything is waited for.
        frames: How many frames it has, once it has landed.
    """

    lake: Store
    vehicle_id: str
    start_ns: int
    timeout_s: float
    frames: int = 0
    _source: Path = Path()
    _provided: list[str] = field(default_factory=list)

    @property
    def raw(self) -> RawObject:
        """Its name."""
        return RawObject.starting(self.vehicle_id, self.start_ns)

    @property
    def end_ns(self) -> int:
        """The first nanosecond after its frames."""
        return self.start_ns + LENGTH_NS

    def refuse_taken(self) -> None:
        """See that the vehicle is nobody's: everything below its prefixes is deleted afterwards.

        Raises:
            Failed: The lake has objects of it.
        """
        for zone in ZONES:
            for info in self.lake.list_objects(layout.vehicle_prefix(zone, self.vehicle_id)):
                raise Failed("the lake has this vehicle", info.key, "Name one that does not exist: --vehicle")

    def database(self, folder: Path) -> str:
        """See to it that the lake has a database that the frames are of; its name.

        The bundled one where the lake has that or none at all, else the first one that the lake has.

        Raises:
            BadDbc: The lake's database cannot be used.
        """
        there = sorted(info.key for info in self.lake.list_objects(layout.DBC) if info.key.endswith(".dbc"))
        bundled = f"{layout.DBC}{BUNDLED.name}"
        if not there:
            body = BUNDLED.read_bytes()
            self._provided = [bundled, dictionary_key(digest(body))]
            self.lake.put(bundled, body, create_only=True)
        key = bundled if bundled in there or not there else there[0]
        path = folder / "simulated.dbc"
        path.write_bytes(self.lake.get(key))
        self._source = path
        return f"{key}{'' if there else ' (put there for this check)'}"

    def land(self, keys: Callable[[], Mapping[str, Any]], **where: Any) -> str:  # noqa: ANN401  as Store.open takes them
        """Write it as the vehicle would.

        Raises:
            Failed: The vehicle may not.
        """
        _, dbc = read_database(self._source)
        table = Simulator(dbc.database, self.vehicle_id, 0, self.start_ns).frames(self.start_ns, self.end_ns)
        body = write_raw(table, _FOOTER)
        self.frames = table.num_rows
        self._as_vehicle(keys, **where).put(self.raw.key, body, create_only=True)
        return f"{self.raw.key}: {self.frames:,} frames, {len(body):,} bytes"

    def refused(self, keys: Callable[[], Mapping[str, Any]], **where: Any) -> str:  # noqa: ANN401  as above
        """See that the vehicle may do nothing else.

        Raises:
            Failed: It may.
        """
        store = self._as_vehicle(keys, **where)
        other = RawObject.starting(f"{self.vehicle_id[:60]}_NOT", self.start_ns)
        tried: dict[str, Callable[[], object]] = {
            f"write {other.key}": lambda: store.put(other.key, b"-"),
            f"write {self.raw.decoded_key}": lambda: store.put(self.raw.decoded_key, b"-"),
            f"read {self.raw.key}": lambda: store.get(self.raw.key),
            f"delete {self.raw.key}": lambda: store.delete(self.raw.key),
            "list raw/": lambda: list(store.list_objects(layout.RAW)),
        }
        for what, attempt in tried.items():
            try:
                attempt()
            except PermanentError as error:
                if "refuses access" not in error.what:
                    raise Failed(f"it is not refused, but fails: {error}", what) from error
            else:
                if what.startswith("write"):
                    self.lake.delete(what.removeprefix("write "))
                raise Failed("a vehicle may", what)
        return f"{len(tried)} attempts, each refused"

    def decoded(self) -> str:
        """Wait for the decoded object, and look that every frame is accounted for.

        Raises:
            Failed: It does not come, or nothing of it could be decoded.
        """
        key = self.raw.decoded_key

        def there() -> bool:
            if self.lake.head(self.raw.quarantine_key) is not None:
                reason = json.loads(self.lake.get(self.raw.reason_key))
                raise Failed(f"it was quarantined: {reason.get('reason')}", self.raw.key)
            return self.lake.head(key) is not None

        wait_for(there, key, self.timeout_s)
        total = json.loads(footer_at(self.lake, key)["total"])
        if total["rows"] != self.frames:
            raise Failed(f"{total['rows']:,} of {self.frames:,} frames are accounted for", key)
        if not total["decoded_frames"]:
            raise Failed(
                "no frame could be decoded", key, "Bind a database to the vehicle: dbc/bindings.yaml"
            )
        return f"{total['decoded_frames']:,} of {total['rows']:,} frames decoded"

    def remove(self) -> str:
        """Delete everything of the vehicle, and what was put into the lake for it.

        Raises:
            Failed: Something is still there, or came again.
        """
        keys = [
            info.key
            for zone in ZONES
            for info in self.lake.list_objects(layout.vehicle_prefix(zone, self.vehicle_id))
        ]
        mine = (f"/{self.vehicle_id}/", f"/vehicle_id={self.vehicle_id}/")
        marks = self.lake.list_objects(layout.STATE)
        keys += [info.key for info in marks if any(part in info.key for part in mine)]
        keys += [key for key in self._provided if self.lake.head(key) is not None]
        for key in keys:
            self.lake.delete(key)
        if left := [key for key in keys if self.lake.head(key) is not None]:
            raise Failed(f"{len(left)} objects are still there", left[0])
        return f"{len(keys)} objects deleted; their versions go after 90 days"

    def _as_vehicle(self, keys: Callable[[], Mapping[str, Any]], **where: Any) -> Store:  # noqa: ANN401  as above
        return Store.open(self.lake.url, credentials=keys, **where)


def wait_for(there: Callable[[], bool], what: str, seconds: float) -> None:
    """Look until it is there.

    Raises:
        Failed: It is not, after so many seconds.
    """
    until, pause = time.monotonic() + seconds, threading.Event()
    while not there():
        if time.monotonic() > until:
            raise Failed(f"not there after {seconds:g} s", what)
        pause.wait(_PAUSE_S)
