"""The request for statistics and its answer, as the OpenAPI document shows them."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.models import MAX_SIGNALS, Instant, QueryStatsModel, SignalRef, StatsModel
from telemetry_pipeline.lake.instant import parse_instant

MAX_RANGES = 20


class RangeModel(BaseModel):
    """A half-open range of time."""

    model_config = ConfigDict(extra="forbid")

    start_time: Instant = Field(description="first instant, with a zone", examples=["2025-02-12T14:00:00Z"])
    end_time: Instant = Field(description="first instant no longer wanted", examples=["2025-02-12T14:10:00Z"])

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "RangeModel":
        start_ns, end_ns = self.span
        if end_ns <= start_ns:
            raise ValueError("end_time must be after start_time. Ask for a range that has a length")
        return self

    @property
    def span(self) -> tuple[int, int]:
        """Both ends, nanoseconds since the epoch."""
        return parse_instant(self.start_time), parse_instant(self.end_time)


class StatsRequest(BaseModel):
    """Which signals over which ranges: one, or several at once, such as before, between and after two cursors."""

    model_config = ConfigDict(extra="forbid")

    signals: list[SignalRef] = Field(min_length=1, max_length=MAX_SIGNALS)
    ranges: list[RangeModel] = Field(min_length=1, max_length=MAX_RANGES, description="they may overlap")


class SignalStatsModel(StatsModel):
    """One signal over one range."""

    name: str
    message_name: str
    unit: str


class RangeStatsModel(BaseModel):
    """One range, as it was asked for, and its signals in the order of the request."""

    start_time: str
    end_time: str
    signals: list[SignalStatsModel]


class StatsResponse(BaseModel):
    """The ranges in the order of the request."""

    ranges: list[RangeStatsModel]
    query_stats: QueryStatsModel
