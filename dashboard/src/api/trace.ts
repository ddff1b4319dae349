/** One signal of an answer in columns: times, values, and what the service said about them. */

import type { SeriesData } from "./types";
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
  /** Samples in the range that was asked for; more than `drawn` when it thinned them out by `method`. */
  readonly source: number;
  /** null: every sample is here. */
  readonly method: string | null;
  /** How long the stretch is that one bucket stands for; null when every sample is here. */
  readonly bucketMs: number | null;
  /** Between which values the samples of each bucket lie; null when every sample is here. */
  readonly envelope: Envelope | null;
  /** What values are called, by the value as text; null where they are numbers. */
  readonly choices: Readonly<Record<string, string>> | null;
}

/** Columns of equal length. */
export interface Envelope {
  /** The middle of each bucket, epoch milliseconds. */
  readonly t: readonly number[];
  /** null: a gap. */
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

export function traceOf(ref: SignalRef, series: SeriesData): Trace {
  const { t, v } = withGaps(series);
  return {
    key: keyOf(ref),
    unit: series.unit,
    t,
    v,
    drawn: series.columns.t.length,
    source: series.source_points,
    method: series.downsampled ? series.method : null,
    bucketMs: series.downsampled ? series.resolution_ms : null,
    envelope: series.downsampled && series.envelope ? envelopeOf(series.envelope, series.gaps ?? []) : null,
    choices: series.choices ?? null,
  };
}

type Gaps = readonly (readonly [number, number])[];

/** The middle of each gap, ascending: no sample lies there. */
const middlesOf = (gaps: Gaps): number[] => gaps.map(([before, after]) => (before + after) / 2).sort((a, b) => a - b);

/** The points of a series with a null in the middle of each gap. */
export function withGaps({ columns, gaps }: Pick<SeriesData, "columns" | "gaps">): { t: number[]; v: (number | null)[] } {
  const middles = middlesOf(gaps ?? []);
  if (middles.length === 0) return columns;
  const t: number[] = [];
  const v: (number | null)[] = [];
  let next = 0;
  columns.t.forEach((instant, i) => {
    for (let middle = middles[next]; middle !== undefined && middle < instant; middle = middles[++next]) {
      // a gap before the first point parts nothing
      if (t.length > 0) {
        t.push(middle);
        v.push(null);
      }
    }
    t.push(instant);
    v.push(columns.v[i] ?? null);
  });
  return { t, v };
}

/** The envelope in the middles of its buckets, parted where the line is. */
export function envelopeOf({ t, min, max }: NonNullable<SeriesData["envelope"]>, gaps: Gaps): Envelope {
  let width = Infinity;
  for (let i = 1; i < t.length; i++) width = Math.min(width, (t[i] ?? 0) - (t[i - 1] ?? 0));
  const half = Number.isFinite(width) ? width / 2 : 0;
  const middles = middlesOf(gaps);
  const found = { t: [] as number[], low: [] as (number | null)[], high: [] as (number | null)[] };
  let next = 0;
  t.forEach((start, i) => {
    const at = start + half;
    for (let middle = middles[next]; middle !== undefined && middle < at; middle = middles[++next]) {
      // several gaps within a bucket, and one before all of them, part nothing
      if (middle <= (found.t.at(-1) ?? Infinity)) continue;
      found.t.push(middle);
      found.low.push(null);
      found.high.push(null);
    }
    found.t.push(at);
    found.low.push(min[i] ?? null);
    found.high.push(max[i] ?? null);
  });
  return found;
}
