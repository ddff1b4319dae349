/** How long ago a vehicle was heard, as a word, a colour and a text. */

import { DAY, formatAgo, MINUTE, parseInstant } from "./time";

export interface Freshness {
  /** `good` while it sends, `warn` after a day of silence, `` in between and when nothing is known. */
  readonly tone: "good" | "warn" | "";
  readonly text: string;
}

const SENDING_MS = 3 * MINUTE;
const SILENT_MS = DAY;

export function freshnessOf(lastSeen: string | null | undefined, now: number): Freshness {
  if (!lastSeen) return { tone: "", text: "never" };
  const at = parseInstant(lastSeen);
  const tone = now - at < SENDING_MS ? "good" : now - at > SILENT_MS ? "warn" : "";
  return { tone, text: formatAgo(at, now) };
}
