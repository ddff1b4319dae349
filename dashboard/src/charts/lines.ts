/** What is drawn of a panel: a line per signal, and one more for each run laid over it. */

import type { SeriesAnswer } from "../api/choose";
import type { Trace } from "../api/trace";
import { SLOTS, type Slots } from "../state/palette";
import type { SignalKey } from "../state/signal";

export interface Line {
  /** `Message.Signal`, and of another run which one: its name in legends, charts and files. */
  readonly label: string;
  readonly key: SignalKey;
  readonly slot: number;
  /** Which of the runs laid over it is; null: the own one. */
  readonly run: number | null;
  readonly trace: Trace;
}

/** Another run's answer, moved onto the own clock. */
export interface LaidOver {
  readonly label: string;
  readonly answer: SeriesAnswer | undefined;
}

/** The lines of the chosen signals, the runs of each right behind it. */
export function linesOf(traces: readonly Trace[], over: readonly LaidOver[], slots: Slots): Line[] {
  return traces.flatMap((trace) => {
    const slot = slots[trace.key] ?? 0;
    const own: Line = { label: trace.key, key: trace.key, slot, run: null, trace };
    const others = over.flatMap(({ label, answer }, run): Line[] => {
      const other = answer?.traces.find(({ key }) => key === trace.key);
      // a colour of its own, so that two runs of one signal are not told apart by dashes alone
      return other ? [{ label: `${trace.key} · ${label}`, key: trace.key, slot: (slot + 3 * (run + 1)) % SLOTS, run, trace: other }] : [];
    });
    return [own, ...others];
  });
}

/** A trace whose clock is `shift` milliseconds ahead of the own one, on the own one. */
export function moved(trace: Trace, shift: number): Trace {
  if (shift === 0) return trace;
  const back = (t: readonly number[]): number[] => t.map((instant) => instant - shift);
  const { envelope } = trace;
  return { ...trace, t: back(trace.t), envelope: envelope && { ...envelope, t: back(envelope.t) } };
}
