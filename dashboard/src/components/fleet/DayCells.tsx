/** The days of a vehicle side by side, coloured by how well they were decoded; each leads to its charts. */

import type { VehicleHealth } from "../../api/types";
import { decodedShare, formatShare, sumOf, toneOf } from "../../state/fleet";
import { formatCount, nounFor } from "../../state/number";
import { chartsHref } from "../../state/page";
import { DAY, formatDay } from "../../state/time";
import { Link } from "../Link";
import { openDay } from "./openDay";

interface Props {
  readonly vehicle: VehicleHealth;
  /** The days to show, oldest first, each by its beginning. */
  readonly days: readonly number[];
}

export function DayCells({ vehicle, days }: Props) {
  const held = new Map(vehicle.days.map((day) => [Date.parse(day.date), day]));
  return (
    <span className="day-cells">
      {days.map((start) => {
        const day = held.get(start);
        if (!day) return <span key={start} className="day-cell" title={`${formatDay(start)}: nothing`} />;
        const sum = sumOf([day]);
        const text = `${formatDay(start)}: ${formatCount(day.rows)} ${nounFor(day.rows, "frame")}, ${formatShare(decodedShare(sum))} decoded`;
        return (
          <Link
            key={start}
            className={`day-cell ${toneOf(sum)}`}
            href={chartsHref(vehicle.vehicle_id, { from: start, to: start + DAY })}
            title={text}
            label={`${vehicle.vehicle_id}, ${text}`}
            onOpen={() => void openDay(vehicle.vehicle_id, start)}
          >
            {new Date(start).getUTCDate()}
          </Link>
        );
      })}
    </span>
  );
}
