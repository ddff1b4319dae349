import { describe, expect, it } from "vitest";
import { contains, gridOf, neighbourhoodOf, shareOf, windowOf } from "./window";

const range = (from: number, to: number) => ({ from, to });

describe("windowOf", () => {
  it("is the range out to a grid of a sixteenth to an eighth of it", () => {
    for (const span of [10, 1000, 252_000, 30 * 86_400_000]) {
      const asked = range(1_736_928_000_123, 1_736_928_000_123 + span);
      const step = gridOf(asked);
      const window = windowOf(asked);
      expect(contains(window, asked)).toBe(true);
      expect(window.to - window.from).toBeLessThan(span + 2 * step);
      expect(step).toBeLessThanOrEqual(Math.max(1, span / 8));
      expect([window.from % step, window.to % step]).toEqual([0, 0]);
    }
  });

  it("is the same question for nearly the same view", () => {
    expect(windowOf(range(100, 16_050))).toEqual(windowOf(range(900, 16_300)));
  });
});

it("a neighbourhood has one screen more on either side", () => {
  const { from, to } = windowOf(range(5000, 21_000));
  expect(neighbourhoodOf(range(5000, 21_000))).toEqual({ from: from - (to - from), to: to + (to - from) });
});

it("a share is the part that is there", () => {
  expect([shareOf(range(0, 100), range(50, 500)), shareOf(range(0, 100), range(200, 300))]).toEqual([0.5, 0]);
});
