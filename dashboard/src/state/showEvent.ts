/** Bringing an event into view: in the middle of the charts, with its signal among those that are drawn. */

import { create } from "zustand";
import { rangeAround, type RuleEvent } from "./event";
import { showRange, toggleSignal, useView } from "./view";

/** Which event was brought into view last, so that the next one is the one after it. */
export const useShownEvent = create<{ id: string | null }>()(() => ({ id: null }));

export function showEvent(event: RuleEvent): void {
  const { range, signals } = useView.getState();
  if (!range) return;
  if (!(signals ?? []).includes(event.key)) toggleSignal(event.key);
  showRange(rangeAround(event, range));
  useShownEvent.setState({ id: event.id });
}

/** The instant that "next" and "previous" count from: the shown event while it is in view, else the middle. */
export function eventsFrom(events: readonly RuleEvent[]): number {
  const { range } = useView.getState();
  const shown = events.find(({ id }) => id === useShownEvent.getState().id);
  if (!range) return 0;
  const within = shown && shown.range.to >= range.from && shown.range.from < range.to;
  return within ? shown.range.from : (range.from + range.to) / 2;
}
