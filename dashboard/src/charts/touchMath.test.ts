import { expect, it } from "vitest";
import { held } from "./touchMath";

const range = { from: 1000, to: 2000 };

it("one finger moves the range along", () => {
  expect(held(range, [{ from: 0.5, to: 0.25 }])).toEqual({ from: 1250, to: 2250 });
});

it("two fingers keep their instants under them", () => {
  // 1250 and 1750 come to a tenth and nine tenths of the width
  const closer = held(range, [{ from: 0.25, to: 0.1 }, { from: 0.75, to: 0.9 }]);
  expect(closer.from + 0.1 * (closer.to - closer.from)).toBeCloseTo(1250, 6);
  expect(closer.from + 0.9 * (closer.to - closer.from)).toBeCloseTo(1750, 6);
  expect(closer.to - closer.from).toBeCloseTo(625, 6);
});

it("fingers that meet or pass each other leave time as it runs", () => {
  for (const to of [0.5, 0.51, 0.2]) {
    const { from, to: end } = held(range, [{ from: 0.4, to: 0.5 }, { from: 0.6, to }]);
    expect(end).toBeGreaterThan(from);
    expect(Number.isFinite(end)).toBe(true);
  }
});

it("no finger moves nothing", () => {
  expect(held(range, [])).toBe(range);
});
