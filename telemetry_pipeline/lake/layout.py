"""Keys of the lake: made and parsed here and nowhere else.

A key is a relative path with `/`, the same for a folder and for a bucket. Days are UTC.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake.ours import parse_ours

Zone = Literal["raw", "decoded", "events", "series", "quarantine/raw"]

RAW: Final[Zone] = "raw"
DECODED: Final[Zone] = "decoded"
EVENTS: Final[Zone] = "events"
QUARANTINE: Final[Zone] = "quarantine/raw"
SERIES: Final[Zone] = "series"
DBC: Final = "dbc/"
BINDINGS: Final = "dbc/bindings.yaml"
THRESHOLDS: Final = "dbc/thresholds.yaml"
RULES: Final = "dbc/rules.yaml"
STATE: Final = "_state/"
FLEET: Final = "fleet_daily/"
AGENTS: Final = "agents/"
AGENT_SETTINGS: Final = "agent.yaml"
DICTIONARY: Final = "dictionary/"

DAY_KEYS: Final = ("vehicle_id", "year", "month", "day")
"""The partition columns of the zones with a partition per vehicle and day, as their directories name them."""

DAY_NS: Final = 86_400_000_000_000

VEHICLE_ID: Final = r"[A-Za-z0-9_-]{1,64}"
"""What a vehicle id is, as a regular expression of the whole of it."""

_VEHICLE: Final = re.compile(VEHICLE_ID)
_PREFIX: Final = re.compile(r"vehicle_id=([^/]+)/year=(\d{4})/month=(\d{2})/day=(\d{2})/?", re.ASCII)
_RAW_KEY: Final = re.compile(r"raw/(vehicle_id=[^/]+/year=[^/]+/month=[^/]+/day=[^/]+)/([^/]+)_raw\.parquet")
_DECODED_KEY: Final = re.compile(
    r"decoded/(vehicle_id=[^/]+/year=[^/]+/month=[^/]+/day=[^/]+)/([^/]+)_decoded\.parquet"
)
_EVENTS_KEY: Final = re.compile(
    r"events/(vehicle_id=[^/]+/year=[^/]+/month=[^/]+/day=[^/]+)/([^/]+)_events\.parquet"
)
_STEM: Final = re.compile(r"(\d{8}T\d{6})(?:\.(\d{1,9}))?Z.*", re.ASCII)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST_DAY: Final = dt.date(1677, 9, 1)
_LAST_DAY: Final = dt.date(2262, 4, 11)
"""The days that int64 nanoseconds reach, from the first of a month on."""


def check_vehicle_id(vehicle_id: str) -> str:
    """Return `vehicle_id` if it is one; it becomes a path, a Hive value and an IAM resource.

    Raises:
        BadKey: It is not 1 to 64 of A-Z a-z 0-9 _ and -.
    """
    if not _VEHICLE.fullmatch(vehicle_id):
        raise BadKey(
            f"{vehicle_id[:80]!r} is not a vehicle id",
            remedy="Use 1 to 64 letters, digits, '_' and '-'",
        )
    return vehicle_id


@dataclass(frozen=True, order=True)
class Partition:
    """One vehicle on one UTC day: the unit that is decoded, counted, backfilled and pruned.

    Raises:
        BadKey: The vehicle id is not one (see `check_vehicle_id`).
    """

    vehicle_id: str
    date: dt.date

    def __post_init__(self) -> None:
        check_vehicle_id(self.vehicle_id)

    @classmethod
    def containing(cls, vehicle_id: str, ns: int) -> "Partition":
        """The partition of a vehicle that holds the instant `ns` (int64 nanoseconds since the epoch)."""
        return cls(vehicle_id, (_EPOCH + dt.timedelta(days=ns // DAY_NS)).date())

    @classmethod
    def parse(cls, path: str) -> "Partition":
        """Read `vehicle_id=V/year=YYYY/month=MM/day=DD` (a trailing slash is allowed).

        Raises:
            BadKey: The path is not of that form, or the day does not exist or is out of int64 nanoseconds' reach.
        """
        if not (match := _PREFIX.fullmatch(path)):
            raise BadKey("not a partition path", path, "Expected vehicle_id=V/year=YYYY/month=MM/day=DD")
        vehicle_id, year, month, day = match.groups()
        try:
            date = dt.date(int(year), int(month), int(day))
        except ValueError as error:
            raise BadKey(f"no such day ({error})", path) from error
        if not _FIRST_DAY <= date <= _LAST_DAY:
            raise BadKey("a day that no sample can be of", path, f"Use one from {_FIRST_DAY} to {_LAST_DAY}")
        return cls(vehicle_id, date)

    def prefix(self, zone: Zone) -> str:
        """The key prefix of the partition in a zone, with its trailing slash."""
        return f"{vehicle_prefix(zone, self.vehicle_id)}year={self.date:%Y}/month={self.date:%m}/day={self.date:%d}/"

    def month_prefix(self, zone: Zone) -> str:
        """The key prefix of the partition's whole month in a zone, with its trailing slash."""
        return f"{vehicle_prefix(zone, self.vehicle_id)}year={self.date:%Y}/month={self.date:%m}/"

    @property
    def start_ns(self) -> int:
        """The first nanosecond of the day."""
        return (self.date - _EPOCH.date()).days * DAY_NS

    @property
    def end_ns(self) -> int:
        """The first nanosecond of the next day."""
        return self.start_ns + DAY_NS

    def shifted(self, days: int) -> "Partition":
        """The partition of the same vehicle `days` days later."""
        return Partition(self.vehicle_id, self.date + dt.timedelta(days=days))


@dataclass(frozen=True, order=True)
class RawObject:
    """One raw object: frames of one vehicle over one window. Everything made from it shares its stem."""

    partition: Partition
    stem: str

    @classmethod
    def starting(cls, vehicle_id: str, ns: int) -> "RawObject":
        """The raw object of a window whose first frame is at `ns`."""
        return cls(Partition.containing(vehicle_id, ns), stem_of(ns))

    @classmethod
    def parse(cls, key: str) -> "RawObject":
        """Read a raw key, ours or the seed's.

        Raises:
            BadKey: The key is not one of a raw object.
        """
        if not (match := _RAW_KEY.fullmatch(key)):
            raise BadKey(
                "not the key of a raw object",
                key,
                "Expected raw/vehicle_id=V/year=YYYY/month=MM/day=DD/STAMP_raw.parquet",
            )
        return cls(Partition.parse(match[1]), match[2])

    @property
    def key(self) -> str:
        """`raw/…/{stem}_raw.parquet`."""
        return f"{self.partition.prefix(RAW)}{self.stem}_raw.parquet"

    @property
    def decoded_key(self) -> str:
        """The receipt: the decoded object in the raw object's own partition, which always exists once decoded."""
        return DecodedObject(self.partition, self.stem).key

    def spill(self, days: int) -> "DecodedObject":
        """The decoded object for rows that belong to the day before (-1) or after (+1).

        It has the same stem, if that names a time of this day. Any other stem may be in use on the other day, too,
        and what is spilled must not pass for the receipt of another object: it gets this day appended.
        """
        start = stem_start_ns(self.stem)
        own = start is not None and self.partition.start_ns <= start < self.partition.end_ns
        stem = self.stem if own else f"{self.stem}~{self.partition.date:%Y%m%d}"
        return DecodedObject(self.partition.shifted(days), stem)

    @property
    def quarantine_key(self) -> str:
        """Where the bytes go when they cannot be read as frames."""
        return f"{self.partition.prefix(QUARANTINE)}{self.stem}_raw.parquet"

    @property
    def reason_key(self) -> str:
        """Where the reason lies beside the quarantined bytes."""
        return f"{self.quarantine_key}.json"


@dataclass(frozen=True, order=True)
class DecodedObject:
    """One decoded object: the signals of one raw object that belong to one day."""

    partition: Partition
    stem: str

    @classmethod
    def parse(cls, key: str) -> "DecodedObject":
        """Read a decoded key.

        Raises:
            BadKey: The key is not one of a decoded object.
        """
        if not (match := _DECODED_KEY.fullmatch(key)):
            raise BadKey("not the key of a decoded object", key)
        return cls(Partition.parse(match[1]), match[2])

    @property
    def key(self) -> str:
        """`decoded/…/{stem}_decoded.parquet`."""
        return f"{self.partition.prefix(DECODED)}{self.stem}_decoded.parquet"

    @classmethod
    def with_events(cls, key: str) -> "DecodedObject":
        """The decoded object that an events key belongs to.

        Raises:
            BadKey: The key is not one of an events object.
        """
        if not (match := _EVENTS_KEY.fullmatch(key)):
            raise BadKey("not the key of an events object", key)
        return cls(Partition.parse(match[1]), match[2])

    @property
    def events_key(self) -> str:
        """`events/…/{stem}_events.parquet`: what the rules found in it; only there if they found something."""
        return f"{self.partition.prefix(EVENTS)}{self.stem}_events.parquet"


def vehicle_prefix(zone: Zone, vehicle_id: str) -> str:
    """The key prefix of a vehicle in a zone, with its trailing slash."""
    return f"{zone}/vehicle_id={vehicle_id}/"


def agent_key(vehicle_id: str, name: str) -> str:
    """What is meant for the agent of one vehicle: its settings, or a database by the SHA-256 of its bytes."""
    return f"{AGENTS}vehicle_id={check_vehicle_id(vehicle_id)}/{name}"


def vehicle_of(prefix: str) -> str | None:
    """The vehicle id that ends a prefix such as `raw/vehicle_id=V`, or None if it is not one."""
    name = prefix.rstrip("/").rpartition("/")[2]
    value = name.removeprefix("vehicle_id=")
    return value if value != name and _VEHICLE.fullmatch(value) else None


def partition_of(prefix: str, zone: Zone) -> Partition | None:
    """The partition that a day-directory of a zone stands for, or None if it is not one."""
    return parse_ours(Partition.parse, prefix.removeprefix(f"{zone}/"))


def month_of(prefix: str, zone: Zone) -> Partition | None:
    """The first day of the month that a month-directory of a zone stands for, or None if it is not one."""
    return partition_of(f"{prefix.rstrip('/')}/day=01", zone)


def hive_values(prefix: str) -> dict[str, str]:
    """The `key=value` directories of a prefix in their order; anything else in it gives none at all."""
    parts = [part.partition("=") for part in prefix.rstrip("/").split("/")]
    return {key: value for key, _, value in parts} if all(key and value for key, _, value in parts) else {}


def fleet_prefix(date: dt.date) -> str:
    """Where the fleet's summary of a day lies, with a trailing slash."""
    return f"{FLEET}year={date:%Y}/month={date:%m}/day={date:%d}/"


def fleet_key(date: dt.date) -> str:
    """The fleet's summary of a day: one object, one row per vehicle."""
    return f"{fleet_prefix(date)}fleet_daily.parquet"


def stem_of(ns: int) -> str:
    """`20261122T084913.123Z` for an instant in nanoseconds; rounded down to the millisecond."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{_EPOCH + dt.timedelta(seconds=seconds):%Y%m%dT%H%M%S}.{rest // 1_000_000:03d}Z"


def stem_start_ns(stem: str) -> int | None:
    """The instant that a stem names, in nanoseconds, or None if it does not begin with one."""
    if not (match := _STEM.fullmatch(stem)):
        return None
    try:
        start = dt.datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    seconds = (start - _EPOCH) // dt.timedelta(seconds=1)
    return seconds * 1_000_000_000 + int((match[2] or "0").ljust(9, "0"))


def days_between(vehicle_id: str, start_ns: int, end_ns: int) -> Iterator[Partition]:
    """Every partition of a vehicle that [start_ns, end_ns) touches, oldest first; an empty range touches none."""
    partition = Partition.containing(vehicle_id, start_ns)
    while start_ns < end_ns and partition.start_ns < end_ns:
        yield partition
        partition = partition.shifted(1)
