/** The days of a vehicle side by side, coloured by how well they were decoded; each leads to its charts. */

import { recordedDay } from "../../api/fleet";
import type { VehicleHealth } from "../../api/types";
import { DAY } from "../../state/calendar";
import { decodedShare, formatShare, sumOf, toneOf } from "../../state/fleet";
import { formatCount } from "../../state/number";
import { chartsHref, openHref } from "../../state/page";
import { formatDay } from "../../state/time";

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
        const text = `${formatDay(start)}: ${formatCount(day.rows)} frames, ${formatShare(decodedShare(sum))} decoded`;
        return (
          <a
            key={start}
            className={`day-cell ${toneOf(sum)}`}
            href={chartsHref(vehicle.vehicle_id, { from: start, to: start + DAY })}
            title={text}
            aria-label={`${vehicle.vehicle_id}, ${text}`}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              void recordedDay(vehicle.vehicle_id, start).then((range) => openHref(chartsHref(vehicle.vehicle_id, range)));
            }}
          >
            {new Date(start).getUTCDate()}
          </a>
        );
      })}
    </span>
  );
}
