/** Ranges of time and how they are moved. Instants are epoch milliseconds; ranges are half-open. */

export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Frames are about 0.1 ms apart at most: a narrower view than this shows nothing more. */
export const MIN_SPAN = 10;

export function spanOf(range: TimeRange): number {
  return range.to - range.from;
}

export function sameRange(a: TimeRange | null, b: TimeRange | null): boolean {
  return a === b || (a !== null && b !== null && a.from === b.from && a.to === b.to);
}

/** More pixels than a panel has across: a step of this part of the span is not seen. */
const STEPS = 4000;

/**
 * A range at least `MIN_SPAN` wide, whichever way round it was drawn, with borders on a decimal step that is too small
 * to see: instants stay short to read, and nearly the same range is the same question.
 */
export function tidyRange(a: number, b: number): TimeRange {
  const middle = (a + b) / 2;
  const half = Math.max(Math.abs(b - a), MIN_SPAN) / 2;
  // steps below a millisecond are kept as how many fit into one: a reciprocal of ten is exact, a tenth is not
  const exponent = Math.floor(Math.log10((2 * half) / STEPS));
  const [step, fit] = exponent >= 0 ? [10 ** exponent, 1] : [1, 10 ** Math.min(-exponent, 3)];
  const snap = (instant: number): number => (Math.round((instant * fit) / step) * step) / fit;
  return { from: snap(middle - half), to: snap(middle + half) };
}

/** Scale the span by `factor` (below 1: closer) around `at`, a fraction of the range that stays in place. */
export function zoomed(range: TimeRange, factor: number, at = 0.5): TimeRange {
  const span = spanOf(range);
  const anchor = range.from + span * at;
  return tidyRange(anchor - span * factor * at, anchor + span * factor * (1 - at));
}

/** Move by a fraction of the span; positive is later. */
export function panned(range: TimeRange, fraction: number): TimeRange {
  const shift = spanOf(range) * fraction;
  return tidyRange(range.from + shift, range.to + shift);
}

/** The range of the same span that ends at `end`, exactly: tidying could cut off the newest sample. */
export function endingAt(range: TimeRange, end: number): TimeRange {
  return { from: end - spanOf(range), to: end };
}

/** The least range that holds both. */
export function hull(a: TimeRange, b: TimeRange): TimeRange {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}
