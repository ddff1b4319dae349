/** What rules found in a vehicle's recordings: events of the whole days that a view touches, asked for once a day. */

import { keepPreviousData, skipToken, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { wholeDays, type RuleEvent } from "../state/event";
import type { TimeRange } from "../state/range";
import { keyOf } from "../state/signal";
import { isoInstant, parseInstant } from "../state/time";
import { request } from "./client";
import type { EventData, EventsResponse } from "./types";

const MINUTE = 60_000;

/** Events of a vehicle in the days of a range, in order of their beginnings; the same answer for every zoom of a day. */
export function useEvents(vehicle: string | null, range: TimeRange | null, live = false): UseQueryResult<RuleEvent[]> {
  const days = range && wholeDays(range);
  return useQuery({
    queryKey: ["events", vehicle, days],
    queryFn: vehicle !== null && days ? ({ signal }) => listEvents(vehicle, days, signal) : skipToken,
    staleTime: live ? 0 : 5 * MINUTE,
    refetchInterval: live ? 10_000 : 2 * MINUTE,
    // another day of the same vehicle: what is known stays until more is
    placeholderData: (before, asked) => (asked?.queryKey[1] === vehicle ? keepPreviousData(before) : undefined),
  });
}

async function listEvents(vehicle: string, { from, to }: TimeRange, signal: AbortSignal): Promise<RuleEvent[]> {
  const path = `/vehicles/${encodeURIComponent(vehicle)}/events`;
  const query = `start=${isoInstant(from)}&end=${isoInstant(to)}`;
  const { events } = await request<EventsResponse>(`${path}?${query}`, { signal });
  return events.map(eventOf);
}

function eventOf(event: EventData): RuleEvent {
  const from = parseInstant(event.start_time);
  return {
    id: `${event.rule} ${event.message_name}.${event.signal_name} ${event.channel} ${event.start_time}`,
    rule: event.rule,
    severity: event.severity === "critical" || event.severity === "warning" ? event.severity : "info",
    description: event.description,
    key: keyOf(event),
    condition: event.condition,
    unit: event.unit,
    range: { from, to: parseInstant(event.end_time) },
    worst: event.worst_value,
    worstAt: parseInstant(event.worst_time),
    samples: event.samples,
    openStart: event.open_start,
    openEnd: event.open_end,
  };
}
