import { expect, it } from "vitest";
import { freshnessOf } from "./freshness";

const now = Date.parse("2025-01-15T12:00:00Z");

it.each([
  ["2025-01-15T11:59:30Z", "good", "30 s ago"],
  ["2025-01-15T10:00:00Z", "", "2 h ago"],
  ["2025-01-13T10:00:00Z", "warn", "13 Jan 2025"],
  [null, "", "never"],
])("%s is %j", (lastSeen, tone, text) => {
  expect(freshnessOf(lastSeen, now)).toEqual({ tone, text });
});
