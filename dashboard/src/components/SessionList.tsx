/** The recordings of the vehicle: a calendar of days, and the sessions of the day in view, newest first. */

import { memo, useState } from "react";
import type { Session } from "../api/types";
import { dayOf, neighbourSession } from "../state/calendar";
import { useCommand } from "../state/command";
import { sessionOf, sessionRange } from "../state/session";
import { DAY } from "../state/time";
import { openRange, useView } from "../state/view";
import { Calendar } from "./Calendar";
import { IconButton } from "./IconButton";
import { SessionRow } from "./SessionRow";

interface Props {
  readonly sessions: readonly Session[] | undefined;
  readonly growing: boolean;
}

export const SessionList = memo(function SessionList({ sessions, growing }: Props) {
  const range = useView((view) => view.range);
  const [all, setAll] = useState(false);
  const shown = range && sessions ? sessionOf(range, sessions) : null;
  const listed = (sessions ?? []).filter((session) => {
    if (all || !range) return true;
    const { from, to } = sessionRange(session);
    return from < Math.max(range.to, dayOf(range.from) + DAY) && to > dayOf(range.from);
  });
  const step = (way: 1 | -1): void => {
    const next = range && sessions ? neighbourSession(sessions, range, way) : null;
    if (next) openRange(sessionRange(next));
  };
  useCommand("next session", () => step(1));
  useCommand("previous session", () => step(-1));

  return (
    <section className="sessions" aria-label="Sessions">
      <h2 className="section-title">
        Sessions {sessions && <span className="count">{sessions.length}</span>}
        <span className="spacer" />
        {sessions && sessions.length > 1 && (
          <button type="button" className="text-button" aria-pressed={all} onClick={() => setAll(!all)}>
            {all ? "Of this day" : "All days"}
          </button>
        )}
        <IconButton icon="left" label="Previous session" hotkey="p" onClick={() => step(-1)} />
        <IconButton icon="right" label="Next session" hotkey="n" onClick={() => step(1)} />
      </h2>
      {!sessions && <div className="skeleton-list" role="status" aria-label="Loading sessions" />}
      {sessions?.length === 0 && <p className="hint">Nothing decoded of this vehicle yet.</p>}
      {sessions && sessions.length > 0 && <Calendar sessions={sessions} />}
      {sessions && sessions.length > 0 && listed.length === 0 && <p className="hint">No session on this day: choose a marked one.</p>}
      <ul tabIndex={-1}>
        {listed.map((session) => (
          <SessionRow
            key={session.start_time}
            session={session}
            current={session === shown}
            growing={growing && session === sessions?.[0]}
          />
        ))}
      </ul>
    </section>
  );
});
