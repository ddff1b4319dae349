/** The vehicles of a fleet as a table: ordered by any column, each row opens to what is behind its numbers. */

import type { FleetHealth } from "../../api/types";
import { reordered, type Column, type Order } from "../../state/fleet";
import { DAY } from "../../state/time";
import { FleetRow } from "./FleetRow";

const COLUMNS: readonly (readonly [Column | null, string])[] = [
  ["vehicle", "Vehicle"],
  ["seen", "Last seen"],
  [null, "Days"],
  ["rows", "Frames"],
  ["decoded", "Decoded"],
  ["unknown_id", "Unknown ids"],
  ["decode_error", "Errors"],
  ["bad_rows", "Bad rows"],
  ["quarantined", "Quarantine"],
  ["pending", "Waiting"],
  [null, "Events"],
];

interface Props {
  /** In `order`. */
  readonly vehicles: FleetHealth["vehicles"];
  readonly first: string;
  readonly last: string;
  readonly now: number;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  /** The vehicle that is opened to what is behind its numbers. */
  readonly opened: string | null;
  readonly onOpened: (vehicle: string | null) => void;
}

export function FleetTable({ vehicles, first, last, now, order, onOrder, opened, onOpened }: Props) {
  const start = Date.parse(first);
  const days = Array.from({ length: (Date.parse(last) - start) / DAY + 1 }, (_, i) => start + i * DAY);
  return (
    <table className="fleet-table">
      <thead>
        <tr>
          {COLUMNS.map(([by, title]) => (
            <th key={title} scope="col" aria-sort={by !== null && by === order.by ? (order.down ? "descending" : "ascending") : undefined}>
              {by === null ? (
                title
              ) : (
                <button type="button" onClick={() => onOrder(reordered(order, by))}>
                  {title}
                  <span aria-hidden="true">{by === order.by ? (order.down ? " ↓" : " ↑") : ""}</span>
                </button>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {vehicles.map((vehicle) => (
          <FleetRow
            key={vehicle.vehicle_id}
            vehicle={vehicle}
            first={first}
            last={last}
            days={days}
            now={now}
            columns={COLUMNS.length}
            open={opened === vehicle.vehicle_id}
            onToggle={() => onOpened(opened === vehicle.vehicle_id ? null : vehicle.vehicle_id)}
          />
        ))}
      </tbody>
    </table>
  );
}
