/** The newest samples behind what was answered: they are appended to the line until the next answer has them. */

import type { Trace } from "./trace";

export interface Tail {
  readonly t: readonly number[];
  readonly v: readonly (number | null)[];
}

/** Longer tails are cut at the front: answers have that part by then. */
const LONGEST = 200_000;

/** A tail with more samples behind it; those that are not newer than its end are left out. */
export function lengthened(tail: Tail | undefined, more: Tail): Tail {
  if (!tail) return more;
  const end = tail.t.at(-1) ?? -Infinity;
  const first = more.t.findIndex((instant) => instant > end);
  if (first < 0) return tail;
  return {
    t: [...tail.t, ...more.t.slice(first)].slice(-LONGEST),
    v: [...tail.v, ...more.v.slice(first)].slice(-LONGEST),
  };
}

/** A trace with the samples of its tail that are newer than its own. */
export function appended(trace: Trace, tail: Tail | undefined): Trace {
  const end = trace.t.at(-1) ?? -Infinity;
  const first = tail?.t.findIndex((instant) => instant > end) ?? -1;
  if (!tail || first < 0) return trace;
  const t = tail.t.slice(first);
  return {
    ...trace,
    t: [...trace.t, ...t],
    v: [...trace.v, ...tail.v.slice(first)],
    drawn: trace.drawn + t.length,
    source: trace.source + t.length,
  };
}
