/** What is behind a vehicle's numbers: ids and errors by name, objects that were set aside, events to look at. */

import { useEvents } from "../../api/events";
import { useHealthDetails } from "../../api/fleet";
import { DAY } from "../../state/calendar";
import { rangeAround } from "../../state/event";
import { formatCount, formatValue } from "../../state/number";
import { chartsHref } from "../../state/page";
import { formatClock, formatDay } from "../../state/time";
import { Link } from "../Link";
import { ErrorNotice } from "../Notice";

/** More of one kind are counted, not listed. */
const SHOWN = 12;
const NEWEST = 6;
const MINUTE = 60_000;

interface Props {
  readonly vehicle: string;
  readonly first: string;
  readonly last: string;
}

export function FleetDetails({ vehicle, first, last }: Props) {
  const details = useHealthDetails(vehicle, first, last);
  const events = useEvents(vehicle, { from: Date.parse(first), to: Date.parse(last) + DAY });
  if (details.error) return <ErrorNotice error={details.error} onRetry={() => void details.refetch()} />;
  if (!details.data) return <div className="skeleton-list" role="status" aria-label="Loading details" />;
  const { unknown_ids, decode_errors, skipped_by, bad_rows_by, quarantined } = details.data;
  return (
    <div className="fleet-details">
      <Counts title="Unknown ids" none="Every id is known." counts={unknown_ids} />
      <Counts title="Errors" none="No frame failed." counts={[...decode_errors, ...bad_rows_by]} />
      {skipped_by.length > 0 && <Counts title="Left out" none="" counts={skipped_by} />}
      <section>
        <h3>Quarantine</h3>
        {quarantined.length === 0 && <p className="muted">Nothing was set aside.</p>}
        <ul>
          {quarantined.slice(0, SHOWN).map(({ key, reason, when }) => (
            <li key={key} className="jailed">
              <code>{key}</code>
              <span className="muted">{reason || "no reason is known"} {when && `(${when})`}</span>
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
          {events.data?.slice(-NEWEST).toReversed().map((event) => (
            <li key={event.id}>
              <Link
                className={`event-link ${event.severity}`}
                href={chartsHref(vehicle, rangeAround(event, { from: event.range.from, to: event.range.from + MINUTE }), [event.key])}
              >
                <span className="event-severity">{event.severity}</span> {event.rule}
                <span className="muted number">
                  {formatDay(event.range.from)} {formatClock(event.range.from)} · worst {formatValue(event.worst, 5)} {event.unit}
                </span>
              </Link>
            </li>
          ))}
        </ul>
        {(events.data?.length ?? 0) > NEWEST && <p className="muted">The newest {NEWEST} of {events.data?.length} events.</p>}
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
