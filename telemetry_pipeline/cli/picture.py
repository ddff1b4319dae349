"""A drawn answer as a PNG: one panel per unit on a common time axis. What to draw was decided before."""

import datetime as dt
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from telemetry_pipeline.lake.instant import format_instant

if TYPE_CHECKING:
    from api.query import Drawn, Question, Result

POINTS: Final = 4000
"""Samples of a signal in a picture: two for each column of pixels."""

_WIDTH_IN: Final = 14.0
_PANEL_IN: Final = 2.4
_DPI: Final = 150


def to_png(question: "Question", result: "Result") -> bytes:
    """Draw an answer with title, units, names and range; gaps are gaps.

    Args:
        question: What was asked, for the title and the range.
        result: Its answer, with the gaps of each series.
    """
    panels: dict[str, list[Drawn]] = {}
    for drawn in result.series:
        panels.setdefault(drawn.source.unit, []).append(drawn)
    figure = Figure(figsize=(_WIDTH_IN, 0.9 + _PANEL_IN * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    start, end = (_instant(ns) for ns in (question.start_ns, question.end_ns))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (unit, series) in zip(axes, panels.items(), strict=True):
        for drawn in series:
            name = f"{drawn.source.message}.{drawn.source.signal}"
            label = f"{name} ({len(drawn.t):,} of {drawn.source.points:,} samples)"
            axis.plot(*_with_gaps(drawn), linewidth=1.0, label=label)
        axis.set_ylabel(unit or "value")
        axis.set_xlim(start, end)
        axis.grid(visible=True, alpha=0.3)
        axis.legend(loc="upper left", bbox_to_anchor=(0, 1.16), ncols=3, frameon=False, fontsize="small")
    locator = AutoDateLocator(tz=dt.UTC)  # type: ignore[no-untyped-call]
    axes[-1].xaxis.set_major_locator(locator)
    axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=dt.UTC))  # type: ignore[no-untyped-call]
    axes[-1].set_xlabel("UTC")
    figure.suptitle(
        f"{question.vehicle_id}   {format_instant(question.start_ns)} to {format_instant(question.end_ns)}"
    )
    sink = BytesIO()
    figure.savefig(sink, format="png", dpi=_DPI, metadata={"Software": "can-telemetry"})
    return sink.getvalue()


def _instant(ns: int) -> np.datetime64:
    return np.datetime64(ns, "ns")


def _with_gaps(drawn: "Drawn") -> tuple[np.ndarray, np.ndarray]:
    """Times (datetime64[ns]) and values with a NaN in the middle of each gap, where the pen is lifted."""
    if drawn.gaps is None or not len(drawn.gaps.edges):
        return drawn.t.view("datetime64[ns]"), drawn.v
    before, after = drawn.gaps.edges.T
    middles = before + (after - before) // 2
    places = np.searchsorted(drawn.t, middles)
    times = np.insert(drawn.t, places, middles)
    return times.view("datetime64[ns]"), np.insert(drawn.v, places, np.nan)
