/** The page of all vehicles: who was heard, how well it was decoded, what was refused, what rules found. */

import { useState } from "react";
import { useFleet } from "../../api/fleet";
import { decodedShare, formatShare, sumOf } from "../../state/fleet";
import { formatCompact, formatCount } from "../../state/number";
import { formatDay } from "../../state/time";
import { useNow } from "../../state/useNow";
import { NoVehicles } from "../Empty";
import { ErrorBanner, ErrorNotice, Notice } from "../Notice";
import { FleetTable } from "./FleetTable";

const SPANS = [1, 7, 14, 31] as const;
/** Rows at a time: each asks for its own events. */
const STEP = 50;

export function FleetPage() {
  const [days, setDays] = useState<number>(7);
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(STEP);
  const fleet = useFleet(days);
  const now = useNow();
  const retry = (): void => void fleet.refetch();

  if (!fleet.data) {
    if (fleet.error) return <ErrorNotice error={fleet.error} onRetry={retry} />;
    return <Notice icon="fleet" title="Looking at the fleet…" />;
  }
  const { vehicles, first, last, next } = fleet.data;
  if (first === null || last === null) return <NoVehicles />;
  const total = sumOf(vehicles.flatMap((vehicle) => vehicle.days));
  const found = vehicles.filter(({ vehicle_id }) => vehicle_id.toLowerCase().includes(search.toLowerCase()));
  const tiles: readonly (readonly [string, string])[] = [
    ["vehicles", `${formatCount(vehicles.length)}${next === null ? "" : "+"}`],
    ["frames", formatCompact(total.rows)],
    ["decoded", formatShare(decodedShare(total))],
    ["unknown ids", formatCompact(total.unknown_id)],
    ["errors", formatCompact(total.decode_error + total.bad_rows)],
    ["in quarantine", formatCompact(total.quarantined)],
    ["waiting", formatCompact(total.pending)],
  ];
  return (
    <main className="fleet" aria-busy={fleet.isFetching}>
      <header className="fleet-head">
        <h2>Fleet</h2>
        <span className="muted">
          {first === last ? formatDay(Date.parse(last)) : `${formatDay(Date.parse(first))} – ${formatDay(Date.parse(last))}`} UTC
        </span>
        <span className="spacer" />
        <input
          className="input"
          type="search"
          aria-label="Find a vehicle"
          placeholder="Find a vehicle"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <label className="overlay-vehicle">
          Days
          <select className="input" value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {SPANS.map((span) => (
              <option key={span}>{span}</option>
            ))}
          </select>
        </label>
      </header>
      {fleet.error && <ErrorBanner error={fleet.error} onRetry={retry} />}
      <dl className="tiles">
        {tiles.map(([name, value]) => (
          <div key={name} className="tile">
            <dt>{name}</dt>
            <dd className="number">{value}</dd>
          </div>
        ))}
      </dl>
      <div className="fleet-scroll" tabIndex={0} role="region" aria-label="Vehicles">
        <FleetTable vehicles={found.slice(0, shown)} first={first} last={last} now={now} />
        {found.length === 0 && (
          <p className="hint" role="status">
            No vehicle of that name: clear the search to see all {vehicles.length}.
          </p>
        )}
        {found.length > shown && (
          <button type="button" className="button" onClick={() => setShown(shown + STEP)}>
            Show {Math.min(STEP, found.length - shown)} more of {found.length}
          </button>
        )}
        {next !== null && <p className="hint">More vehicles than these are in the lake: the API lists them page by page, GET /fleet/health?after={next}.</p>}
      </div>
    </main>
  );
}
