import { describe, expect, it } from "vitest";
import { alignTraces } from "./align";

describe("alignTraces", () => {
  it("merges clocks: null stays a gap, undefined is no sample", () => {
    const a = { t: [1, 3, 5], v: [10, null, 50] };
    const b = { t: [2, 3], v: [200, 300] };
    expect(alignTraces([a, b])).toEqual([[1, 2, 3, 5], [10, undefined, null, 50], [undefined, 200, 300, undefined]]);
  });

  it("keeps two samples of one instant", () => {
    expect(alignTraces([{ t: [1, 1, 2], v: [1, 2, 3] }, { t: [1], v: [9] }])).toEqual([
      [1, 1, 2],
      [1, 2, 3],
      [9, undefined, undefined],
    ]);
  });

  it("takes nothing and empty traces", () => {
    expect(alignTraces([])).toEqual([[]]);
    expect(alignTraces([{ t: [], v: [] }])).toEqual([[], []]);
  });
});
