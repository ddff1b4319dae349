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

/** A range of whole microseconds, at least `MIN_SPAN` wide, whichever way round it was drawn. */
export function tidyRange(a: number, b: number): TimeRange {
  const from = Math.round(Math.min(a, b) * 1000) / 1000;
  const to = Math.round(Math.max(a, b) * 1000) / 1000;
  if (to - from >= MIN_SPAN) return { from, to };
  const middle = (from + to) / 2;
  return { from: middle - MIN_SPAN / 2, to: middle + MIN_SPAN / 2 };
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

/** The range of the same span that ends at `end`. */
export function endingAt(range: TimeRange, end: number): TimeRange {
  return tidyRange(end - spanOf(range), end);
}
