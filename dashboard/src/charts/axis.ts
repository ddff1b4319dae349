/** Labels of axes. Times are UTC, 24 hours, the day in a second line where it changes. */

import { DAY, formatClock, formatDay } from "../state/time";

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

/** More digits than this do not fit beside a panel. */
const WIDEST = 1e7;

/** One label per split of a value axis, with as many digits as the distance between two of them takes. */
export function numberLabels(splits: readonly number[], step: number): string[] {
  // steps are 1, 2, 2.5 or 5 times a power of ten: one digit more than the power
  const digits = Math.max(0, 1 - Math.floor(Math.log10(step) + 1e-9));
  const largest = Math.max(...splits.map(Math.abs));
  if (largest >= WIDEST || digits > 6) return splits.map((split) => (split === 0 ? "0" : Number(split.toPrecision(6)).toExponential()));
  const format = withDigits(digits);
  return splits.map((split) => format.format(split));
}

/** By digits: making one takes longer than an axis has within a frame. */
const formats = new Map<number, Intl.NumberFormat>();

function withDigits(digits: number): Intl.NumberFormat {
  let format = formats.get(digits);
  if (!format) {
    format = new Intl.NumberFormat("en-US", { maximumFractionDigits: digits });
    formats.set(digits, format);
  }
  return format;
}
