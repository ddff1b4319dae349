import { describe, expect, it } from "vitest";
import { shiftOf } from "./overlay";
import { DAY } from "./time";

const run = { vehicle: "VIN_2", start: 3 * DAY + 7000 };

describe("shiftOf", () => {
  it("lays beginnings over each other, or the same time of day", () => {
    expect(shiftOf(run, { runs: [run], align: "start", origin: 2000 })).toBe(3 * DAY + 5000);
    expect(shiftOf(run, { runs: [run], align: "clock", origin: 2000 })).toBe(3 * DAY);
  });

  it("leaves a run of the same hours where it is", () => {
    expect(shiftOf({ ...run, start: 9_000_000 }, { runs: [], align: "clock", origin: 0 })).toBe(0);
  });
});
