"""The tables of docs/cost.md, between two marks that say who writes them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.cost.bill import CATALOG_GB, is_archived, lines, sync_lists, total
from telemetry_pipeline.errors import BadSetting

FLEETS: Final = (10, 100, 1_000)
GROUPS: Final = ("storage", "landing", "decoding", "catalogue", "service", "watching", "Dagster")
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
        "### Bringing Glue in line every hour\n",
        _syncs(habits),
        "### How a fleet is taken to be used\n",
        _table(("habit", "value"), [(name.replace("_", " "), f"{value:g}") for name, value in habits.items()]),
        f"### Prices: list prices of {priced['region']}, as of {priced['date']}\n",
        _table(
            ("price", "dollars", "of a", "source"),
            [(name, f"{item['usd']:.10f}".rstrip("0").rstrip("."), item["unit"], item["source"]) for name, item in prices.items()],
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
    rows += [("bytes of log for an object", f"{measured['log_bytes_of_an_object']:,}")]
    return _table(("what", "how much"), rows)


def _syncs(habits: Mapping[str, float]) -> str:
    rows = []
    for vehicles in FLEETS:
        lists = vehicles * sync_lists(habits)
        minutes = lists * habits["s3_wait_seconds"] / 60
        rows.append(
            (f"{vehicles:,}", f"{lists:,.0f}", f"{minutes:,.1f}", "yes" if minutes < 15 else "**no**")
        )
    return _table(
        ("vehicles", "LIST requests an hour", f"minutes at {CATALOG_GB:g} GB", "within the function's 15 minutes"), rows
    )  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    found = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in found) + "\n"
