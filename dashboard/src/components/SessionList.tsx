/** The recordings of the vehicle, newest first; one click shows one whole. */

import type { Session } from "../api/types";
import { formatCompact } from "../state/number";
import { sessionOf, sessionRange } from "../state/session";
import { formatClock, formatDay, formatSpan } from "../state/time";
import { openRange, useView } from "../state/view";

interface Props {
  readonly sessions: readonly Session[] | undefined;
  readonly growing: boolean;
}

export function SessionList({ sessions, growing }: Props) {
  const range = useView((view) => view.range);
  const shown = range && sessions ? sessionOf(range, sessions) : null;
  return (
    <section className="sessions" aria-label="Sessions">
      <h2 className="section-title">
        Sessions {sessions && <span className="count">{sessions.length}</span>}
        <span className="spacer" />
        <span className="zone">UTC</span>
      </h2>
      {!sessions && <div className="skeleton-list" aria-label="Loading sessions" />}
      {sessions?.length === 0 && <p className="hint">Nothing decoded of this vehicle yet.</p>}
      <ul>
        {sessions?.map((session, i) => {
          const span = sessionRange(session);
          return (
            <li key={session.start_time}>
              <button
                type="button"
                className="session"
                aria-current={session === shown}
                onClick={() => openRange(span)}
              >
                <span className="session-day">
                  {formatDay(span.from)}
                  {growing && i === 0 && <span className="growing">recording</span>}
                </span>
                <span className="session-clock number">
                  {formatClock(span.from)} – {formatClock(span.to)}
                </span>
                <span className="session-size muted number">
                  {formatSpan(span.to - span.from)} · {formatCompact(session.sample_count)} frames
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
