import { describe, expect, it } from "vitest";
import { bestOf, suffices, type SeriesAnswer } from "./choose";
import type { Trace } from "./trace";

const range = (from: number, to: number) => ({ from, to });
const answer = (from: number, to: number, maxPoints: number, method: string | null = "m4"): SeriesAnswer => ({
  vehicle: "VIN_1", range: range(from, to), maxPoints, traces: [{ method } as Trace],
});

describe("suffices", () => {
  it("when it holds the view as finely as a new answer would", () => {
    const wide = answer(0, 48_000, 3000);
    expect(suffices(wide, range(16_000, 32_000), 1000)).toBe(true);
    expect(suffices(wide, range(20_000, 24_000), 1000)).toBe(false);
    expect(suffices(wide, range(40_000, 56_000), 1000)).toBe(false);
  });

  it("when it holds every sample, however close one looks", () => {
    expect(suffices(answer(0, 48_000, 1000, null), range(20_000, 20_010), 1000)).toBe(true);
  });
});

describe("bestOf", () => {
  const coarse = answer(0, 100_000, 1000);
  const fine = answer(20_000, 30_000, 1000);

  it("shows all of the view coarsely rather than a part of it finely", () => {
    expect(bestOf([fine, coarse], range(15_000, 35_000))).toBe(coarse);
  });

  it("is the finer one where both show all of it", () => {
    expect(bestOf([coarse, fine], range(21_000, 29_000))).toBe(fine);
    expect(bestOf([fine, coarse], range(21_000, 29_000))).toBe(fine);
  });

  it("is none where nothing is known", () => {
    expect(bestOf([fine], range(50_000, 60_000))).toBeUndefined();
    expect(bestOf([], range(0, 1))).toBeUndefined();
  });
});
