import { describe, expect, it } from "vitest";
import { between, pointedAt } from "./cursors";

describe("pointedAt", () => {
  it.each([[1000, 0.1], [40_000, 10], [20, 0.001]])("over %d ms it is exact to %d ms", (span, step) => {
    const found = pointedAt(123.456789, { from: 0, to: span });
    expect(Math.abs(found - 123.456789)).toBeLessThanOrEqual(step / 2 + 1e-9);
    expect(found / step).toBeCloseTo(Math.round(found / step), 6);
  });
});

describe("between", () => {
  it("is a range whichever cursor is first, and none while one is missing", () => {
    expect(between({ a: 5, b: 2 })).toEqual({ from: 2, to: 5 });
    expect(between({ a: 5, b: null })).toBeNull();
    expect(between({ a: 5, b: 5 })).toBeNull();
  });
});
