/** Events of rules in time: which one is next, which ones a view shows, and how a view shows one. */

import { spanOf, tidyRange, type TimeRange } from "./range";
import type { SignalKey } from "./signal";
import { DAY } from "./time";

export type Severity = "critical" | "warning" | "info";

/** The most urgent first. */
export const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"];

/** A run of samples for which a rule's condition held. */
export interface RuleEvent {
  readonly id: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly description: string;
  readonly key: SignalKey;
  /** What held: `> 150`. */
  readonly condition: string;
  readonly unit: string;
  /** From the first sample to the last one, itself part of it: `to` may be `from`. */
  readonly range: TimeRange;
  readonly worst: number | null;
  readonly worstAt: number;
  readonly samples: number;
  readonly openStart: boolean;
  readonly openEnd: boolean;
}

const LEAST_SPAN = 20_000;

/** The UTC days that a range touches, whole. */
export function wholeDays({ from, to }: TimeRange): TimeRange {
  return { from: Math.floor(from / DAY) * DAY, to: Math.ceil(to / DAY) * DAY };
}

/** The events that have a part in a range. */
export function eventsWithin(events: readonly RuleEvent[], { from, to }: TimeRange): RuleEvent[] {
  return events.filter(({ range }) => range.to >= from && range.from < to);
}

/** The event after `at` (`step` 1) or before it (-1), by their beginnings; events ascend. */
export function nextEvent(events: readonly RuleEvent[], at: number, step: 1 | -1): RuleEvent | null {
  if (step > 0) return events.find(({ range }) => range.from > at) ?? null;
  return events.findLast(({ range }) => range.from < at) ?? null;
}

/** A view with an event in its middle: as wide as now where that shows it well, else as wide as it takes. */
export function rangeAround({ range }: RuleEvent, here: TimeRange): TimeRange {
  const long = range.to - range.from;
  const fits = spanOf(here) >= 2 * long && spanOf(here) <= Math.max(LEAST_SPAN, 40 * long);
  const half = (fits ? spanOf(here) : Math.max(LEAST_SPAN, 4 * long)) / 2;
  const middle = (range.from + range.to) / 2;
  return tidyRange(middle - half, middle + half);
}
