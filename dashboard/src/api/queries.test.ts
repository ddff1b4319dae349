import { describe, expect, it } from "vitest";
import { isGrowing } from "./queries";
import type { Session } from "./types";

const NOW = Date.parse("2025-01-15T08:00:00Z");
const ending = (end_time: string): Session[] => [{ start_time: "2025-01-15T07:00:00Z", end_time, sample_count: 1 } as Session];

describe("isGrowing", () => {
  it.each([
    ["2025-01-15T07:59:00Z", true],
    ["2025-01-15T08:00:30Z", true],
    ["2025-01-15T07:50:00Z", false],
    // a clock that was months ahead: it would grow for months
    ["2025-06-01T00:00:00Z", false],
  ])("of a session that ended at %s: %s", (end, grows) => expect(isGrowing(ending(end), NOW)).toBe(grows));

  it("without sessions does not", () => expect([isGrowing([], NOW), isGrowing(undefined, NOW)]).toEqual([false, false]));
});
