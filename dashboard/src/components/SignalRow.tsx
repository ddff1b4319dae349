/** One signal of the tree: a box to tick, its unit, and between which values it moves. */

import type { Signal } from "../api/types";
import { formatValue } from "../state/number";
import { slotColor } from "../state/palette";
import { keyOf } from "../state/signal";
import { toggleSignal, useView } from "../state/view";

export function SignalRow({ message, signal }: { readonly message: string; readonly signal: Signal }) {
  const key = keyOf({ message_name: message, signal_name: signal.signal_name });
  const chosen = useView((view) => view.signals?.includes(key) ?? false);
  const slot = useView((view) => view.slots[key]);
  return (
    <li role="treeitem" aria-selected={chosen}>
      <label className={chosen ? "signal chosen" : "signal"} title={key}>
        <input
          type="checkbox"
          aria-label={key}
          checked={chosen}
          onChange={() => toggleSignal(key)}
          style={{ accentColor: slotColor(slot) }}
        />
        <span className="signal-name">{signal.signal_name}</span>
        <span className="signal-span muted number">
          {formatValue(signal.min_value, 4)} … {formatValue(signal.max_value, 4)}
        </span>
        <span className="signal-unit">{signal.unit}</span>
      </label>
    </li>
  );
}
