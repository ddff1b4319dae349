import { describe, expect, it } from "vitest";
import type { Trace } from "../api/trace";
import { groupByUnit, resolutionOf } from "./panels";

const trace = (key: string, unit: string, more: Partial<Trace> = {}): Trace => ({
  key, unit, t: [], v: [], drawn: 100, source: 100, method: null, stats: null, ...more,
});

describe("groupByUnit", () => {
  it("makes a panel per unit, in the order in which they appear", () => {
    const panels = groupByUnit([trace("A.v", "V"), trace("B.n", "rpm"), trace("C.v", "V"), trace("D.state", "")]);
    expect(panels.map(({ unit, traces }) => [unit, traces.map(({ key }) => key)])).toEqual([
      ["V", ["A.v", "C.v"]],
      ["rpm", ["B.n"]],
      ["", ["D.state"]],
    ]);
  });

  it("keeps signals of one name apart", () => {
    const [panel] = groupByUnit([trace("Front.Speed", "km/h"), trace("Rear.Speed", "km/h")]);
    expect(panel?.traces).toHaveLength(2);
  });
});

describe("resolutionOf", () => {
  it("says what was left out, and how", () => {
    const traces = [trace("A.v", "V", { drawn: 1200, source: 36_012, method: "lttb" })];
    expect(resolutionOf(traces)).toEqual({ text: "1,200 of 36,012 samples · LTTB", complete: false });
  });

  it("says when all samples are drawn", () => {
    expect(resolutionOf([trace("A.v", "V"), trace("B.v", "V")])).toEqual({ text: "all 200 samples", complete: true });
    expect(resolutionOf([trace("A.v", "V", { drawn: 1, source: 1 })]).text).toBe("1 sample");
  });
});
