import { describe, expect, it } from "vitest";
import { columnsOf } from "./overviewPaint";
import { pulled } from "./sliderMath";

it("a column spans its values, and one without samples has none", () => {
  const { low, high } = columnsOf({ t: [0, 10, 20, 90, 200], v: [1, 5, -2, null, 9] }, { from: 0, to: 100 }, 4);
  expect([...low]).toEqual([-2, NaN, NaN, NaN]);
  expect([...high]).toEqual([5, NaN, NaN, NaN]);
});

describe("pulled", () => {
  const range = { from: 10_000, to: 20_000 };

  it("moves an end or both", () => {
    expect(pulled(range, "both", 5000)).toEqual({ from: 15_000, to: 25_000 });
    expect(pulled(range, "from", -5000)).toEqual({ from: 5000, to: 20_000 });
    expect(pulled(range, "to", 5000)).toEqual({ from: 10_000, to: 25_000 });
  });

  it("stops an end short of the other", () => {
    expect(pulled(range, "from", 99_000)).toEqual({ from: 19_990, to: 20_000 });
    expect(pulled(range, "to", -99_000)).toEqual({ from: 10_000, to: 10_010 });
  });
});
