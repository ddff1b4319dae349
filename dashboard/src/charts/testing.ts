/** Traces for tests: what a test does not care about is filled in. */

import type { Trace } from "../api/trace";

export function traceFor(key: string, unit: string, more: Partial<Trace> = {}): Trace {
  return { key, unit, t: [], v: [], drawn: 100, source: 100, method: null, bucketMs: null, envelope: null, choices: null, ...more };
}
