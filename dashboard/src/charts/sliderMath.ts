/** What pulling the window of the range slider makes of the visible range. */

import { MIN_SPAN, tidyRange, type TimeRange } from "../state/range";

/** One end, or the window as a whole. */
export type Grip = "from" | "to" | "both";

/** The range after `grip` was pulled by `by` milliseconds; an end stops short of the other one. */
export function pulled({ from, to }: TimeRange, grip: Grip, by: number): TimeRange {
  if (grip === "both") return tidyRange(from + by, to + by);
  if (grip === "from") return tidyRange(Math.min(from + by, to - MIN_SPAN), to);
  return tidyRange(from, Math.max(to + by, from + MIN_SPAN));
}
