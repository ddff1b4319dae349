/** Instants as text and back, always UTC: a recording reads the same on every desk. */

export const MINUTE = 60_000;
export const DAY = 86_400_000;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LOOSE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?)?\s*(?:Z|UTC)?$/i;

/** Epoch milliseconds, with their fraction, of an ISO 8601 instant of the service; one without a zone is UTC. */
export function parseInstant(text: string): number {
  const whole = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  const finer = /\.\d{3}(\d{1,6})/.exec(text)?.[1];
  return finer ? whole + Number(`0.${finer}`) : whole;
}

/** Epoch milliseconds of what a person types (`2025-01-15 08:00`, seconds and fraction optional), or null. */
export function parseTyped(text: string): number | null {
  const match = LOOSE.exec(text.trim());
  if (!match) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = ""] = match;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [
    number, number, number, number, number, number,
  ];
  const whole = new Date(Date.UTC(y, mo - 1, d, h, mi, s));
  // Date.UTC rolls over: the 31st of February is nobody's wish
  if (whole.getUTCMonth() !== mo - 1 || whole.getUTCDate() !== d || whole.getUTCHours() !== h) return null;
  if (mi > 59 || s > 59) return null;
  return whole.getTime() + (fraction ? Number(`0${fraction}`) * 1000 : 0);
}

/** `2025-01-15T08:00:00.250Z`, the fraction as long as it needs to be (down to microseconds). */
export function isoInstant(ms: number): string {
  const micros = Math.round((ms - Math.floor(ms)) * 1000);
  const whole = new Date(micros === 1000 ? Math.floor(ms) + 1 : Math.floor(ms)).toISOString();
  const tail = micros > 0 && micros < 1000 ? String(micros).padStart(3, "0") : "";
  const fraction = `${whole.slice(20, 23)}${tail}`.replace(/0+$/, "");
  return `${whole.slice(0, 19)}${fraction ? `.${fraction}` : ""}Z`;
}

/** `2025-01-15 08:00:00.250`: what the range inputs hold. */
export function typedInstant(ms: number): string {
  return isoInstant(ms).replace("T", " ").replace("Z", "");
}

/** `15 Jan 2025` */
export function formatDay(ms: number): string {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ""} ${date.getUTCFullYear()}`;
}

/** `08:00:00`, with `digits` of the second's fraction. */
export function formatClock(ms: number, digits: 0 | 3 = 0): string {
  return new Date(ms).toISOString().slice(11, digits ? 23 : 19);
}

/** `2 h 5 min`, `12.5 s`, `340 ms`: two units at most. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const rounded = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(rounded / 86_400), "d"],
    [Math.floor((rounded % 86_400) / 3600), "h"],
    [Math.floor((rounded % 3600) / 60), "min"],
    [rounded % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** `3 min ago`, or the day once that says more. */
export function formatAgo(ms: number, now: number): string {
  const ago = now - ms;
  if (ago < 10_000) return "just now";
  if (ago < 60_000) return `${Math.floor(ago / 1000)} s ago`;
  if (ago < 3_600_000) return `${Math.floor(ago / 60_000)} min ago`;
  if (ago < 86_400_000) return `${Math.floor(ago / 3_600_000)} h ago`;
  return formatDay(ms);
}
