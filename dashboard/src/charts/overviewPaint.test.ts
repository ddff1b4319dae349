import { expect, it } from "vitest";
import { extremesOf } from "./overviewPaint";

it("extremes leave gaps out", () => {
  expect(extremesOf([3, null, -2, 5])).toEqual({ low: -2, high: 5 });
  expect(extremesOf([4])).toEqual({ low: 4, high: 4 });
  expect(extremesOf([null])).toBeNull();
});
