import { describe, expect, it } from "vitest";
import { resolutionOf, samplesWithin } from "./resolution";
import { traceFor } from "./testing";

const all = { from: 0, to: 1000 };
const line = { t: [0, 1, 2, 3], v: [1, 2, null, 4] };
const thinned = traceFor("A.v", "V", { ...line, source: 900, method: "m4", bucketMs: 60_000 });

describe("resolutionOf", () => {
  it("says how many of how many samples, of which stretch a bucket is, and that extremes are exact", () => {
    expect(resolutionOf([thinned], all, new Map([["A.v", 64_800_000]]))).toEqual({
      text: "3 of 64.8 M samples, 1 min buckets, exact extremes", complete: false,
    });
    expect(resolutionOf([thinned], all, new Map()).text).toBe("3 of 900 samples, 1 min buckets, exact extremes");
  });

  it("says so when every sample is drawn", () => {
    const whole = traceFor("B.v", "V", line);
    expect(resolutionOf([whole, whole], all, new Map())).toEqual({ text: "every sample: 6", complete: true });
    expect(resolutionOf([whole], { from: 3, to: 4 }, new Map()).text).toBe("the only sample");
  });

  it("promises exact extremes only of what keeps them", () => {
    expect(resolutionOf([{ ...thinned, method: "lttb" }], all, new Map()).text).toBe("3 of 900 samples, 1 min buckets");
  });
});

it("counts samples in a half-open range, and no marks of gaps", () => {
  expect([samplesWithin(line, { from: 1, to: 3 }), samplesWithin(line, { from: 3, to: 9 }), samplesWithin(line, { from: 4, to: 9 })]).toEqual([1, 1, 0]);
});
