/** The vehicles of a fleet as a table: ordered by any column, each row opens to what is behind its numbers. */

import { useState } from "react";
import type { FleetHealth } from "../../api/types";
import { DAY } from "../../state/calendar";
import { ordered, type Column, type Order } from "../../state/fleet";
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
  readonly vehicles: FleetHealth["vehicles"];
  readonly first: string;
  readonly last: string;
  readonly now: number;
}

export function FleetTable({ vehicles, first, last, now }: Props) {
  const [order, setOrder] = useState<Order>({ by: "seen", down: true });
  const [opened, setOpened] = useState<string | null>(null);
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
                <button type="button" onClick={() => setOrder({ by, down: order.by === by ? !order.down : by !== "vehicle" })}>
                  {title}
                  <span aria-hidden="true">{by === order.by ? (order.down ? " ↓" : " ↑") : ""}</span>
                </button>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {ordered(vehicles, order).map((vehicle) => (
          <FleetRow
            key={vehicle.vehicle_id}
            vehicle={vehicle}
            first={first}
            last={last}
            days={days}
            now={now}
            columns={COLUMNS.length}
            open={opened === vehicle.vehicle_id}
            onToggle={() => setOpened(opened === vehicle.vehicle_id ? null : vehicle.vehicle_id)}
          />
        ))}
      </tbody>
    </table>
  );
}
