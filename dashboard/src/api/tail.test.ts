import { describe, expect, it } from "vitest";
import { appended, lengthened } from "./tail";
import type { Trace } from "./trace";

const trace = { t: [1, 2, 3], v: [10, 20, 30], drawn: 3, source: 90 } as unknown as Trace;

describe("a tail", () => {
  it("grows by what is newer", () => {
    const tail = lengthened({ t: [1, 2], v: [1, 2] }, { t: [2, 3, 4], v: [9, 3, null] });
    expect(tail).toEqual({ t: [1, 2, 3, 4], v: [1, 2, 3, null] });
    expect(lengthened(tail, { t: [4], v: [0] })).toBe(tail);
    expect(lengthened(undefined, tail)).toBe(tail);
  });

  it("is appended as far as the answer does not have it", () => {
    expect(appended(trace, { t: [2, 3, 4, 5], v: [0, 0, 40, 50] })).toMatchObject({
      t: [1, 2, 3, 4, 5], v: [10, 20, 30, 40, 50], drawn: 5, source: 92,
    });
    expect(appended(trace, { t: [2], v: [0] })).toBe(trace);
    expect(appended(trace, undefined)).toBe(trace);
  });
});
