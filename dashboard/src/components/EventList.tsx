/** What the rules found in the days in view, by severity: press one to see it, or jump through them with keys. */

import { useState } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import { eventsWithin, SEVERITIES, type RuleEvent, type Severity } from "../state/event";
import { showEvent, useShownEvent } from "../state/showEvent";
import { useView } from "../state/view";
import { EventRow } from "./EventRow";
import { ErrorNotice } from "./Notice";
import { walkTree } from "./treeKeys";

/** More rows than this are not read; the count says how many there are. */
const SHOWN = 500;

export function EventList({ events }: { readonly events: UseQueryResult<RuleEvent[]> }) {
  const range = useView((view) => view.range);
  const shown = useShownEvent((state) => state.id);
  const [hidden, setHidden] = useState<readonly Severity[]>([]);
  const [inView, setInView] = useState(false);
  if (events.error && !events.data) return <ErrorNotice error={events.error} onRetry={() => void events.refetch()} />;
  if (!events.data || !range) return <div className="skeleton-list" role="status" aria-label="Loading events" />;
  const kept = (inView ? eventsWithin(events.data, range) : events.data).filter(({ severity }) => !hidden.includes(severity));
  return (
    <section className="events" aria-label="Events">
      <div className="event-filter" role="group" aria-label="Which events">
        {SEVERITIES.map((severity) => (
          <button
            key={severity}
            type="button"
            className={`chip ${severity}`}
            aria-pressed={!hidden.includes(severity)}
            onClick={() => setHidden(hidden.includes(severity) ? hidden.filter((other) => other !== severity) : [...hidden, severity])}
          >
            {severity} {events.data.filter((event) => event.severity === severity).length}
          </button>
        ))}
        <button type="button" className="chip" aria-pressed={inView} onClick={() => setInView(!inView)}>
          in view
        </button>
      </div>
      {kept.length === 0 && (
        <p className="hint" role="status">
          {events.data.length === 0
            ? "No rule found anything on these days. Rules are in dbc/rules.yaml of the lake: telemetry rules check tells which ones hold."
            : "None of the events is of this kind, or in view: press the marks above to see the others."}
        </p>
      )}
      <ul className="event-list" onKeyDown={walkTree}>
        {kept.slice(0, SHOWN).map((event) => (
          <EventRow key={event.id} event={event} current={event.id === shown} onShow={() => showEvent(event)} />
        ))}
      </ul>
      {kept.length > SHOWN && (
        <p className="hint">
          The first {SHOWN} of {kept.length} events: zoom in and choose “in view” to see the others.
        </p>
      )}
    </section>
  );
}
