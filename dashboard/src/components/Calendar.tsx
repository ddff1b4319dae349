/** A month in which the days with recordings stand out: one press shows a day, arrows walk through them. */

import { memo, useMemo, useRef, useState, type KeyboardEvent } from "react";
import type { Session } from "../api/types";
import { dayOf, formatMonth, laterMonth, monthOf, recordedIn, sessionsByDay, weeksOf } from "../state/calendar";
import { useCommand } from "../state/command";
import { nounFor } from "../state/number";
import { sessionRange } from "../state/session";
import { DAY, formatDay } from "../state/time";
import { openRange, useView } from "../state/view";
import { IconButton } from "./IconButton";

const WEEKDAYS = [["Mo", "Monday"], ["Tu", "Tuesday"], ["We", "Wednesday"], ["Th", "Thursday"], ["Fr", "Friday"], ["Sa", "Saturday"],
  ["Su", "Sunday"]] as const;

/** How far the arrow keys go, in days. */
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

export const Calendar = memo(function Calendar({ sessions }: { readonly sessions: readonly Session[] }) {
  const newest = sessions[0] ? sessionRange(sessions[0]).from : 0;
  const shown = useView(({ range }) => dayOf(range ? (range.from + range.to) / 2 : newest));
  const grid = useRef<HTMLTableElement>(null);
  // where somebody went with the keys or the arrows beside the month, until the view goes elsewhere
  const [walked, setWalked] = useState<{ readonly to: number; readonly from: number } | null>(null);
  const days = useMemo(() => sessionsByDay(sessions), [sessions]);
  const focused = walked?.from === shown ? walked.to : shown;
  const month = monthOf(focused);

  const walk = (to: number, focus: boolean): void => {
    setWalked({ to, from: shown });
    // the day is there after the next paint, in another month as well
    if (focus) requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>(`[data-day="${to}"]`)?.focus());
  };
  const open = (day: number): void => {
    const held = days.get(day);
    if (held) openRange(recordedIn(day, held));
  };
  const press = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    const leap = event.key === "PageDown" ? 1 : event.key === "PageUp" ? -1 : 0;
    if (step === undefined && leap === 0) return;
    event.preventDefault();
    walk(step === undefined ? laterMonth(focused, leap) : focused + step * DAY, true);
  };
  useCommand("calendar", () => walk(focused, true));

  return (
    <div className="calendar">
      <div className="calendar-head">
        <IconButton icon="left" label="Month before" onClick={() => walk(laterMonth(focused, -1), false)} />
        <span className="calendar-month" aria-live="polite">{formatMonth(month)}</span>
        <IconButton icon="right" label="Month after" onClick={() => walk(laterMonth(focused, 1), false)} />
      </div>
      <table role="grid" ref={grid} aria-label={`Days of ${formatMonth(month)}`} onKeyDown={press}>
        <thead>
          <tr>
            {WEEKDAYS.map(([short, long]) => (
              <th key={short} scope="col" abbr={long}>{short}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeksOf(month).map((week) => (
            <tr key={week[0]}>
              {week.map((day) => {
                const count = days.get(day)?.length ?? 0;
                const state = monthOf(day) === month ? "day" : "day outside";
                return (
                  <td key={day} aria-selected={day === shown}>
                    <button
                      type="button"
                      className={count > 0 ? `${state} recorded` : state}
                      data-day={day}
                      tabIndex={day === focused ? 0 : -1}
                      aria-label={`${formatDay(day)}, ${count === 0 ? "nothing recorded" : `${count} ${nounFor(count, "session")}`}`}
                      aria-disabled={count === 0}
                      onClick={() => open(day)}
                    >
                      {new Date(day).getUTCDate()}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
});
