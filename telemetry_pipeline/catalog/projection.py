"""Partition projection: Athena computes the partitions from the table's parameters instead of asking Glue for them.

The alternative to registered partitions, for Athena alone: other engines do not know it. When to take which is in
`docs/catalog.md`.
"""

from typing import Final

from telemetry_pipeline.catalog.tables import Table

_DIGITS: Final = {"year": 4, "month": 2, "day": 2}
_RANGES: Final = {"month": (1, 12), "day": (1, 31)}


def projection(table: Table, lake: str, years: tuple[int, int]) -> dict[str, str]:
    """The table parameters (TBLPROPERTIES) that project a table's partitions.

    Args:
        table: The table.
        lake: The lake's URL, without a trailing slash.
        years: The first and the last year that are looked at.

    A vehicle id is injected: every query has to name its vehicles (`vehicle_id = 'EV_1'`, or `IN (…)`).
    """
    parameters = {"projection.enabled": "true"}
    for key in table.keys:
        if key in _DIGITS:
            first, last = _RANGES.get(key, years)
            parameters[f"projection.{key}.type"] = "integer"
            parameters[f"projection.{key}.range"] = f"{first},{last}"
            parameters[f"projection.{key}.digits"] = str(_DIGITS[key])
        else:
            parameters[f"projection.{key}.type"] = "injected"
    below = "".join(f"{key}=${{{key}}}/" for key in table.keys)
    return parameters | {"storage.location.template": f"{lake}/{table.prefix}{below}"}
