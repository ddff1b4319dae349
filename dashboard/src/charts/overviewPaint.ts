/** A signal drawn small: one line, parted where the recording is. */

import type { Trace } from "../api/trace";
import { spanOf, type TimeRange } from "../state/range";
import { cssColor } from "./color";

const MARGIN = 3;

/** Lowest and highest value; null without any. */
export function extremesOf(values: Trace["v"]): { readonly low: number; readonly high: number } | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : null;
}

export function paintOverview(canvas: HTMLCanvasElement, trace: Trace | undefined, extent: TimeRange, slot: number): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const context = canvas.getContext("2d");
  const extremes = trace && extremesOf(trace.v);
  if (!context || !trace || !extremes || width === 0) return;
  const { low, high } = extremes;
  context.scale(devicePixelRatio, devicePixelRatio);
  context.strokeStyle = cssColor(`--series-${slot + 1}`);
  context.lineWidth = 1;
  context.beginPath();
  let parted = true;
  trace.t.forEach((instant, i) => {
    const value = trace.v[i] ?? null;
    if (value !== null) {
      const x = ((instant - extent.from) / spanOf(extent)) * width;
      // a signal that stands still runs through the middle
      const share = high === low ? 0.5 : (value - low) / (high - low);
      const y = height - MARGIN - share * (height - 2 * MARGIN);
      if (parted) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    parted = value === null;
  });
  context.stroke();
}
