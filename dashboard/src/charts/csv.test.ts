import { describe, expect, it } from "vitest";
import { csvOf } from "./csv";
import { traceFor } from "./testing";

const trace = (key: string, unit: string, t: number[], v: (number | null)[]) => traceFor(key, unit, { t, v, drawn: t.length });

describe("csvOf", () => {
  it("has a row per instant, a column per signal, blanks where a signal has no sample, and no gap marks", () => {
    const text = csvOf([trace("A.v", "V", [0, 500, 1000.25], [1, null, 2.5]), trace("B.v", "", [0, 2000], [0, -3])]);
    expect(text).toBe(
      "timestamp,A.v [V],B.v\n1970-01-01T00:00:00Z,1,0\n1970-01-01T00:00:01.00025Z,2.5,\n1970-01-01T00:00:02Z,,-3\n",
    );
  });

  it("quotes units that would break a row", () => {
    expect(csvOf([trace("A.v", 'a,"b"', [], [])])).toBe('timestamp,"A.v [a,""b""]"\n');
  });

  it("writes a row for each of 40,000 samples", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => i);
    const traces = [0, 1, 2, 3].map((n) => trace(`M.s${n}`, "V", many.map((t) => t * 4 + n), many));
    expect(csvOf(traces).split("\n")).toHaveLength(40_002);
  });
});
