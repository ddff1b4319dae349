/** Statistics of every sample in the visible range, not only of the drawn ones. */

import { useState } from "react";
import type { StatsAnswer } from "../api/stats";
import { CrosshairClock } from "../charts/CrosshairClock";
import { formatCompact, nounFor } from "../state/number";
import { slotColor } from "../state/palette";
import type { SignalKey } from "../state/signal";
import { useView } from "../state/view";
import { Icon } from "./Icon";
import { STATS_TITLES, StatsCells } from "./StatsCells";

interface Props {
  readonly signals: readonly SignalKey[];
  /** Of the visible range; undefined until it is counted. */
  readonly answer: StatsAnswer | undefined;
}

export function StatsTable({ signals, answer }: Props) {
  const [open, setOpen] = useState(true);
  const slots = useView((view) => view.slots);
  const found = answer?.ranges[0]?.bySignal;
  const cost = answer?.cost;
  return (
    <section className="stats" aria-label="Statistics">
      <header className="stats-head">
        <button type="button" className="stats-title" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span className={open ? "caret open" : "caret"}>
            <Icon name="right" />
          </span>
          Statistics of the visible range
        </button>
        <CrosshairClock />
        {cost && (
          <span className="cost muted number" title={`${formatCompact(cost.bytes_scanned)}B read by the service`}>
            {cost.rows_scanned > 0 ? `${formatCompact(cost.rows_scanned)} ${nounFor(cost.rows_scanned, "row")} read` : "answered"} in {Math.max(1, Math.round(cost.duration_ms))} ms
          </span>
        )}
      </header>
      {open && (
        <div className="stats-scroll">
          <table>
            <thead>
              <tr>
                {["Signal", "Unit", ...STATS_TITLES].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {signals.map((key) => {
                const stats = found?.get(key);
                return (
                  <tr key={key}>
                    <th scope="row">
                      <span className="swatch" style={{ background: slotColor(slots[key]) }} />
                      {key}
                    </th>
                    <td className="muted">{stats?.unit ?? "–"}</td>
                    <StatsCells stats={stats} />
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
