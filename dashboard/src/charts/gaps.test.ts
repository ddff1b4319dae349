import { expect, it } from "vitest";
import type uPlot from "uplot";
import { ownGaps } from "./gaps";

/** A chart of which a pixel is a second, from 0 to 100. */
const gapsOf = (times: number[], values: (number | null | undefined)[]) =>
  ownGaps(
    { data: [times, values], bbox: { left: 0, width: 100 }, valToPos: (time: number) => time } as unknown as uPlot,
    1, 0, times.length - 1,
  );

it("reaches from the own sample before to the own sample behind, whatever other lines have between", () => {
  expect(gapsOf([10, 11, 49, 50, 51, 89, 90], [1, undefined, undefined, null, undefined, undefined, 2])).toEqual([[10, 90]]);
});

it("reaches to the edge where nothing is beyond", () => {
  expect(gapsOf([20, 30, 40, 60], [null, 1, 2, null])).toEqual([[0, 30], [40, 100]]);
});

it("is nowhere where nothing is missing", () => {
  expect(gapsOf([1, 2, 3], [1, undefined, 2])).toEqual([]);
});
