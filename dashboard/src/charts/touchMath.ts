/** What fingers on a picture make of the range that it shows: the instants under them stay under them. */

import { spanOf, type TimeRange } from "../state/range";

export interface Pull {
  /** Where the finger was and where it is, as fractions of the width. */
  readonly from: number;
  readonly to: number;
}

/** Two fingers closer than this part of the width do not say how wide they are apart. */
const LEAST = 0.02;

/** The range after one finger or two were pulled; of more than two the first two count. */
export function held(range: TimeRange, [one, other]: readonly Pull[]): TimeRange {
  if (!one) return range;
  const span = spanOf(range);
  const instant = range.from + one.from * span;
  const before = other ? other.from - one.from : 0;
  const now = other ? other.to - one.to : 0;
  // fingers that pass each other would turn time round
  const stretched = Math.abs(before) >= LEAST && now / before > 0 ? before / (Math.abs(now) >= LEAST ? now : Math.sign(now) * LEAST) : 1;
  const next = span * stretched;
  return { from: instant - one.to * next, to: instant + (1 - one.to) * next };
}
