/** The service's endpoints as hooks: what is cached, for how long, and what is asked again. */

import { QueryClient, skipToken, useQueries, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import type { TimeRange } from "../state/range";
import type { SignalRef } from "../state/signal";
import { isoInstant, parseInstant } from "../state/time";
import { ApiError, request } from "./client";
import { traceOf, type Trace } from "./trace";
import type { Health, Message, QueryRequest, QueryResponse, QueryStats, Session, Signal, Vehicle } from "./types";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A session that ended this recently may still be growing. */
const GROWING = 3 * MINUTE;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5 * MINUTE,
      // a service on the own machine answers without a network
      networkMode: "always",
      retry: (failures, error) => failures < 1 && error instanceof ApiError && error.transient,
      retryDelay: 400,
    },
  },
});

const vehiclePath = (vehicle: string): string => `/vehicles/${encodeURIComponent(vehicle)}`;

export function useHealth(): UseQueryResult<Health> {
  return useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => request<Health>("/health", { signal }),
    retry: false,
    refetchInterval: (query) => (query.state.status === "error" ? 2 * SECOND : 10 * SECOND),
  });
}

export function useVehicles(): UseQueryResult<Vehicle[]> {
  return useQuery({
    queryKey: ["vehicles"],
    queryFn: ({ signal }) => request<Vehicle[]>("/vehicles", { signal }),
    refetchInterval: 15 * SECOND,
    select: newestSeenFirst,
  });
}

const newestSeenFirst = (vehicles: Vehicle[]): Vehicle[] =>
  vehicles.toSorted((a, b) => lastSeen(b) - lastSeen(a));

const lastSeen = ({ last_seen }: Vehicle): number => (last_seen ? parseInstant(last_seen) : -Infinity);

/** Whether the newest session still grows, as far as its end tells. */
export function isGrowing(sessions: readonly Session[] | undefined, now: number): boolean {
  const newest = sessions?.[0];
  return newest !== undefined && now - parseInstant(newest.end_time) < GROWING;
}

/** Sessions of a vehicle, newest first; asked again often while the newest one grows. */
export function useSessions(vehicle: string | null, live: boolean): UseQueryResult<Session[]> {
  return useQuery({
    queryKey: ["sessions", vehicle],
    queryFn: ({ signal }) => request<Session[]>(`${vehiclePath(vehicle ?? "")}/sessions`, { signal }),
    enabled: vehicle !== null,
    refetchInterval: (query) => {
      if (live) return 2 * SECOND;
      return isGrowing(query.state.data, Date.now()) ? 5 * SECOND : 30 * SECOND;
    },
  });
}

export function useMessages(vehicle: string | null): UseQueryResult<Message[]> {
  return useQuery({
    queryKey: ["messages", vehicle],
    queryFn: ({ signal }) => request<Message[]>(`${vehiclePath(vehicle ?? "")}/messages`, { signal }),
    enabled: vehicle !== null,
  });
}

/** The signals of each of `messages`, in their order; undefined until known. */
export function useSignals(vehicle: string | null, messages: readonly string[]): UseQueryResult<Signal[]>[] {
  return useQueries({
    queries: messages.map((message) => ({
      queryKey: ["signals", vehicle, message],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        request<Signal[]>(`${vehiclePath(vehicle ?? "")}/messages/${encodeURIComponent(message)}/signals`, { signal }),
      enabled: vehicle !== null,
    })),
  });
}

export interface SeriesQuery {
  readonly vehicle: string;
  readonly signals: readonly SignalRef[];
  readonly range: TimeRange;
  readonly maxPoints: number;
}

export interface SeriesAnswer {
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly traces: readonly Trace[];
  readonly cost: QueryStats;
}

export interface SeriesState {
  /** The answer to the newest question, or to an older one of the same vehicle while there is none yet. */
  readonly answer: SeriesAnswer | undefined;
  readonly current: boolean;
  readonly busy: boolean;
  readonly error: Error | null;
  readonly retry: () => void;
}

/**
 * The values of the visible range. A request that nobody waits for any more is aborted; until the new answer is there,
 * and when it never comes, the old one stays, so that the picture does not go blank.
 */
export function useSeries(query: SeriesQuery | null, growing: boolean): SeriesState {
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["series", query],
    queryFn: query && query.signals.length > 0 ? ({ signal }) => querySeries(query, signal) : skipToken,
    staleTime: growing ? 0 : 5 * MINUTE,
    gcTime: MINUTE,
    refetchOnWindowFocus: false,
  });
  const [held, setHeld] = useState<SeriesAnswer>();
  if (data !== undefined && data !== held) setHeld(data);
  return {
    answer: data ?? (held?.vehicle === query?.vehicle ? held : undefined),
    current: data !== undefined,
    busy: isFetching,
    error,
    retry: () => void refetch(),
  };
}

async function querySeries(query: SeriesQuery, signal: AbortSignal): Promise<SeriesAnswer> {
  const body: QueryRequest = {
    signals: [...query.signals],
    start_time: isoInstant(query.range.from),
    end_time: isoInstant(query.range.to),
    max_points: query.maxPoints,
    // keeps the lowest and the highest of every bucket: a spike is what somebody looks for, and they come in pairs
    method: "m4",
    include: ["stats", "gaps"],
  };
  const path = `${vehiclePath(query.vehicle)}/query`;
  const { signals, query_stats: cost } = await request<QueryResponse>(path, { signal, body });
  // the service answers in the order of the request
  const traces = query.signals.flatMap((ref, i) => {
    const series = signals[i];
    return series ? [traceOf(ref, series)] : [];
  });
  return { vehicle: query.vehicle, range: query.range, traces, cost };
}
