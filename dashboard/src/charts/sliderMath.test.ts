import { describe, expect, it } from "vitest";
import { pulled } from "./sliderMath";

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
