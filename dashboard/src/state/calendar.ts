/** Days and months in UTC, and which recordings lie in them. */

import type { Session } from "../api/types";
import type { TimeRange } from "./range";
import { sessionOf, sessionRange } from "./session";
import { DAY } from "./time";

const WEEK = 7;
/** The first of January 1970 was a Thursday; weeks begin on Mondays. */
const EPOCH_WEEKDAY = 3;
const NAMES = [
  "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
];

/** When the day of an instant begins. */
export function dayOf(instant: number): number {
  return Math.floor(instant / DAY) * DAY;
}

/** When the month of an instant begins. */
export function monthOf(instant: number): number {
  const date = new Date(instant);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

/** When the month `count` months after the one of an instant begins. */
export function laterMonth(instant: number, count: number): number {
  const date = new Date(instant);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count);
}

/** `January 2025` */
export function formatMonth(month: number): string {
  const date = new Date(month);
  return `${NAMES[date.getUTCMonth()] ?? ""} ${date.getUTCFullYear()}`;
}

/** The weeks that show a month, each of seven days from Monday on; those of its neighbours fill up. */
export function weeksOf(month: number): number[][] {
  const weekday = (month / DAY + EPOCH_WEEKDAY) % WEEK;
  const first = month - weekday * DAY;
  const weeks = Math.ceil((weekday + (laterMonth(month, 1) - month) / DAY) / WEEK);
  return Array.from({ length: weeks }, (_, week) => Array.from({ length: WEEK }, (_, day) => first + (week * WEEK + day) * DAY));
}

/** The sessions of each day that has any, in the order given; one over midnight is in both days. */
export function sessionsByDay(sessions: readonly Session[]): ReadonlyMap<number, readonly Session[]> {
  const days = new Map<number, Session[]>();
  for (const session of sessions) {
    const { from, to } = sessionRange(session);
    for (let day = dayOf(from); day < to; day += DAY) {
      const held = days.get(day);
      if (held) held.push(session);
      else days.set(day, [session]);
    }
  }
  return days;
}

/** From the first to the last sample of a day's sessions, as far as they lie in it. */
export function recordedIn(day: number, sessions: readonly Session[]): TimeRange {
  const spans = sessions.map(sessionRange);
  return {
    from: Math.max(day, Math.min(...spans.map(({ from }) => from))),
    to: Math.min(day + DAY, Math.max(...spans.map(({ to }) => to))),
  };
}

/** The session after the one in view (`step` 1) or before it (-1); `sessions` are newest first. */
export function neighbourSession(sessions: readonly Session[], range: TimeRange, step: 1 | -1): Session | null {
  const shown = sessionOf(range, sessions);
  if (shown) return sessions[sessions.indexOf(shown) - step] ?? null;
  const middle = (range.from + range.to) / 2;
  if (step > 0) return sessions.findLast((session) => sessionRange(session).from > middle) ?? null;
  return sessions.find((session) => sessionRange(session).to <= middle) ?? null;
}
