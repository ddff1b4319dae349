/** One signal of an answer in columns: times, values, and what the service said about them. */

import type { SeriesData, Stats } from "./types";
import { keyOf, type SignalKey, type SignalRef } from "../state/signal";

export interface Trace {
  readonly key: SignalKey;
  readonly unit: string;
  /** Epoch milliseconds, ascending. */
  readonly t: readonly number[];
  /** Values at `t`; null is a gap: the line ends before it and begins anew after it. */
  readonly v: readonly (number | null)[];
  /** Samples that the service sent. */
  readonly drawn: number;
  /** Samples in the range; more than `drawn` when it thinned them out by `method`. */
  readonly source: number;
  readonly method: string | null;
  readonly stats: Stats | null;
}

export function traceOf(ref: SignalRef, series: SeriesData): Trace {
  const { t, v } = withGaps(series);
  return {
    key: keyOf(ref),
    unit: series.unit,
    t,
    v,
    drawn: series.data.length,
    source: series.source_points,
    method: series.downsampled ? series.method : null,
    stats: series.stats ?? null,
  };
}

/** The points of a series with a null in the middle of each gap; no sample lies inside a gap. */
export function withGaps(series: Pick<SeriesData, "data" | "gaps">): { t: number[]; v: (number | null)[] } {
  const middles = (series.gaps ?? []).map(([before, after]) => (before + after) / 2).sort((a, b) => a - b);
  const t: number[] = [];
  const v: (number | null)[] = [];
  let next = 0;
  for (const point of series.data) {
    for (let middle = middles[next]; middle !== undefined && middle < point.t; middle = middles[++next]) {
      // a gap before the first point parts nothing
      if (t.length > 0) {
        t.push(middle);
        v.push(null);
      }
    }
    t.push(point.t);
    v.push(point.v);
  }
  return { t, v };
}
