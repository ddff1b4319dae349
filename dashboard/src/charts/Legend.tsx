/** The signals of a panel with their values under the crosshair, or their last ones when it is elsewhere. */

import type { Trace } from "../api/trace";
import { formatValue } from "../state/number";
import { slotColor } from "../state/palette";
import { toggleSignal, useView } from "../state/view";
import { useCrosshair } from "./crosshair";
import { valueAt } from "./nearest";

export function Legend({ traces }: { readonly traces: readonly Trace[] }) {
  const time = useCrosshair((crosshair) => crosshair.time);
  const slots = useView((view) => view.slots);
  return (
    <ul className={time === null ? "legend resting" : "legend"}>
      {traces.map((trace) => (
        <li key={trace.key} title={trace.key}>
          <span className="swatch" style={{ background: slotColor(slots[trace.key]) }} />
          <span className="legend-name">{trace.key}</span>
          <span className="legend-value number">{formatValue(time === null ? trace.v.at(-1) : valueAt(trace, time))}</span>
          <button type="button" className="legend-close" aria-label={`Hide ${trace.key}`} onClick={() => toggleSignal(trace.key)}>
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
