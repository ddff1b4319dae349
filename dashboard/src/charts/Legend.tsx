/** The lines of a panel with their values under the crosshair, or their last ones when it is elsewhere. */

import { slotColor } from "../state/palette";
import { toggleSignal } from "../state/view";
import { useCrosshair } from "./crosshair";
import type { Line } from "./lines";
import { MoveHandle } from "./MoveHandle";
import { valueAt } from "./nearest";
import type { PanelModel } from "./panels";
import { textOf } from "./strips";

interface Props {
  readonly lines: readonly Line[];
  readonly panels: readonly PanelModel[];
}

export function Legend({ lines, panels }: Props) {
  const time = useCrosshair((crosshair) => crosshair.time);
  return (
    <ul className={time === null ? "legend resting" : "legend"}>
      {lines.map(({ label, key, slot, run, trace }) => (
        <li key={label} title={label}>
          {run === null ? <MoveHandle signal={key} panels={panels} /> : null}
          <span className={run === null ? "swatch" : "swatch dashed"} style={{ background: slotColor(slot) }} />
          <span className="legend-name">{run === null ? label : label.slice(`${key} · `.length)}</span>
          <span className="legend-value number">{textOf(time === null ? trace.v.at(-1) : valueAt(trace, time), trace.choices)}</span>
          {run === null && (
            <button type="button" className="legend-close" aria-label={`Hide ${key}`} onClick={() => toggleSignal(key)}>
              ×
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
