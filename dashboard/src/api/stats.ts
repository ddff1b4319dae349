/** Exact statistics over ranges, from every sample of them: the service counts, nothing here is made of drawn points. */

import { keepPreviousData, skipToken, useQuery, type UseQueryResult } from "@tanstack/react-query";
import type { TimeRange } from "../state/range";
import { keyOf, type SignalKey, type SignalRef } from "../state/signal";
import { isoInstant, MINUTE } from "../state/time";
import { request } from "./client";
import { vehiclePath } from "./queries";
import type { QueryStats, SignalStats, StatsRequest, StatsResponse } from "./types";

export interface RangeStats {
  readonly range: TimeRange;
  readonly bySignal: ReadonlyMap<SignalKey, SignalStats>;
}

export interface StatsAnswer {
  /** In the order of the question. */
  readonly ranges: readonly RangeStats[];
  readonly cost: QueryStats;
}

/** `ranges` are half-open; until the new answer is there, the old one of the same signals stays. */
export function useStats(
  vehicle: string,
  signals: readonly SignalRef[],
  ranges: readonly TimeRange[] | null,
  growing = false,
): UseQueryResult<StatsAnswer> {
  return useQuery({
    queryKey: ["stats", vehicle, signals, ranges],
    queryFn: ranges && signals.length > 0 ? ({ signal }) => askStats(vehicle, signals, ranges, signal) : skipToken,
    staleTime: growing ? 0 : 5 * MINUTE,
    gcTime: MINUTE,
    placeholderData: (before, asked) => (asked?.queryKey[1] === vehicle ? keepPreviousData(before) : undefined),
    refetchOnWindowFocus: false,
  });
}

async function askStats(
  vehicle: string,
  signals: readonly SignalRef[],
  ranges: readonly TimeRange[],
  signal: AbortSignal,
): Promise<StatsAnswer> {
  const body: StatsRequest = {
    signals: [...signals],
    ranges: ranges.map(({ from, to }) => ({ start_time: isoInstant(from), end_time: isoInstant(to) })),
  };
  const answer = await request<StatsResponse>(`${vehiclePath(vehicle)}/stats`, { signal, body });
  return {
    ranges: answer.ranges.map((said, i) => ({
      range: ranges[i] ?? { from: NaN, to: NaN },
      bySignal: new Map(said.signals.map((one) => [keyOf({ message_name: one.message_name, signal_name: one.name }), one])),
    })),
    cost: answer.query_stats,
  };
}
