/** Next and previous event by key, whichever part of the sidebar is open. */

import { useCommand } from "../state/command";
import { nextEvent, type RuleEvent } from "../state/event";
import { eventsFrom, showEvent } from "../state/showEvent";

export function useEventKeys(events: readonly RuleEvent[] | undefined): void {
  const jump = (step: 1 | -1): void => {
    const next = events && nextEvent(events, eventsFrom(events), step);
    if (next) showEvent(next);
  };
  useCommand("next event", () => jump(1));
  useCommand("previous event", () => jump(-1));
}
