/** How well the vehicles of a fleet were decoded, and what went wrong with one of them. */

import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { recordedIn, sessionsByDay } from "../state/calendar";
import type { TimeRange } from "../state/range";
import { DAY } from "../state/time";
import { request } from "./client";
import { queryClient, vehiclePath } from "./queries";
import type { FleetHealth, HealthDetails, Session } from "./types";

/** As many vehicles as one answer has; a page says when there are more. */
const PAGE = 1000;

/** All vehicles over the newest days of the fleet. */
export function useFleet(days: number, enabled = true): UseQueryResult<FleetHealth> {
  return useQuery({
    enabled,
    queryKey: ["fleet", days],
    queryFn: ({ signal }) => request<FleetHealth>(`/fleet/health?days=${days}&limit=${PAGE}`, { signal }),
    staleTime: 30_000,
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  });
}

/** What went wrong with a vehicle in some days, by name. */
export function useHealthDetails(vehicle: string, first: string, last: string): UseQueryResult<HealthDetails> {
  return useQuery({
    queryKey: ["fleet details", vehicle, first, last],
    queryFn: ({ signal }) => request<HealthDetails>(`${vehiclePath(vehicle)}/health?first=${first}&last=${last}`, { signal }),
    staleTime: 60_000,
  });
}

/** From the first to the last sample of a vehicle's day; the whole day where nobody can say. */
export async function recordedDay(vehicle: string, day: number): Promise<TimeRange> {
  try {
    const sessions = await queryClient.query({
      queryKey: ["sessions", vehicle],
      queryFn: ({ signal }) => request<Session[]>(`${vehiclePath(vehicle)}/sessions`, { signal }),
      staleTime: 60_000,
    });
    const held = sessionsByDay(sessions).get(day);
    if (held) return recordedIn(day, held);
  } catch {
    // the charts ask again, and say what is wrong
  }
  return { from: day, to: day + DAY };
}
