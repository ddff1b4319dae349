/** Which recordings lie over the charts: sessions of this vehicle or of others, aligned at their start or by the clock. */

import { useState } from "react";
import { useSessions } from "../api/queries";
import type { Session, Vehicle } from "../api/types";
import { MAX_RUNS, sameRun, type Alignment, type Run } from "../state/overlay";
import { spanOf } from "../state/range";
import { sessionOf, sessionRange } from "../state/session";
import { formatClock, formatDay, formatSpan } from "../state/time";
import { alignRuns, clearRuns, toggleRun, useView } from "../state/view";
import { ErrorNotice } from "./Notice";

const ALIGNMENTS: readonly (readonly [Alignment, string, string])[] = [
  ["start", "At the start", "Beginnings lie over each other"],
  ["clock", "By the clock", "Times of day lie over each other"],
];

interface Props {
  readonly vehicle: string;
  readonly vehicles: readonly Vehicle[];
  /** Of the vehicle in view. */
  readonly sessions: readonly Session[] | undefined;
}

export function OverlayPicker({ vehicle, vehicles, sessions }: Props) {
  const { overlay, range, home } = useView();
  const [of, setOf] = useState(vehicle);
  const others = useSessions(of, false);
  const base = (range && sessions && sessionOf(range, sessions)) ?? null;
  const origin = base ? sessionRange(base).from : (home?.from ?? 0);
  const full = overlay.runs.length >= MAX_RUNS;
  return (
    <section className="overlay" aria-label="Overlay">
      <fieldset className="align">
        <legend>Align</legend>
        {ALIGNMENTS.map(([name, title, tip]) => (
          <label key={name} title={tip}>
            <input type="radio" name="align" checked={overlay.align === name} onChange={() => alignRuns(name)} />
            {title}
          </label>
        ))}
        {overlay.runs.length > 0 && (
          <button type="button" className="text-button" onClick={clearRuns}>
            Clear
          </button>
        )}
      </fieldset>
      <label className="choosing">
        Sessions of
        <select className="input" value={of} onChange={(event) => setOf(event.target.value)}>
          {vehicles.map(({ vehicle_id }) => (
            <option key={vehicle_id}>{vehicle_id}</option>
          ))}
        </select>
      </label>
      {others.error && !others.data && <ErrorNotice error={others.error} onRetry={() => void others.refetch()} />}
      {others.isPending && <div className="skeleton-list" role="status" aria-label="Loading sessions" />}
      <ul className="overlay-list">
        {others.data?.map((session) => {
          const span = sessionRange(session);
          const run: Run = { vehicle: of, start: span.from };
          const own = of === vehicle && base?.start_time === session.start_time;
          const laid = overlay.runs.some((other) => sameRun(other, run));
          return (
            <li key={session.start_time}>
              <label className="run">
                <input
                  type="checkbox"
                  checked={laid || own}
                  disabled={own || (full && !laid)}
                  aria-label={`Overlay ${of} ${formatDay(span.from)} ${formatClock(span.from)}`}
                  onChange={() => toggleRun(run, origin)}
                />
                <span className="number">
                  {formatDay(span.from)} {formatClock(span.from)}
                </span>
                <span className="muted number">{own ? "in view" : formatSpan(spanOf(span))}</span>
              </label>
            </li>
          );
        })}
      </ul>
      <p className="hint">
        {full ? `${MAX_RUNS} runs are laid over: take one away to add another.` : "Tick sessions, of other vehicles as well: each is drawn over the one in view."}
      </p>
      {overlay.runs.length > 0 && (
        <p className="hint" role="status">
          {overlay.runs.length} laid over, aligned {overlay.align === "start" ? "at their start" : "by the clock"}.
        </p>
      )}
    </section>
  );
}
