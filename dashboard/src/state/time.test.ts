import { describe, expect, it } from "vitest";
import { formatAgo, formatClock, formatDay, formatSpan, isoInstant, parseInstant, parseTyped, typedInstant } from "./time";

describe("instants", () => {
  it("are UTC unless they say otherwise", () => {
    expect(parseInstant("2025-01-15T08:00:00")).toBe(parseInstant("2025-01-15T08:00:00Z"));
    expect(parseInstant("2025-01-15T08:00:00+02:00")).toBe(parseInstant("2025-01-15T06:00:00Z"));
  });

  it.each([
    ["2025-01-15 08:00", "2025-01-15T08:00:00Z"],
    ["2025-01-15", "2025-01-15T00:00:00Z"],
    [" 2025-01-15T08:00:01.25Z ", "2025-01-15T08:00:01.25Z"],
    ["2025-1-5 8:05:09 utc", "2025-01-05T08:05:09Z"],
  ])("typed as %s", (typed, iso) => expect(isoInstant(parseTyped(typed) ?? NaN)).toBe(iso));

  it.each(["", "today", "2025-02-31", "2025-13-01", "2025-01-15 24:00", "2025-01-15 08:60", "15.01.2025"])(
    "refused when typed as %j",
    (typed) => expect(parseTyped(typed)).toBeNull(),
  );

  it("keep microseconds on their way to the service", () => {
    expect(isoInstant(1_736_928_000_007.125)).toBe("2025-01-15T08:00:00.007125Z");
    expect(isoInstant(1_736_928_000_007.9998)).toBe("2025-01-15T08:00:00.008Z");
    expect(typedInstant(1_736_928_000_500)).toBe("2025-01-15 08:00:00.5");
  });
});

describe("words", () => {
  const noon = Date.parse("2025-01-15T12:00:00Z");

  it("for days and clocks", () => {
    expect([formatDay(noon), formatClock(noon), formatClock(noon + 7, 3)]).toEqual(["15 Jan 2025", "12:00:00", "12:00:00.007"]);
  });

  it.each([
    [12.5, "12.5 ms"], [1000, "1 s"], [59_940, "59.9 s"], [90_000, "1 min 30 s"], [3_600_000, "1 h"],
    [4_920_000, "1 h 22 min"], [90_061_000, "1 d 1 h"], [59_999_600, "16 h 40 min"],
  ])("for a span of %d ms", (span, text) => expect(formatSpan(span)).toBe(text));

  it.each([
    [0, "just now"], [45_000, "45 s ago"], [180_000, "3 min ago"], [7_200_000, "2 h ago"], [864_000_000, "5 Jan 2025"],
  ])("for %d ms ago", (ago, text) => expect(formatAgo(noon - ago, noon)).toBe(text));
});
