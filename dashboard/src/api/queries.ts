/** What there is to look at, as hooks: what is cached, for how long, and what is asked again. Samples are `series`. */

import { notifyManager, QueryClient, useQueries, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { MINUTE, parseInstant } from "../state/time";
import { ApiError, request } from "./client";
import type { Health, Message, Session, Signal, Vehicle } from "./types";

const SECOND = 1000;

/** A session that ended this recently may still be growing. */
const GROWING = 3 * MINUTE;

// an answer is drawn in the task that read it: a timer would come after whatever else waits
notifyManager.setScheduler(queueMicrotask);

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

export const vehiclePath = (vehicle: string): string => `/vehicles/${encodeURIComponent(vehicle)}`;

export function useHealth(): UseQueryResult<Health> {
  return useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => request<Health>("/health", { signal }),
    retry: false,
    refetchInterval: (query) => (query.state.status === "error" ? 2 * SECOND : 10 * SECOND),
  });
}

export function useVehicles(enabled = true): UseQueryResult<Vehicle[]> {
  return useQuery({
    enabled,
    queryKey: ["vehicles"],
    queryFn: ({ signal }) => request<Vehicle[]>("/vehicles", { signal }),
    refetchInterval: 15 * SECOND,
    select: newestSeenFirst,
  });
}

const newestSeenFirst = (vehicles: Vehicle[]): Vehicle[] =>
  vehicles.toSorted((a, b) => lastSeen(b) - lastSeen(a));

const lastSeen = ({ last_seen }: Vehicle): number => (last_seen ? parseInstant(last_seen) : -Infinity);

/** Whether the newest session still grows, as far as its end tells; one of a clock that is far ahead does not say. */
export function isGrowing(sessions: readonly Session[] | undefined, now: number): boolean {
  const newest = sessions?.[0];
  return newest !== undefined && Math.abs(now - parseInstant(newest.end_time)) < GROWING;
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

export interface SignalsState {
  /** Of each message, in their order; undefined until known. */
  readonly signals: readonly (readonly Signal[] | undefined)[];
  readonly complete: boolean;
  readonly error: Error | null;
}

const together = (answers: readonly UseQueryResult<Signal[]>[]): SignalsState => ({
  signals: answers.map(({ data }) => data),
  complete: answers.every(({ isSuccess }) => isSuccess),
  error: answers.find(({ error }) => error)?.error ?? null,
});

/** The signals of some messages; the same object as long as nothing more is known. */
export function useSignals(vehicle: string | null, messages: readonly string[]): SignalsState {
  return useQueries({
    combine: together,
    queries: messages.map((message) => ({
      queryKey: ["signals", vehicle, message],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        request<Signal[]>(`${vehiclePath(vehicle ?? "")}/messages/${encodeURIComponent(message)}/signals`, { signal }),
      enabled: vehicle !== null,
    })),
  });
}
