"""A lake for notebooks and scripts: Polars frames of what was recorded and decoded, read without a service.

    from telemetry_pipeline.client import Lake

    lake = Lake("s3://bucket/prefix")
    soc = lake.read("EV_001", ["BMS_PackStatus.Pack_SOC"], "2026-02-12T08:00:00Z", "2026-02-12T09:00:00Z")

Every instant of a frame is `Datetime("ns", "UTC")`, every range is half-open. Nothing here writes.
"""

from telemetry_pipeline.client.lake import Lake

__all__ = ["Lake"]
