/** One vehicle of the fleet: its numbers, each of which opens what is behind it. */

import { useEvents } from "../../api/events";
import type { VehicleHealth } from "../../api/types";
import { decodedShare, formatShare, sumOf, toneOf, type Counted } from "../../state/fleet";
import { freshnessOf } from "../../state/freshness";
import { formatCompact, formatCount, nounFor } from "../../state/number";
import { chartsHref } from "../../state/page";
import { DAY } from "../../state/time";
import { Link } from "../Link";
import { DayCells } from "./DayCells";
import { FleetDetails } from "./FleetDetails";

/** What is counted, of one and of several, and how much it matters. */
const NUMBERS: readonly (readonly [Counted, string, string, string])[] = [
  ["unknown_id", "frame with an unknown id", "frames with unknown ids", "warn"],
  ["decode_error", "frame with an error", "frames with errors", "warn"],
  ["bad_rows", "row that is no frame", "rows that are no frame", "bad"],
  ["quarantined", "object in quarantine", "objects in quarantine", "bad"],
  ["pending", "object that waits", "objects that wait", "warn"],
];

interface Props {
  readonly vehicle: VehicleHealth;
  readonly first: string;
  readonly last: string;
  readonly days: readonly number[];
  readonly now: number;
  readonly open: boolean;
  readonly columns: number;
  readonly onToggle: () => void;
}

export function FleetRow({ vehicle, first, last, days, now, open, columns, onToggle }: Props) {
  const { vehicle_id: id } = vehicle;
  const sum = sumOf(vehicle.days);
  const seen = freshnessOf(vehicle.last_seen, now);
  const events = useEvents(id, { from: Date.parse(first), to: Date.parse(last) + DAY });
  const number = (count: number, what: string, tone: string) => (
    <button type="button" className={`number-button ${count > 0 ? tone : ""}`} aria-expanded={open} aria-label={`${id}: ${formatCompact(count)} ${what}`} title={`${formatCount(count)} ${what}`} onClick={onToggle}>
      {formatCompact(count)}
    </button>
  );
  return (
    <>
      <tr className={open ? "fleet-row open" : "fleet-row"}>
        <th scope="row">
          <Link href={chartsHref(id)} className="vehicle-link">
            <span className={`dot ${toneOf(sum)}`} />
            {id}
          </Link>
        </th>
        <td>
          <span className={`seen ${seen.tone}`}>{seen.text}</span>
        </td>
        <td>
          <DayCells vehicle={vehicle} days={days} />
        </td>
        <td>{number(sum.rows, nounFor(sum.rows, "frame"), "")}</td>
        <td>
          <button type="button" className="number-button" aria-expanded={open} aria-label={`${id}: ${formatShare(decodedShare(sum))} decoded`} onClick={onToggle}>
            {formatShare(decodedShare(sum))}
          </button>
        </td>
        {NUMBERS.map(([name, one, many, tone]) => (
          <td key={name}>{number(sum[name], nounFor(sum[name], one, many), tone)}</td>
        ))}
        <td>
          {events.data
            ? number(events.data.length, nounFor(events.data.length, "event"), events.data.some(({ severity }) => severity === "critical") ? "bad" : "")
            : "…"}
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={columns}>
            <FleetDetails vehicle={vehicle} first={first} last={last} />
          </td>
        </tr>
      )}
    </>
  );
}
