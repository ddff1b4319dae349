/** Which sample a point in time means. */

import type uPlot from "uplot";
import type { Trace } from "../api/trace";

/** The index of the first instant that is not before `instant`; `t` ascends. */
export function firstFrom(t: readonly number[], instant: number): number {
  let low = 0;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((t[middle] ?? 0) < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the point nearest to `time`, or -1 without points; `t` ascends. */
export function nearestIndex(t: readonly number[], time: number): number {
  const after = Math.min(firstFrom(t, time), t.length - 1);
  return after > 0 && time - (t[after - 1] ?? 0) < (t[after] ?? 0) - time ? after - 1 : after;
}

/** How many mean intervals before the first and after the last point its value still counts. */
const REACH = 5;

/** The value of the point nearest to `time`; null in a gap and well beyond the first and last point. */
export function valueAt(trace: Pick<Trace, "t" | "v">, time: number): number | null {
  const first = trace.t[0];
  const last = trace.t.at(-1);
  if (first === undefined || last === undefined) return null;
  const reach = (REACH * (last - first)) / Math.max(1, trace.t.length - 1);
  if (time < first - reach || time > last + reach) return null;
  return trace.v[nearestIndex(trace.t, time)] ?? null;
}

/** What series of envelopes are called: the pointer finds none of their values. Names of signals hold a dot. */
export const ENVELOPE_LABEL = "envelope";

/** The row nearest to row `index` in which a series has a sample; null when that is a gap or there is none. */
export function nearestSample(chart: Pick<uPlot, "data" | "series">, series: number, index: number): number | null {
  if (series === 0) return index;
  if (chart.series[series]?.label === ENVELOPE_LABEL) return null;
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
