import { describe, expect, it } from "vitest";
import { firstFrom, nearestIndex, nearestSample, valueAt } from "./nearest";

it("the first instant from one on is found, or the end", () => {
  expect([firstFrom([1, 2, 2, 3], 2), firstFrom([1], 5), firstFrom([], 1)]).toEqual([1, 1, 0]);
});

describe("nearestIndex", () => {
  it.each([[-5, 0], [0, 0], [4, 0], [6, 1], [10, 1], [99, 2]])("at %d is %d", (time, index) => {
    expect(nearestIndex([0, 10, 20], time)).toBe(index);
  });

  it("is -1 without points", () => expect(nearestIndex([], 1)).toBe(-1));
});

describe("valueAt", () => {
  const trace = { t: [0, 10, 15, 20], v: [1, 2, null, 3] };

  it("is the nearest point's value, and none in a gap", () => {
    expect([valueAt(trace, 9), valueAt(trace, 15.5), valueAt(trace, 19)]).toEqual([2, null, 3]);
  });

  it("ends soon after the last point", () => {
    expect([valueAt(trace, 21), valueAt(trace, -1), valueAt(trace, 1000), valueAt({ t: [], v: [] }, 0)]).toEqual([3, 1, null, null]);
  });
});

describe("nearestSample", () => {
  const data = [[0, 1, 5, 6], [7, undefined, undefined, 8], [null, 3, undefined, undefined]] as const;
  const series = ["time", "A.a", "B.b"].map((label) => ({ label }));
  const chart = { data, series } as unknown as Parameters<typeof nearestSample>[0];

  it("looks past rows of other signals, to the nearer side", () => {
    expect([nearestSample(chart, 1, 1), nearestSample(chart, 1, 2), nearestSample(chart, 2, 3)]).toEqual([0, 3, 1]);
  });

  it("finds none in a gap, and keeps the time axis as it is", () => {
    expect([nearestSample(chart, 2, 0), nearestSample(chart, 0, 2)]).toEqual([null, 2]);
  });
});
