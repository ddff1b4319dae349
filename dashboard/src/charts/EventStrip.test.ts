import { describe, expect, it } from "vitest";
import type { RuleEvent } from "../state/event";
import { marksOf } from "./EventStrip";

const event = (from: number, to: number): RuleEvent => ({ id: `${from}`, range: { from, to } }) as RuleEvent;

describe("marksOf", () => {
  const range = { from: 0, to: 1000 };

  it("marks where events begin, at the left end those that began before", () => {
    expect(marksOf([event(-50, 20), event(500, 500), event(2000, 2001)], range).map(({ at }) => at)).toEqual([0, 0.5]);
  });

  it("makes one mark of those that would stand on each other", () => {
    expect(marksOf([event(100, 101), event(105, 106), event(300, 301)], range).map(({ at, more }) => [at, more])).toEqual([[0.1, 1], [0.3, 0]]);
  });
});
