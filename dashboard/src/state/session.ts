/** Sessions as ranges of time. */

import type { Session } from "../api/types";
import type { TimeRange } from "./range";
import { parseInstant } from "./time";

/** Read once: lists and calendars go through all sessions with every step of the view. */
const ranges = new WeakMap<Session, TimeRange>();

/** The range of a session, out to whole seconds. */
export function sessionRange(session: Session): TimeRange {
  let range = ranges.get(session);
  if (!range) {
    range = {
      from: Math.floor(parseInstant(session.start_time) / 1000) * 1000,
      to: Math.ceil(parseInstant(session.end_time) / 1000) * 1000,
    };
    ranges.set(session, range);
  }
  return range;
}

/** What is whole around a range: what it came from, if it is still in it, else the session that it is in. */
export function wholeAround(range: TimeRange, home: TimeRange | null, sessions: readonly Session[]): TimeRange {
  if (home && home.from < range.to && range.from < home.to) return home;
  const session = sessionOf(range, sessions);
  return session ? sessionRange(session) : (home ?? range);
}

/** The session that a range lies in or mostly covers, if any. */
export function sessionOf(range: TimeRange, sessions: readonly Session[]): Session | null {
  const middle = (range.from + range.to) / 2;
  return (
    sessions.find((session) => {
      const { from, to } = sessionRange(session);
      return from <= middle && middle < to;
    }) ?? null
  );
}
