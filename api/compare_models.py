"""What a comparison is answered with, as the OpenAPI document shows it; arrays of points never pass through here."""

from pydantic import BaseModel, Field

from api.compare import Align, Reason
from api.downsample import Method
from api.models import ColumnsModel, PointModel, QueryStatsModel


class ComparedModel(BaseModel):
    """One line: a vehicle from an origin on. Times are milliseconds since the origin."""

    vehicle_id: str
    origin_time: str = Field(description="what the times are counted from, ISO 8601 UTC")
    start_time: str = Field(description="first instant of the line's range")
    end_time: str = Field(description="first instant that is not part of it")
    unit: str
    downsampled: bool
    source_points: int = Field(description="samples in the range")
    method: Method
    resolution_ms: float | None
    source: str
    data: list[PointModel] | None = Field(None, description="where shape is points")
    columns: ColumnsModel | None = Field(None, description="where shape is columns")


class LeftOutModel(BaseModel):
    """What is not in the answer, and why."""

    vehicle_id: str
    reason: Reason
    origin_time: str | None = Field(description="which drive of it; null where it is all of the vehicle")


class CompareResponse(BaseModel):
    """The lines in the order of the vehicles, each vehicle's in order of time."""

    message_name: str
    signal_name: str
    align: Align
    series: list[ComparedModel]
    left_out: list[LeftOutModel]
    left_out_count: int = Field(description="as many, or more where not all of them are named")
    query_stats: QueryStatsModel
