/** What rules found in a vehicle's recordings: events of the whole days that a view touches, asked for once a day. */

import { keepPreviousData, skipToken, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { eventsWithin, wholeDays, type RuleEvent } from "../state/event";
import { spanOf, type TimeRange } from "../state/range";
import { keyOf } from "../state/signal";
import { isoInstant, MINUTE, parseInstant } from "../state/time";
import { request } from "./client";
import { queryClient, vehiclePath } from "./queries";
import type { EventData, EventsResponse } from "./types";
import { contains } from "./window";

/**
 * Events of a vehicle in the days of a range, in order of their beginnings; the same answer for every zoom of a day.
 *
 * Days that lie within others which were asked for are not asked for again, unless the view follows live data.
 */
export function useEvents(vehicle: string | null, range: TimeRange | null, live = false): UseQueryResult<RuleEvent[]> {
  const days = range && wholeDays(range);
  const asked = days && ((live ? null : askedAround(vehicle, days)) ?? days);
  return useQuery({
    queryKey: [...eventsOf(vehicle), asked],
    queryFn: vehicle !== null && asked ? ({ signal }) => listEvents(vehicle, asked, signal) : skipToken,
    select: (events) => (days ? eventsWithin(events, days) : events),
    staleTime: live ? 0 : 5 * MINUTE,
    refetchInterval: live ? 10_000 : 2 * MINUTE,
    // another day of the same vehicle: what is known stays until more is
    placeholderData: (before, asked) => (asked?.queryKey[1] === vehicle ? keepPreviousData(before) : undefined),
  });
}

const eventsOf = (vehicle: string | null): readonly unknown[] => ["events", vehicle];

/** The narrowest days around some that are known; null: none are. */
function askedAround(vehicle: string | null, days: TimeRange): TimeRange | null {
  let found: TimeRange | null = null;
  for (const [key, events] of queryClient.getQueriesData<RuleEvent[]>({ queryKey: eventsOf(vehicle) })) {
    const known = key[2] as TimeRange | null;
    if (events && known && contains(known, days) && (!found || spanOf(known) < spanOf(found))) found = known;
  }
  return found;
}

async function listEvents(vehicle: string, { from, to }: TimeRange, signal: AbortSignal): Promise<RuleEvent[]> {
  const path = `${vehiclePath(vehicle)}/events`;
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
