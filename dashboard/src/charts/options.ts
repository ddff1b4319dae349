/** How a panel is drawn: uPlot's options from a panel's signals. Colours are read when drawn, so a theme can change. */

import uPlot from "uplot";
import { spanOf, type TimeRange } from "../state/range";
import type { SignalKey } from "../state/signal";
import { timeLabels } from "./axis";
import { setCrosshair } from "./crosshair";
import { bindings, capturePointer, listenToWheel, withinPanel, zoomToSelection } from "./gestures";

export interface PanelShape {
  readonly signals: readonly { readonly key: SignalKey; readonly slot: number }[];
  readonly labels: TimeLabels;
}

/** What is written below a panel: nothing, times, or times with their days. */
export type TimeLabels = "none" | "clock" | "full";

const VALUE_AXIS_WIDTH = 68;
const TIME_AXIS_HEIGHT: Readonly<Record<TimeLabels, number>> = { none: 0, clock: 26, full: 42 };
const FONT = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const SYNC_KEY = "telemetry";

/** A CSS variable of the document, for a canvas that knows none. */
export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function panelOptions(shape: PanelShape, range: TimeRange, size: { width: number; height: number }): uPlot.Options {
  const line = { stroke: () => cssColor("--grid"), width: 1 };
  const axis: uPlot.Axis = {
    stroke: () => cssColor("--text-muted"),
    font: FONT,
    grid: line,
    ticks: { show: false },
    border: { show: false },
  };
  return {
    ...size,
    ms: 1,
    tzDate: (ms) => uPlot.tzDate(new Date(ms), "Etc/UTC"),
    padding: [8, 20, shape.labels === "none" ? 8 : 0, 0],
    legend: { show: false },
    scales: { x: { time: true, auto: false, min: range.from, max: range.to } },
    axes: [
      {
        ...axis,
        space: 90,
        size: TIME_AXIS_HEIGHT[shape.labels],
        values: (_chart, splits, _axis, _space, step) => (shape.labels === "none" ? splits.map(() => "") : timeLabels(splits, step, shape.labels === "full")),
      },
      { ...axis, size: VALUE_AXIS_WIDTH, space: 24, gap: 8 },
    ],
    series: [
      {},
      ...shape.signals.map(({ key, slot }) => ({
        label: key,
        stroke: () => cssColor(`--series-${slot + 1}`),
        width: 1.4,
        points: { size: 5 },
      })),
    ],
    cursor: {
      bind: bindings,
      dataIdx: nearestSample,
      move: withinPanel,
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 4 },
      points: { size: 7, width: 2 },
      sync: { key: SYNC_KEY, scales: ["x", null], setSeries: false },
    },
    hooks: {
      ready: [capturePointer, listenToWheel],
      setSelect: [zoomToSelection],
      setCursor: [(chart) => setCrosshair((chart.cursor.left ?? -1) < 0 ? null : chart.posToVal(chart.cursor.left ?? 0, "x"))],
    },
  };
}

/** The row nearest to row `index` in which a series has a sample; null when that is a gap or there is none. */
export function nearestSample(chart: Pick<uPlot, "data">, series: number, index: number): number | null {
  if (series === 0) return index;
  const [times] = chart.data;
  const values = chart.data[series] ?? [];
  let before = index;
  let after = index;
  while (before >= 0 && values[before] === undefined) before--;
  while (after < values.length && values[after] === undefined) after++;
  const here = times[index] ?? 0;
  const toBefore = before < 0 ? Infinity : here - (times[before] ?? 0);
  const toAfter = after >= values.length ? Infinity : (times[after] ?? 0) - here;
  const nearest = toBefore <= toAfter ? before : after;
  return typeof values[nearest] === "number" ? nearest : null;
}

/** Draw another range; the values in it decide the height. */
export function setRange(chart: uPlot, range: TimeRange): void {
  if (spanOf(range) > 0) chart.setScale("x", { min: range.from, max: range.to });
}
