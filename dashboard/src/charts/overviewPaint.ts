/** A signal drawn small: for each pixel column the span of its values; a column without samples stays empty. */

import type { Trace } from "../api/trace";
import { spanOf, type TimeRange } from "../state/range";
import { cssColor } from "./color";

/** Lowest and highest value per column; NaN where there are no samples. */
export interface Columns {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export function columnsOf({ t, v }: Pick<Trace, "t" | "v">, extent: TimeRange, count: number): Columns {
  const low = new Float64Array(count).fill(NaN);
  const high = new Float64Array(count).fill(NaN);
  t.forEach((instant, i) => {
    const column = Math.floor(((instant - extent.from) / spanOf(extent)) * count);
    const value = v[i];
    if (value === null || value === undefined || column < 0 || column >= count) return;
    const lowest = low[column] ?? NaN;
    const highest = high[column] ?? NaN;
    if (!(value >= lowest)) low[column] = value;
    if (!(value <= highest)) high[column] = value;
  });
  return { low, high };
}

export function paintOverview(canvas: HTMLCanvasElement, trace: Trace | undefined, extent: TimeRange, slot: number): void {
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context || !trace || width === 0) return;
  const { low, high } = columnsOf(trace, extent, width);
  const least = low.reduce((a, b) => (b < a ? b : a), Infinity);
  const most = high.reduce((a, b) => (b > a ? b : a), -Infinity);
  const margin = 3 * devicePixelRatio;
  const toY = (value: number): number => height - margin - ((value - least) / (most - least || 1)) * (height - 2 * margin);
  context.fillStyle = cssColor(`--series-${slot + 1}`);
  for (let x = 0; x < width; x++) {
    const top = toY(high[x] ?? NaN);
    if (!Number.isNaN(top)) context.fillRect(x, top, 1, Math.max(toY(low[x] ?? NaN) - top, devicePixelRatio));
  }
}
