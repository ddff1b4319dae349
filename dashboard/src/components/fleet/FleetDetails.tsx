/** What is behind a vehicle's numbers: ids and errors by name, objects that were set aside, events to look at. */

import { useState } from "react";
import { useEvents } from "../../api/events";
import { useHealthDetails } from "../../api/fleet";
import type { VehicleHealth } from "../../api/types";
import { rangeAround } from "../../state/event";
import { formatCount, formatValue, nounFor } from "../../state/number";
import { chartsHref } from "../../state/page";
import { DAY, formatClock, formatDay, MINUTE, parseInstant, typedInstant } from "../../state/time";
import { Link } from "../Link";
import { ErrorNotice } from "../Notice";

/** More of one kind are counted, not listed. */
const SHOWN = 12;
const NEWEST = 6;

interface Props {
  readonly vehicle: VehicleHealth;
  readonly first: string;
  readonly last: string;
}

export function FleetDetails({ vehicle: { vehicle_id: vehicle, days }, first, last }: Props) {
  const [all, setAll] = useState(false);
  const details = useHealthDetails(vehicle, first, last);
  const events = useEvents(vehicle, { from: Date.parse(first), to: Date.parse(last) + DAY });
  if (details.error) return <ErrorNotice error={details.error} onRetry={() => void details.refetch()} />;
  if (!details.data) return <div className="skeleton-list" role="status" aria-label="Loading details" />;
  const waiting = days.filter(({ pending }) => pending > 0);
  const found = events.data?.toReversed() ?? [];
  const { unknown_ids, decode_errors, skipped_by, bad_rows_by, quarantined } = details.data;
  return (
    <div className="fleet-details">
      <Counts title="Unknown ids" none="Every id is known." counts={unknown_ids} />
      <Counts title="Errors" none="No frame failed." counts={[...decode_errors, ...bad_rows_by]} />
      {skipped_by.length > 0 && <Counts title="Left out" none="" counts={skipped_by} />}
      {waiting.length > 0 && (
        <section>
          <h3>Waiting</h3>
          <ul>
            {waiting.map(({ date, pending }) => (
              <li key={date} className="counted">
                <span>{formatDay(Date.parse(date))}</span>
                <span className="number">{formatCount(pending)} {nounFor(pending, "object")}</span>
              </li>
            ))}
          </ul>
          <p className="muted">telemetry decode --pending decodes them</p>
        </section>
      )}
      <section>
        <h3>Quarantine</h3>
        {quarantined.length === 0 && <p className="muted">Nothing was set aside.</p>}
        <ul>
          {quarantined.slice(0, SHOWN).map(({ key, reason, when }) => (
            <li key={key} className="jailed">
              <code>{key.split("/").flatMap((part, i) => (i === 0 ? [part] : ["/", <wbr key={i} />, part]))}</code>
              <span className="muted">
                {reason || "no reason is known"}
                {when && <span className="when"> ({typedInstant(parseInstant(when)).slice(0, 16)} UTC)</span>}
              </span>
            </li>
          ))}
        </ul>
        {quarantined.length > SHOWN && <p className="muted">and {quarantined.length - SHOWN} more</p>}
      </section>
      <section>
        <h3>Events</h3>
        {events.error && <p className="muted">{events.error.message}</p>}
        {events.data?.length === 0 && <p className="muted">No rule found anything.</p>}
        <ul>
          {found.slice(0, all ? undefined : NEWEST).map((event) => (
            <li key={event.id}>
              <Link
                className={`event-link ${event.severity}`}
                href={chartsHref(vehicle, rangeAround(event, { from: event.range.from, to: event.range.from + MINUTE }), [event.key])}
              >
                <span className="event-severity">{event.severity}</span> {event.rule}
                <span className="muted number">
                  {formatDay(event.range.from)} {formatClock(event.range.from)} · worst {formatValue(event.worst, 5)}{"\u00a0"}{event.unit}
                </span>
              </Link>
            </li>
          ))}
        </ul>
        {found.length > NEWEST && !all && (
          <button type="button" className="text-button" onClick={() => setAll(true)}>
            All {found.length} events
          </button>
        )}
      </section>
    </div>
  );
}

interface CountsProps {
  readonly title: string;
  readonly none: string;
  readonly counts: readonly { readonly what: string; readonly frames: number }[];
}

function Counts({ title, none, counts }: CountsProps) {
  return (
    <section>
      <h3>{title}</h3>
      {counts.length === 0 && <p className="muted">{none}</p>}
      <ul>
        {counts.slice(0, SHOWN).map(({ what, frames }) => (
          <li key={what} className="counted">
            <span>{what}</span>
            <span className="number">{formatCount(frames)}</span>
          </li>
        ))}
      </ul>
      {counts.length > SHOWN && <p className="muted">and {counts.length - SHOWN} more</p>}
    </section>
  );
}
