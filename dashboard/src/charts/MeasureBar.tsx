/** What the cursors A and B measure: when, how far apart, the values at them, and exact statistics of what lies between. */

import type { KeyboardEvent } from "react";
import { useStats } from "../api/stats";
import { IconButton } from "../components/IconButton";
import { STATS_TITLES, StatsCells } from "../components/StatsCells";
import { between, CURSORS, type CursorName } from "../state/cursors";
import { formatValue } from "../state/number";
import { slotColor } from "../state/palette";
import { spanOf, type TimeRange } from "../state/range";
import { keyOf, type SignalRef } from "../state/signal";
import { formatClock, formatDay } from "../state/time";
import { clearCursors, setCursor, useView } from "../state/view";
import { formatDelta, formatRate, measured, rangesOf } from "./measure";

interface Props {
  readonly vehicle: string;
  readonly signals: readonly SignalRef[];
  readonly range: TimeRange;
}

/** One press of an arrow key moves a cursor by this part of the view; with shift by ten of them. */
const STEP = 1 / 1000;

export function MeasureBar({ vehicle, signals, range }: Props) {
  const cursors = useView((view) => view.cursors);
  const slots = useView((view) => view.slots);
  const gap = between(cursors);
  const stats = useStats(vehicle, signals, gap && rangesOf(gap));
  if (cursors.a === null && cursors.b === null) return null;
  const rows = gap && stats.data && !stats.isPlaceholderData ? stats.data : null;
  return (
    <section className="measure" aria-label="Measurement" aria-busy={stats.isFetching}>
      <header>
        {CURSORS.map((name) => (
          <CursorField key={name} name={name} instant={cursors[name]} range={range} />
        ))}
        {gap && (
          <dl>
            <div>
              <dt>Δt</dt>
              <dd data-testid="delta-t">{formatDelta(spanOf(gap))}</dd>
            </div>
            <div>
              <dt>1/Δt</dt>
              <dd data-testid="rate">{formatRate(spanOf(gap))}</dd>
            </div>
          </dl>
        )}
        <span className="spacer" />
        <IconButton icon="close" label="Remove both cursors" hotkey="x" onClick={clearCursors} />
      </header>
      {stats.error && (
        <p className="fault" role="alert">
          {stats.error.message}
        </p>
      )}
      {rows && (
        <div className="stats-scroll">
          <table>
            <thead>
              <tr>
                {["Between A and B", "At A", "At B", "Δv", ...STATS_TITLES].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {signals.map(keyOf).map((key) => {
                const { atA, atB, delta, stats: one } = measured(rows, key, (cursors.a ?? 0) < (cursors.b ?? 0));
                return (
                  <tr key={key}>
                    <th scope="row">
                      <span className="swatch" style={{ background: slotColor(slots[key]) }} />
                      {key} <span className="muted">{one?.unit}</span>
                    </th>
                    <td>{formatValue(atA)}</td>
                    <td>{formatValue(atB)}</td>
                    <td>{formatValue(delta)}</td>
                    <StatsCells stats={one} />
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

/** When a cursor is; arrow keys move it. */
function CursorField({ name, instant, range }: { readonly name: CursorName; readonly instant: number | null; readonly range: TimeRange }) {
  const label = name.toUpperCase();
  if (instant === null) {
    return (
      <span className="muted">
        <kbd>{name}</kbd> sets {label}
      </span>
    );
  }
  const press = (event: KeyboardEvent): void => {
    const way = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (way === 0) return;
    event.preventDefault();
    event.stopPropagation();
    setCursor(name, instant + way * STEP * spanOf(range) * (event.shiftKey ? 10 : 1));
  };
  return (
    <span
      className="cursor-field number"
      role="slider"
      tabIndex={0}
      aria-label={`Cursor ${label}`}
      aria-valuemin={range.from}
      aria-valuemax={range.to}
      aria-valuenow={instant}
      aria-valuetext={`${formatDay(instant)} ${formatClock(instant, 3)} UTC`}
      title="Drag it in a panel, or move it with ← and →"
      onKeyDown={press}
    >
      <b>{label}</b> {formatDay(instant)} {formatClock(instant, 3)}
    </span>
  );
}
