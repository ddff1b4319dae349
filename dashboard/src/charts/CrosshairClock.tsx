/** The instant under the crosshair, to the millisecond. */

import { formatClock, formatDay } from "../state/time";
import { useCrosshair } from "./crosshair";

export function CrosshairClock() {
  const time = useCrosshair((crosshair) => crosshair.time);
  if (time === null) return null;
  return (
    <span className="crosshair-clock number">
      {formatDay(time)} <strong>{formatClock(time, 3)}</strong> <span className="zone">UTC</span>
    </span>
  );
}
