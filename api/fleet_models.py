"""How well vehicles were decoded, as the OpenAPI document shows it."""

from pydantic import BaseModel, Field


class DayHealthModel(BaseModel):
    """One vehicle's day: rows = decoded_frames + unknown_id + decode_error + skipped + bad_rows."""

    date: str = Field(description="UTC day, YYYY-MM-DD")
    objects: int = Field(description="raw objects")
    rows: int = Field(description="frames of the decoded objects")
    decoded_frames: int
    truncated: int = Field(description="decoded frames that were shorter than their message")
    unknown_id: int = Field(description="frames whose id no CAN database knows")
    decode_error: int = Field(description="frames of a known message that gave no value")
    skipped: int = Field(description="error frames, remote frames, parts of a longer payload")
    bad_rows: int = Field(description="rows that are no frame")
    quarantined: int = Field(description="raw objects that cannot be read")
    pending: int = Field(description="raw objects that nobody has decoded yet")
    unreadable: int = Field(description="decoded objects that cannot be read")


class VehicleHealthModel(BaseModel):
    """A vehicle, when it was last heard, and those of the days on which it has objects, newest first."""

    vehicle_id: str
    last_seen: str | None = Field(description="last sample, ISO 8601 UTC; null while nothing is decoded")
    days: list[DayHealthModel]


class FleetHealthResponse(BaseModel):
    """Vehicles by id."""

    first: str | None = Field(description="first day, YYYY-MM-DD; null while the lake is empty")
    last: str | None = Field(description="last day, itself part of the range")
    vehicles: list[VehicleHealthModel]
    next: str | None = Field(description="`after` of the next page; null on the last one")


class CountModel(BaseModel):
    """How many frames something happened to."""

    what: str
    frames: int


class QuarantinedModel(BaseModel):
    """A raw object that was set aside."""

    key: str
    reason: str = Field(description="empty if nobody wrote it down")
    when: str = Field(description="ISO 8601 UTC; empty if nobody wrote it down")


class HealthDetailsResponse(BaseModel):
    """What went wrong, the most frequent first."""

    unknown_ids: list[CountModel] = Field(description="0x1A0, or 0x18FEF100x for an extended id")
    decode_errors: list[CountModel] = Field(description="message: reason")
    skipped_by: list[CountModel]
    bad_rows_by: list[CountModel]
    quarantined: list[QuarantinedModel]
