/** How a panel is drawn: uPlot's options from a panel's lines. Colours are read when drawn, so a theme can change. */

import uPlot from "uplot";
import { useDisplay } from "../state/display";
import { spanOf, type TimeRange } from "../state/range";
import { numberLabels, timeLabels } from "./axis";
import { cssColor, faded } from "./color";
import { setCrosshair } from "./crosshair";
import { linePaths } from "./dense";
import { ownGaps } from "./gaps";
import { AXIS_WIDTH, rightGutter, TIME_AXIS_HEIGHT, type TimeLabels } from "./geometry";
import { bindings, capturePointer, listenToWheel, withinPanel, zoomToSelection } from "./gestures";
import { drawMarks } from "./marks";
import { ENVELOPE_LABEL, nearestSample } from "./nearest";
import { drawStrips, stripAxis, stripScale, type Choices } from "./strips";
import { listenToTouch } from "./touch";
import { drawUnits, unitColor, UNIT_HEIGHT } from "./units";

export interface ShapeLine {
  readonly label: string;
  readonly slot: number;
  readonly run: number | null;
  readonly unit: string;
  /** Between which values its buckets lie is drawn behind it. */
  readonly banded: boolean;
  /** What values are called, where they have names. */
  readonly choices: Choices | null;
}

export interface PanelShape {
  readonly lines: readonly ShapeLine[];
  readonly units: readonly string[];
  /** Axes at the right of the panel that has most of them. */
  readonly rightAxes: number;
  readonly labels: TimeLabels;
  /** States instead of lines. */
  readonly strips: boolean;
}

const FONT = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const SYNC_KEY = "telemetry";
const DASHES: readonly number[][] = [[7, 4], [2, 3], [10, 3, 2, 3]];

/** CSS pixels. A line of one pixel is drawn several times as fast as a wider one. */
const WIDE = 1.4;
const THIN = 1;
/** Samples per pixel from which on a line is thin: it covers what a wider one would add. */
const DENSE = 16;

/** Ticks of a value axis are this far apart at least; in a low panel closer, so that there are two of them. */
const TICKS = { roomy: 24, close: 15, low: 90 };

const scaleOf = (shape: PanelShape, unit: string): string => `y${shape.units.indexOf(unit)}`;

export function panelOptions(shape: PanelShape, range: TimeRange, size: { width: number; height: number }): uPlot.Options {
  const { units, labels } = shape;
  const own = units.length - 1;
  const axis: uPlot.Axis = {
    stroke: () => cssColor("--text-muted"),
    font: FONT,
    grid: { show: useDisplay.getState().showGrid, stroke: () => cssColor("--grid"), width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
  return {
    ...size,
    ms: 1,
    tzDate: (ms) => uPlot.tzDate(new Date(ms), "Etc/UTC"),
    // the axes of the panel with most of them leave room that others pad
    padding: [own > 0 ? UNIT_HEIGHT : 8, rightGutter(shape.rightAxes) - own * AXIS_WIDTH, labels === "none" ? 8 : 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, auto: false, min: range.from, max: range.to },
      ...(shape.strips ? { y0: stripScale(shape.lines.length) } : {}),
    },
    axes: [
      {
        ...axis,
        space: 90,
        size: TIME_AXIS_HEIGHT[labels],
        values: (_chart, splits, _axis, _space, step) => (labels === "none" ? splits.map(() => "") : timeLabels(splits, step, labels === "full")),
      },
      ...(shape.strips
        ? [stripAxis({ ...axis, scale: "y0", size: AXIS_WIDTH }, shape.lines.map(({ label }) => label))]
        : units.map((unit, i) => valueAxis(axis, shape, unit, i))),
    ],
    bands: bandsOf(shape),
    series: [{}, ...envelopeSeries(shape), ...shape.lines.map((line) => lineSeries(shape, line))],
    cursor: {
      bind: bindings,
      dataIdx: nearestSample,
      move: withinPanel,
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 4 },
      points: shape.strips ? { show: false } : { size: 7, width: 2 },
      sync: { key: SYNC_KEY, scales: ["x", null], setSeries: false },
    },
    hooks: {
      drawClear: [fitWidths],
      ready: [capturePointer, listenToWheel, listenToTouch],
      draw: [...(shape.strips ? [(chart: uPlot) => drawStrips(chart, shape.lines)] : []), drawMarks, (chart: uPlot) => drawUnits(chart, shape)],
      setSelect: [zoomToSelection],
      setCursor: [(chart) => setCrosshair((chart.cursor.left ?? -1) < 0 ? null : chart.posToVal(chart.cursor.left ?? 0, "x"))],
    },
  };
}

/** An axis per unit. Where there are several, each has the colour of its line if it has one only. */
function valueAxis(axis: uPlot.Axis, shape: PanelShape, unit: string, i: number): uPlot.Axis {
  return {
    ...axis,
    scale: `y${i}`,
    // uPlot's enum has no value at run time: 3 is left, 1 is right
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
    side: i === 0 ? 3 : 1,
    size: AXIS_WIDTH,
    space: (_chart, _axis, _min, _max, height) => (height / devicePixelRatio < TICKS.low ? TICKS.close : TICKS.roomy),
    values: (_chart, splits, _axis, _space, step) => numberLabels(splits, step),
    gap: 8,
    grid: i === 0 ? (axis.grid ?? {}) : { show: false },
    stroke: () => cssColor(unitColor(shape, unit)),
  };
}

function lineSeries(shape: PanelShape, { label, slot, run, unit }: ShapeLine): uPlot.Series {
  return {
    label,
    scale: shape.strips ? "y0" : scaleOf(shape, unit),
    stroke: () => cssColor(`--series-${slot + 1}`),
    gaps: ownGaps,
    width: WIDE,
    points: shape.strips ? { show: false } : { size: 5 },
    // a strip is drawn by itself, over the place that its values would have
    paths: shape.strips ? () => null : linePaths,
    ...(run === null ? {} : { dash: DASHES[run % DASHES.length] ?? [] }),
  };
}

/** A hook of uPlot, before lines are drawn. */
function fitWidths(chart: uPlot): void {
  const [first, last] = chart.series[0]?.idxs ?? [0, 0];
  // an element's own width would be the page's layout once more, in every frame
  const width = last - first > (DENSE * chart.bbox.width) / devicePixelRatio ? THIN : WIDE;
  // envelopes have no line at all
  for (const series of chart.series.slice(1)) if (series.width !== 0) series.width = width;
}

/** Highest and lowest values of each line's buckets, before the lines: what comes first is drawn behind. */
function envelopeSeries(shape: PanelShape): uPlot.Series[] {
  const hidden = (unit: string): uPlot.Series => ({
    label: ENVELOPE_LABEL, scale: scaleOf(shape, unit), width: 0, gaps: ownGaps, points: { show: false },
  });
  return shape.lines.filter(({ banded }) => banded).flatMap(({ unit }) => [hidden(unit), hidden(unit)]);
}

function bandsOf(shape: PanelShape): uPlot.Band[] {
  return shape.lines
    .filter(({ banded }) => banded)
    .map(({ slot }, i) => ({ series: [2 * i + 1, 2 * i + 2], fill: () => faded(`--series-${slot + 1}`) }));
}

/** Draw another range; the values in it decide the height. */
export function setRange(chart: uPlot, range: TimeRange): void {
  if (spanOf(range) > 0) chart.setScale("x", { min: range.from, max: range.to });
}
