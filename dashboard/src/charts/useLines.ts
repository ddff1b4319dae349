/** The lines to draw: what was answered of the own run and of those laid over it, on one clock. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import type { SeriesAnswer } from "../api/choose";
import type { Tails } from "../api/live";
import { askingRun, type SeriesQuery } from "../api/series";
import { appended } from "../api/tail";
import { shiftOf } from "../state/overlay";
import type { TimeRange } from "../state/range";
import { formatClock, formatDay } from "../state/time";
import { useView } from "../state/view";
import { linesOf, moved, type LaidOver, type Line } from "./lines";

/**
 * @param answer Of the own run.
 * @param tails What came since, by signal.
 * @param query What is chosen.
 * @param settled The own range, at rest: each run is asked for the same stretch of its own clock.
 */
export function useLines(
  answer: SeriesAnswer | undefined,
  tails: Tails,
  query: SeriesQuery | null,
  settled: TimeRange,
): { lines: readonly Line[]; busy: boolean; error: Error | null } {
  const { overlay, slots, signals } = useView();
  const shifts = overlay.runs.map((run) => shiftOf(run, overlay));
  const answers = useQueries({
    queries: query ? overlay.runs.map((run, i) => askingRun({ ...query, vehicle: run.vehicle }, settled, shifts[i] ?? 0)) : [],
    combine: (results) => ({
      data: results.map(({ data }) => data),
      busy: results.some(({ isFetching }) => isFetching),
      error: results.find(({ error }) => error)?.error ?? null,
    }),
  });
  const { data, busy, error } = answers;
  const lines = useMemo(() => {
    // an older answer may still show signals that were unticked since
    const own = (answer?.traces ?? []).filter(({ key }) => signals?.includes(key)).map((trace) => appended(trace, tails.get(trace.key)));
    const over = overlay.runs.map((run, i): LaidOver => {
      const found = data[i];
      const shift = shiftOf(run, overlay);
      return {
        label: `${run.vehicle} ${formatDay(run.start)} ${formatClock(run.start).slice(0, 5)}`,
        answer: found && { ...found, traces: found.traces.map((trace) => moved(trace, shift)) },
      };
    });
    return linesOf(own, over, slots);
  }, [answer, tails, data, overlay, slots, signals]);
  return { lines, busy, error };
}
