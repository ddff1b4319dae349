import { describe, expect, it } from "vitest";
import type { StatsAnswer } from "../api/stats";
import { formatDelta, formatRate, measured, rangesOf } from "./measure";

const answer = (...lasts: (number | null)[]): StatsAnswer => ({
  ranges: lasts.map((last) => ({ range: { from: 0, to: 1 }, bySignal: new Map([["A.a", { last, count: 7 } as never]]) })),
  cost: { rows_scanned: 0, bytes_scanned: 0, duration_ms: 0 },
});

describe("measured", () => {
  it("holds the last sample at each cursor, from A to B also when B is earlier", () => {
    expect(measured(answer(10, 30, 0), "A.a", true)).toMatchObject({ atA: 10, atB: 30, delta: 20, stats: { count: 7 } });
    expect(measured(answer(10, 30, 0), "A.a", false)).toMatchObject({ atA: 30, atB: 10, delta: -20 });
  });

  it("has no difference where a value is missing", () => {
    expect(measured(answer(null, 30, 0), "A.a", true).delta).toBeNull();
    expect(measured(answer(1, 2, 3), "B.b", true)).toEqual({ atA: null, atB: null, delta: null, stats: undefined });
  });

  it("asks for what is at the cursors themselves too", () => {
    const [atA, atB, gap] = rangesOf({ from: 100_000, to: 400_000 });
    expect([atA?.to, atB?.to]).toEqual([100_000.001, 400_000.001]);
    expect(gap).toEqual({ from: 100_000, to: 400_000 });
  });
});

it.each([[20, "50 Hz"], [0.5, "2 kHz"], [4_000_000, "0.25 mHz"], [8000, "0.125 Hz"]])("%d ms is %s", (ms, text) => {
  expect(formatRate(ms)).toBe(text);
});

it.each([[0.25, "0.25 ms"], [1500.125, "1.500125 s"], [83_456, "83.456 s (1 min 23 s)"]])("%d ms apart is %s", (ms, text) => {
  expect(formatDelta(ms)).toBe(text);
});
