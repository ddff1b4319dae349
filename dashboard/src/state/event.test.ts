import { describe, expect, it } from "vitest";
import { eventsWithin, nextEvent, rangeAround, wholeDays, type RuleEvent } from "./event";

const at = (text: string): number => Date.parse(text);
const event = (from: number, to = from): RuleEvent => ({
  id: String(from), rule: "hot", severity: "warning", description: "", key: "A.a", condition: "> 1", unit: "", worst: 2,
  range: { from, to }, worstAt: from, samples: 1, openStart: false, openEnd: false,
});
const events = [event(100, 150), event(200), event(300, 900)];

it("asks for whole days", () => {
  expect(wholeDays({ from: at("2025-01-15T23:59:00Z"), to: at("2025-01-16T00:01:00Z") })).toEqual({
    from: at("2025-01-15T00:00:00Z"), to: at("2025-01-17T00:00:00Z"),
  });
  const day = { from: at("2025-01-15T00:00:00Z"), to: at("2025-01-16T00:00:00Z") };
  expect(wholeDays(day)).toEqual(day);
});

describe("events", () => {
  it("are in a range with any part of them, its end not being part of it", () => {
    expect(eventsWithin(events, { from: 150, to: 300 })).toEqual([events[0], events[1]]);
    expect(eventsWithin(events, { from: 500, to: 600 })).toEqual([events[2]]);
  });

  it("follow each other both ways", () => {
    expect(nextEvent(events, 100, 1)).toBe(events[1]);
    expect(nextEvent(events, 300, 1)).toBeNull();
    expect(nextEvent(events, 300, -1)).toBe(events[1]);
    expect(nextEvent(events, 100, -1)).toBeNull();
  });
});

describe("rangeAround", () => {
  it("keeps a width that shows the event well", () => {
    expect(rangeAround(event(60_000, 70_000), { from: 0, to: 100_000 })).toEqual({ from: 15_000, to: 115_000 });
  });

  it("is wider for a long event and closer for a short one in a long view", () => {
    expect(rangeAround(event(0, 100_000), { from: 0, to: 50_000 })).toEqual({ from: -150_000, to: 250_000 });
    expect(rangeAround(event(1_000_000), { from: 0, to: 86_400_000 })).toEqual({ from: 990_000, to: 1_010_000 });
  });
});
