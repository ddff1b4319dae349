import { expect, it } from "vitest";
import { formatCompact, formatCount, formatValue, nounFor } from "./number";

it.each([
  [0, "0"], [-0.5, "-0.5"], [371.2282001, "371.228"], [12_000, "12000"], [1_234_567.8, "1234568"], [0.00001234, "1.234e-5"],
  [3.2e12, "3.200e+12"], [null, "–"], [undefined, "–"], [NaN, "–"],
])("formats %d", (value, text) => expect(formatValue(value)).toBe(text));

it("formats with fewer digits", () => expect([formatValue(373.3409, 4), formatValue(12_345, 4)]).toEqual(["373.3", "12345"]));

it("formats counts", () => expect([formatCount(36_012), formatCompact(36_412)]).toEqual(["36,012", "36.4K"]));

it("has a noun for one thing, and one for none or several", () => {
  expect([0, 1, 2].map((count) => nounFor(count, "object"))).toEqual(["objects", "object", "objects"]);
  expect(nounFor(1, "frame with an error", "frames with errors")).toBe("frame with an error");
});
