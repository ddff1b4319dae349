/** Labels of the time axis: UTC, 24 hours, the day in a second line where it changes. */

import { formatClock, formatDay } from "../state/time";

const DAY = 86_400_000;

/** One label per split; `step` is the distance between two splits in milliseconds. `days` adds the second line. */
export function timeLabels(splits: readonly number[], step: number, days = true): string[] {
  let day = NaN;
  return splits.map((split) => {
    if (step >= DAY) return formatDay(split);
    const clock = step >= 60_000 ? formatClock(split).slice(0, 5) : formatClock(split, step >= 1000 ? 0 : 3);
    const today = Math.floor(split / DAY);
    if (!days || today === day) return clock;
    day = today;
    return `${clock}\n${formatDay(split)}`;
  });
}
