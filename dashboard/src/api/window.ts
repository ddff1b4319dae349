/** Which stretch is asked for when one is looked at: on a grid, so that nearly the same view is the same question. */

import { spanOf, type TimeRange } from "../state/range";

/** Steps of the grid per visible span, at least: a view that moves by less often stays within what was asked for. */
const STEPS = 16;

/** The distance between two lines of the grid for a range: a power of two of milliseconds. */
export function gridOf(range: TimeRange): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(spanOf(range) / STEPS)));
}

/** The range, out to the grid. */
export function windowOf(range: TimeRange): TimeRange {
  const step = gridOf(range);
  return { from: Math.floor(range.from / step) * step, to: Math.ceil(range.to / step) * step };
}

/** How many screens `neighbourhoodOf` is wide. */
export const SCREENS = 3;

/** The same with one screen more on either side, on the same grid: where a pan goes next. */
export function neighbourhoodOf(range: TimeRange): TimeRange {
  const { from, to } = windowOf(range);
  return { from: from - (to - from), to: to + (to - from) };
}

export function contains(outer: TimeRange, inner: TimeRange): boolean {
  return outer.from <= inner.from && inner.to <= outer.to;
}

/** Which part of `range` lies in `other`, from 0 to 1. */
export function shareOf(range: TimeRange, other: TimeRange): number {
  return Math.max(0, Math.min(range.to, other.to) - Math.max(range.from, other.from)) / spanOf(range);
}
