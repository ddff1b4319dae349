/** What lies at and between two cursors, from exact statistics: a value at an instant is the last sample until then. */

import type { StatsAnswer } from "../api/stats";
import type { SignalStats } from "../api/types";
import { spanOf, type TimeRange } from "../state/range";
import type { SignalKey } from "../state/signal";
import { formatSpan } from "../state/time";

/** Instants are told apart to a microsecond: a sample at a cursor belongs to it. */
const INSTANT = 0.001;

/** A value older than this says nothing about a cursor: the recording may have paused. */
const LONGEST_HOLD = 60_000;

/** What to ask for: until the earlier cursor, until the later one, and between them. */
export function rangesOf(gap: TimeRange): TimeRange[] {
  const hold = Math.max(spanOf(gap), LONGEST_HOLD);
  return [
    { from: gap.from - hold, to: gap.from + INSTANT },
    { from: gap.to - hold, to: gap.to + INSTANT },
    gap,
  ];
}

export interface Measured {
  readonly atA: number | null;
  readonly atB: number | null;
  /** From A to B, whichever is earlier. */
  readonly delta: number | null;
  readonly stats: SignalStats | undefined;
}

export function measured({ ranges }: StatsAnswer, key: SignalKey, aIsFirst: boolean): Measured {
  const [early = null, late = null] = ranges.slice(0, 2).map(({ bySignal }) => bySignal.get(key)?.last ?? null);
  const [atA, atB] = aIsFirst ? [early, late] : [late, early];
  return {
    atA,
    atB,
    delta: atA === null || atB === null ? null : atB - atA,
    stats: ranges[2]?.bySignal.get(key),
  };
}

/** How often a second something happens that takes `ms`: `50 Hz`, `1.2 kHz`, `0.25 mHz`. */
export function formatRate(ms: number): string {
  const hertz = 1000 / ms;
  const [factor, unit] = hertz >= 1000 ? [1e-3, "kHz"] : hertz >= 0.1 ? [1, "Hz"] : hertz >= 1e-4 ? [1e3, "mHz"] : [1e6, "µHz"];
  return `${Number((hertz * factor).toPrecision(5))} ${unit}`;
}

/** A distance in time to the microsecond: `250.125 ms`, `83.456 s (1 min 23 s)`. */
export function formatDelta(ms: number): string {
  if (ms < 1000) return `${Number(ms.toFixed(3))} ms`;
  const seconds = `${Number((ms / 1000).toFixed(6))} s`;
  return ms < 60_000 ? seconds : `${seconds} (${formatSpan(ms)})`;
}
