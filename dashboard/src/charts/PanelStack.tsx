/** The panels of all units, one above the other on one time axis. */

import { useMemo } from "react";
import type { Trace } from "../api/trace";
import type { TimeRange } from "../state/range";
import { groupByUnit } from "./panels";
import { Panel } from "./Panel";

/** More panels than this scroll, and the last one's time axis may be out of sight: then each one has times. */
const FITTING = 5;

interface Props {
  readonly vehicle: string;
  readonly traces: readonly Trace[];
  readonly range: TimeRange;
}

export function PanelStack({ vehicle, traces, range }: Props) {
  const panels = useMemo(() => groupByUnit(traces), [traces]);
  return (
    <div className="panels">
      {panels.map((panel, i) => (
        <Panel
          key={panel.unit}
          panel={panel}
          vehicle={vehicle}
          range={range}
          labels={i === panels.length - 1 ? "full" : panels.length > FITTING ? "clock" : "none"}
        />
      ))}
    </div>
  );
}
