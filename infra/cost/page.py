"""The tables of docs/cost.md, between two marks that say who writes them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.archive import SMALLEST_BYTES
from infra.cost.bill import (
    CATALOG_GB,
    is_archived,
    kept_usd,
    lines,
    lists_of_a_look,
    pays_after_months,
    seconds_of_a_look,
    total,
)
from infra.cost.night import BEGIN_WITHIN_H, NIGHTS, hours_of_a_month, lists_of_a_night
from telemetry_pipeline.errors import BadSetting

FLEETS: Final = (10, 100, 1_000)
GROUPS: Final = (
    "storage",
    "landing",
    "decoding",
    "catalogue",
    "compacting",
    "service",
    "watching",
    "Dagster",
)
WINDOWS: Final = (1, 3, 5, 15, 60)
"""Minutes of an agent's windows, by which raw objects have their size."""

ASSUMPTION: Final = "assumption"
"""What a price says as its source that was read nowhere."""

BEGIN: Final = "<!-- written by: python -m infra.cost --write -->"
END: Final = "<!-- end -->"


def tables(priced: Mapping[str, Any], habits: Mapping[str, float], measured: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    prices = priced["prices"]
    parts = [
        "### A vehicle and month, in dollars\n",
        _bills(prices, habits, measured, dagster=False, title="decoded by the function"),
        _bills(prices, habits, measured, dagster=True, title="decoded by Dagster, tasks of backfills not counted"),
        "### What was measured\n",
        _measured(measured),
        "### Telling Glue of the last days, every hour\n",
        _looks(measured, habits),
        "### Compacting, every night\n",
        _nights(measured, habits),
        "### Archiving raw objects\n",
        _archive(prices, measured),
        "### How a fleet is taken to be used\n",
        _table(("habit", "value"), [(name.replace("_", " "), f"{value:g}") for name, value in habits.items()]),
        f"### Prices: list prices of {priced['region']}, as of {priced['date']}\n",
        _assumed(prices),
        _table(
            ("price", "dollars", "of a", "source"),
            [(name, f"{item['usd']:.10f}".rstrip("0").rstrip("."), item["unit"], _source(item)) for name, item in prices.items()],
        ),
    ]  # fmt: skip
    return "\n".join(parts)


def with_tables(page: str, text: str) -> str:
    """A page with other tables between its marks.

    Raises:
        BadSetting: It has no such marks.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise BadSetting("no marks to write between", "docs/cost.md", f"Write {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{text}\n{END}{tail}"


def _bills(
    prices: Mapping[str, Any],
    habits: Mapping[str, float],
    measured: Mapping[str, Any],
    *,
    dagster: bool,
    title: str,
) -> str:
    bills = {vehicles: lines(vehicles, measured, habits, dagster=dagster) for vehicles in FLEETS}
    rows = [
        (group, *(f"{total(bill, prices, group) / vehicles:.3f}" for vehicles, bill in bills.items()))
        for group in GROUPS
        if any(line.group == group for line in bills[FLEETS[0]])
    ]
    rows.append(
        (
            "**a vehicle**",
            *(f"**{total(bill, prices) / vehicles:.2f}**" for vehicles, bill in bills.items()),
        )
    )
    rows.append(("**the fleet**", *(f"**{total(bill, prices):,.0f}**" for bill in bills.values())))
    return _table((title, *(f"{vehicles:,} vehicles" for vehicles in FLEETS)), rows)


def _measured(measured: Mapping[str, Any]) -> str:
    hours = measured["seconds"] / 3600
    rows = [("frames of a vehicle-hour", f"{measured['frames'] / hours:,.0f}")]
    rows += [("objects of a vehicle-hour", f"{measured['objects'] / hours:,.0f}")]
    rows += [
        (f"{zone}: MB of a vehicle-hour", f"{size / hours / 1e6:,.2f}")
        for zone, size in measured["bytes"].items()
    ]
    mean = measured["bytes"]["raw"] / measured["objects"]
    rows += [("raw: kB of an object", f"{mean / 1e3:,.1f}")]
    rows += [("raw: archived by S3's rule for small objects", "yes" if is_archived(measured) else "no")]
    rows += [
        (f"requests to S3 for an object: {kind}", f"{count:g}")
        for kind, count in measured["requests_of_an_object"].items()
    ]
    rows += [("CPU seconds for an object, warm", f"{measured['cpu_seconds_of_an_object']:g}")]
    rows += [
        (f"requests to S3 for compacting it: {kind}", f"{count:g}")
        for kind, count in measured["requests_of_a_compaction"].items()
    ]
    rows += [("CPU seconds for compacting it", f"{measured['cpu_seconds_of_a_compaction']:g}")]
    rows += [("bytes of log for an object", f"{measured['log_bytes_of_an_object']:,}")]
    return _table(("what", "how much"), rows)


def _looks(measured: Mapping[str, Any], habits: Mapping[str, float]) -> str:
    rows = []
    for vehicles in (*FLEETS, 10_000):
        minutes = seconds_of_a_look(vehicles, measured, habits) / 60
        rows.append(
            (
                f"{vehicles:,}",
                f"{lists_of_a_look(vehicles):,}",
                f"{minutes:,.2f}",
                "yes" if minutes < 15 else "**no**",
            )
        )
    return _table(
        ("vehicles", "LIST requests an hour", f"minutes at {CATALOG_GB:g} GB", "within the function's 15 minutes"), rows
    )  # fmt: skip


def _nights(measured: Mapping[str, Any], habits: Mapping[str, float]) -> str:
    rows = []
    for vehicles in (*FLEETS, 10_000):
        hours = hours_of_a_month(vehicles, measured, habits) / NIGHTS
        rows.append(
            (
                f"{vehicles:,}",
                f"{vehicles * lists_of_a_night(measured, habits):,.0f}",
                f"{hours * 60:,.1f}",
                "yes" if hours < BEGIN_WITHIN_H else "**no**",
            )
        )
    return _table(("vehicles", "LIST requests a night", "minutes a night", "within six hours"), rows)


def _archive(prices: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    a_minute = measured["bytes"]["raw"] * 60 / measured["seconds"]
    rows = []
    for minutes in WINDOWS:
        size = a_minute * minutes
        months = pays_after_months(size, prices)
        rows.append(
            (
                f"{minutes}",
                f"{size / 1e3:,.0f}",
                f"{1e6 * kept_usd(size, prices, archived=False):,.2f}",
                f"{1e6 * kept_usd(size, prices, archived=True):,.2f}",
                f"{1e6 * prices['glacier_transition']['usd']:,.2f}",
                "never" if months is None else f"{months:,.1f}",
                "yes" if size >= SMALLEST_BYTES else "no",
            )
        )
    return _table(
        (
            *("minutes of a window", "kB of an object", "dollars a month of a million", "archived"),
            *("moving them once", "months until that is saved", "archived by the rule"),
        ),
        rows,
    )


def _assumed(prices: Mapping[str, Any]) -> str:
    names = [name for name, item in prices.items() if item["source"] == ASSUMPTION]
    return f"{len(prices) - len(names)} of {len(prices)} were read on a page; assumed: {', '.join(names) or 'none'}.\n"


def _source(item: Mapping[str, Any]) -> str:
    return "**assumption**" if item["source"] == ASSUMPTION else str(item["source"])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    found = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in found) + "\n"
