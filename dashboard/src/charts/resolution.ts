/** What a picture is made of, in words: how many of how many samples, and what became of the others. */

import type { Trace } from "../api/trace";
import { formatCompact, formatCount } from "../state/number";
import type { TimeRange } from "../state/range";
import { formatSpan } from "../state/time";
import { firstFrom } from "./nearest";

export interface Resolution {
  readonly text: string;
  /** Nothing was left out. */
  readonly complete: boolean;
}

/** Below this a count is written in full: `36,012`, but `64.8 M`. */
const LONG = 1_000_000;

const sized = (count: number): string => (count < LONG ? formatCount(count) : formatCompact(count).replace(/(?=[A-Z])/, " "));

/**
 * @param counts Samples of each trace in the range, exactly; of one that is not in it the trace's own estimate is taken.
 */
export function resolutionOf(traces: readonly Trace[], range: TimeRange, counts: ReadonlyMap<string, number>): Resolution {
  const thinned = traces.filter(({ method }) => method !== null);
  const drawn = traces.reduce((sum, trace) => sum + samplesWithin(trace, range), 0);
  if (thinned.length === 0) return { text: drawn === 1 ? "the only sample" : `every sample: ${sized(drawn)}`, complete: true };
  const source = traces.reduce((sum, trace) => sum + (counts.get(trace.key) ?? trace.source), 0);
  const bucket = Math.max(...thinned.map(({ bucketMs }) => bucketMs ?? 0));
  // m4 keeps the smallest and the largest of a bucket; other methods keep what they like
  const exact = thinned.every(({ method }) => method === "m4") ? ", exact extremes" : "";
  return {
    text: `${sized(drawn)} of ${sized(Math.max(source, drawn))} samples, ${formatSpan(bucket)} buckets${exact}`,
    complete: false,
  };
}

/** Samples of a trace in a range; the marks of gaps are none. */
export function samplesWithin({ t, v }: Pick<Trace, "t" | "v">, { from, to }: TimeRange): number {
  const first = firstFrom(t, from);
  const end = firstFrom(t, to);
  const marks = gapsOf(v);
  return Math.max(0, end - first - (firstFrom(marks, end) - firstFrom(marks, first)));
}

/** Where the marks of gaps are, found once: a pan counts anew with every frame. */
const gaps = new WeakMap<Trace["v"], readonly number[]>();

function gapsOf(v: Trace["v"]): readonly number[] {
  let found = gaps.get(v);
  if (!found) {
    found = v.flatMap((value, i) => (value === null ? [i] : []));
    gaps.set(v, found);
  }
  return found;
}
