"""Requests and small answers, as the OpenAPI document shows them; arrays of points never pass through here."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from api.downsample import Method
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.instant import parse_instant

MAX_SIGNALS = 100
Include = Literal["stats", "gaps", "envelope"]
Shape = Literal["points", "columns"]
Severity = Literal["info", "warning", "critical"]


def _checked_instant(text: str) -> str:
    try:
        parse_instant(text)
    except BadSetting as error:
        raise ValueError(str(error)) from error
    return text


Instant = Annotated[
    str, AfterValidator(_checked_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""ISO 8601 with a zone, up to nanoseconds; a naive time is refused."""


class VehicleModel(BaseModel):
    """A vehicle of the lake."""

    vehicle_id: str
    first_seen: str | None = Field(description="first sample, ISO 8601 UTC; null while nothing is decoded")
    last_seen: str | None = Field(description="last sample, ISO 8601 UTC")
    frame_count: int = Field(description="CAN frames recorded, decodable or not")


class SessionModel(BaseModel):
    """A stretch of recording without a pause above five minutes."""

    date: str = Field(description="UTC day of its start, YYYY-MM-DD")
    start_time: str = Field(description="ISO 8601 UTC, rounded down to the millisecond")
    end_time: str = Field(
        description="the first whole millisecond after the last sample: [start_time, end_time) holds them all"
    )
    sample_count: int = Field(description="decoded CAN frames")


class MessageModel(BaseModel):
    """A message that a vehicle sent."""

    message_name: str
    sample_count: int = Field(description="decoded CAN frames of this message")
    description: str | None = Field(None, description="the database's comment, if that is known")


_CHOICES_TEXT = "names of values, by the value as JSON writes it; only of signals that have some"


class SignalModel(BaseModel):
    """A signal of a message, over all of the vehicle's data; what its CAN database says is there if that is known."""

    signal_name: str
    unit: str
    min_value: float | None
    max_value: float | None
    avg_value: float | None
    description: str | None = Field(None, description="the database's comment")
    choices: dict[str, str] | None = Field(
        None, description=_CHOICES_TEXT, examples=[{"0": "Off", "1": "On"}]
    )
    allowed_min: float | None = Field(None, description="the smallest value that the database allows")
    allowed_max: float | None = Field(None, description="the largest value that the database allows")


class SignalRef(BaseModel):
    """Which signal."""

    model_config = ConfigDict(extra="forbid")

    message_name: str = Field(min_length=1, examples=["BMS_PackStatus"])
    signal_name: str = Field(min_length=1, examples=["Pack_SOC"])


class QueryRequest(BaseModel):
    """Which samples, and how many points to draw of each signal."""

    model_config = ConfigDict(extra="forbid")

    signals: list[SignalRef] = Field(min_length=1, max_length=MAX_SIGNALS)
    start_time: Instant = Field(description="first instant, with a zone", examples=["2025-02-12T14:00:00Z"])
    end_time: Instant = Field(description="first instant no longer wanted", examples=["2025-02-12T14:10:00Z"])
    max_points: int = Field(10_000, ge=10, le=100_000, description="points per signal; raw returns all")
    method: Method = "lttb"
    include: list[Include] = Field(default_factory=list)
    shape: Shape = Field(
        # a default in the schema would oblige the dashboard's types to name it
        default_factory=lambda: "points",
        description="points (default): data as a list of {t, v}; columns: the lists t and v, quicker to read",
    )

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "QueryRequest":
        if self.end_ns <= self.start_ns:
            raise ValueError("end_time must be after start_time. Ask for a range that has a length")
        return self

    @property
    def start_ns(self) -> int:
        """The first instant, nanoseconds since the epoch."""
        return parse_instant(self.start_time)

    @property
    def end_ns(self) -> int:
        """The first instant no longer wanted."""
        return parse_instant(self.end_time)


class PointModel(BaseModel):
    """One sample."""

    t: float = Field(description="milliseconds since the epoch, with their fraction")
    v: float | None = Field(description="the value; null for NaN and infinities")


class StatsModel(BaseModel):
    """Over every sample of the range, finite values only; std is the population's. Times are ms since the epoch."""

    count: int = Field(description="finite values")
    nulls: int = Field(0, description="samples that are no number: NaN and infinities")
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    t_min: float | None = Field(None, description="when the smallest value was first met")
    t_max: float | None = Field(None, description="when the largest value was first met")
    first: float | None = Field(None, description="the first sample, null for NaN and infinities")
    last: float | None = Field(None, description="the last sample")
    t_first: float | None = None
    t_last: float | None = None


class EnvelopeModel(BaseModel):
    """Columns of equal length: a bucket's first instant (ms since the epoch), smallest and largest value."""

    t: list[float]
    min: list[float]
    max: list[float]


class SeriesHeadModel(BaseModel):
    """What is said of one signal's samples."""

    name: str
    message_name: str
    unit: str
    downsampled: bool = Field(description="whether samples were left out")
    source_points: int = Field(description="samples in the range")
    method: Method = Field(description="how the samples were chosen; raw: all of them")
    resolution_ms: float | None = Field(
        description="mean time per returned point, of m4 the width of a column; null when none was left out"
    )
    source: str | None = Field(
        None,
        description="what the points were chosen from: raw, all samples; tier:60s, the first, smallest, largest and "
        "last sample of every 60 s. Statistics, gaps and source_points are of all samples either way",
    )
    stats: StatsModel | None = Field(None, description="only if included")
    gaps: list[tuple[float, float]] | None = Field(
        None, description="only if included: the last sample before and the first after, ms since the epoch"
    )
    gaps_complete: bool | None = Field(
        None, description="false: in some stretches with several gaps only the longest is listed; else absent"
    )
    envelope: EnvelopeModel | None = Field(None, description="only if included")
    choices: dict[str, str] | None = Field(
        None, description=_CHOICES_TEXT, examples=[{"0": "Off", "1": "On"}]
    )


class SignalSeriesModel(SeriesHeadModel):
    """One signal's samples."""

    data: list[PointModel]


class ColumnsModel(BaseModel):
    """Samples as lists of equal length."""

    t: list[float] = Field(description="milliseconds since the epoch, with their fraction")
    v: list[float | None] = Field(description="the values; null for NaN and infinities")


class SignalColumnsModel(SeriesHeadModel):
    """One signal's samples as columns."""

    columns: ColumnsModel


class QueryStatsModel(BaseModel):
    """What answering took."""

    rows_scanned: int
    bytes_scanned: int
    duration_ms: int
    skipped_objects: int | None = Field(
        None, description="objects that could not be read, when there are any"
    )


class QueryResponse(BaseModel):
    """The series in the order of the request."""

    signals: list[SignalSeriesModel]
    query_stats: QueryStatsModel


class ColumnsResponse(BaseModel):
    """The same where `shape` is columns."""

    signals: list[SignalColumnsModel]
    query_stats: QueryStatsModel


class EventModel(BaseModel):
    """A run of samples for which a rule's condition held for long enough."""

    rule: str
    severity: str = Field(description="info, warning or critical")
    description: str = Field(description="what the rule says about itself")
    message_name: str
    signal_name: str
    channel: str = Field(description="the bus; empty where raw objects name none")
    condition: str = Field(description="what held, such as > 150", examples=["> 150"])
    unit: str
    start_time: str = Field(description="the first of the samples, ISO 8601 UTC")
    end_time: str = Field(description="the last of them, itself part of the event")
    duration_ms: float = Field(description="from the first to the last sample")
    worst_value: float | None = Field(
        description="the value furthest into the condition; null for an infinity"
    )
    worst_time: str = Field(description="when it was first met")
    samples: int
    open_start: bool = Field(
        description="no sample right before it is known for which the condition did not hold"
    )
    open_end: bool = Field(description="no such sample is known right after it: it may go on")


class EventsResponse(BaseModel):
    """The events of a range, all of them."""

    events: list[EventModel]
    skipped_objects: int = Field(description="objects of the range that could not be read")


class Health(BaseModel):
    """That the service runs, and over which lake."""

    status: Literal["healthy"]
    version: str
    mode: Literal["local", "cloud"]
    lake: str


class Problem(BaseModel):
    """RFC 9457 problem details, and what to do about it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    remedy: str
