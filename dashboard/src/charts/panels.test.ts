import { describe, expect, it } from "vitest";
import type { Line } from "./lines";
import { panelBeside, panelsOf } from "./panels";
import { traceFor } from "./testing";

const line = (key: string, unit: string, run: number | null = null): Line => ({
  label: run === null ? key : `${key} · ${run}`, key, slot: 0, run, trace: traceFor(key, unit),
});
const lines = [line("A.v", "V"), line("B.n", "rpm"), line("C.v", "V"), line("D.state", "")];

describe("panelsOf", () => {
  it("makes a panel per unit, in the order in which they appear", () => {
    expect(panelsOf(lines, {}).map(({ id, title, lines: members }) => [id, title, members.map(({ key }) => key)])).toEqual([
      ["V", "V", ["A.v", "C.v"]],
      ["rpm", "rpm", ["B.n"]],
      ["", "no unit", ["D.state"]],
    ]);
  });

  it("gives a panel an axis per unit when signals are moved into it", () => {
    const panels = panelsOf(lines, { "B.n": "V", "C.v": "#1" });
    expect(panels.map(({ id, units }) => [id, units])).toEqual([["V", ["V", "rpm"]], ["#1", ["V"]], ["", [""]]]);
    expect(panels[0]?.title).toBe("V, rpm");
  });

  it("keeps runs laid over with their signal, and signals of one name apart", () => {
    const [panel] = panelsOf([line("Front.Speed", "km/h"), line("Front.Speed", "km/h", 0), line("Rear.Speed", "km/h")], {});
    expect(panel?.lines).toHaveLength(3);
    expect(panelsOf([line("A.v", "V"), line("A.v", "V", 0)], { "A.v": "#1" })).toHaveLength(1);
  });
});

describe("panelBeside", () => {
  const panels = panelsOf(lines, {});

  it("goes round, past a new panel unless the signal has one to itself", () => {
    expect([panelBeside(panels, "A.v", 1), panelBeside(panels, "A.v", -1)]).toEqual(["rpm", null]);
    expect([panelBeside(panels, "D.state", 1), panelBeside(panels, "B.n", -1)]).toEqual(["V", "V"]);
  });
});
