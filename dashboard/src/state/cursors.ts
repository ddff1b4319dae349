/** The two measuring cursors A and B: instants, or null where one is not set. */

import { spanOf, type TimeRange } from "./range";

export const CURSORS = ["a", "b"] as const;
export type CursorName = (typeof CURSORS)[number];
export type Cursors = Readonly<Record<CursorName, number | null>>;

export const NO_CURSORS: Cursors = { a: null, b: null };

/** Half a pixel of a wide panel: an instant is not placed more exactly than it can be pointed at. */
const PIXELS = 4000;

/** An instant as exact as the range it is pointed at in lets it be, to the microsecond at best. */
export function pointedAt(instant: number, range: TimeRange): number {
  const step = 10 ** Math.floor(Math.log10(spanOf(range) / PIXELS));
  const perMs = Math.min(Math.max(Math.round(1 / step), 1), 1000);
  return step >= 1 ? Math.round(instant / step) * step : Math.round(instant * perMs) / perMs;
}

/** What lies between two set cursors, earlier one first; null unless both are set and apart. */
export function between({ a, b }: Cursors): TimeRange | null {
  if (a === null || b === null || a === b) return null;
  return { from: Math.min(a, b), to: Math.max(a, b) };
}
