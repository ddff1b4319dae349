/** The page of all vehicles: who was heard, how well it was decoded, what was refused, what rules found. */

import { useState } from "react";
import { useFleet } from "../../api/fleet";
import { ordered, sumOf, type Order } from "../../state/fleet";
import { formatCount } from "../../state/number";
import { named } from "../../state/search";
import { formatDay } from "../../state/time";
import { useNow } from "../../state/useNow";
import { NoVehicles } from "../Empty";
import { ErrorBanner, ErrorNotice, Notice } from "../Notice";
import { FleetTable } from "./FleetTable";
import { Tiles } from "./Tiles";

const SPANS = [1, 7, 14, 31] as const;
/** Rows at a time: each asks for its own events. */
const STEP = 50;

export function FleetPage() {
  const [days, setDays] = useState<number>(7);
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(STEP);
  const [order, setOrder] = useState<Order>({ by: "seen", down: true });
  const [opened, setOpened] = useState<string | null>(null);
  const fleet = useFleet(days);
  const now = useNow();
  const retry = (): void => void fleet.refetch();

  if (!fleet.data) {
    return (
      <main className="fleet">
        {fleet.error ? <ErrorNotice error={fleet.error} onRetry={retry} /> : <Notice icon="fleet" title="Looking at the fleet…" />}
      </main>
    );
  }
  const { vehicles, first, last, next } = fleet.data;
  if (first === null || last === null) return <main className="fleet"><NoVehicles /></main>;
  const total = sumOf(vehicles.flatMap((vehicle) => vehicle.days));
  const found = named(vehicles, search);
  const lead = (next: Order, open: boolean): void => {
    setSearch("");
    setOrder(next);
    setOpened(open ? (ordered(vehicles, next)[0]?.vehicle_id ?? null) : null);
  };
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
        <label className="choosing">
          Days
          <select className="input" value={days} onChange={(event) => setDays(Number(event.target.value))}>
            {SPANS.map((span) => (
              <option key={span}>{span}</option>
            ))}
          </select>
        </label>
      </header>
      {fleet.error && <ErrorBanner error={fleet.error} onRetry={retry} />}
      <Tiles vehicles={`${formatCount(vehicles.length)}${next === null ? "" : "+"}`} total={total} onLead={lead} />
      <div className="fleet-scroll" tabIndex={0} role="region" aria-label="Vehicles">
        <FleetTable
          vehicles={ordered(found, order).slice(0, shown)}
          first={first}
          last={last}
          now={now}
          order={order}
          onOrder={setOrder}
          opened={opened}
          onOpened={setOpened}
        />
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
