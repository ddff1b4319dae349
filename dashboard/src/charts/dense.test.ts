import { describe, expect, it } from "vitest";
import { drawColumns, type Frame } from "./dense";

/** Two pixels for a second, one for a unit; zero is at the bottom. */
const FRAME: Frame = { left: 10, from: 1000, perTime: 1 / 500, bottom: 200, low: 0, perValue: 1 };

type Values = (number | null | undefined)[];

/** The lines that a pen was led along, each as its points. */
function drawn(times: readonly number[], values: Values): [number, number][][] {
  const lines: [number, number][][] = [];
  const pen = {
    moveTo: (x: number, y: number) => void lines.push([[x, y]]),
    lineTo: (x: number, y: number) => void lines.at(-1)?.push([x, y]),
  };
  drawColumns(pen, times, values, 0, times.length - 1, FRAME);
  return lines;
}

/** By column the lowest and the highest of the values in it. */
function spans(points: Iterable<readonly [number, number]>): Map<number, [number, number]> {
  const found = new Map<number, [number, number]>();
  for (const [x, y] of points) {
    const [low, high] = found.get(x) ?? [y, y];
    found.set(x, [Math.min(low, y), Math.max(high, y)]);
  }
  return found;
}

/** A sequence that looks like noise and is the same every time. */
function noise(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647);
}

describe("drawColumns", () => {
  it.each([1, 7, 99, 12_345])("spans in each column all that is in it, and no more: %i", (seed) => {
    const [steps, heights] = [noise(5000, seed), noise(5000, seed + 1)];
    let time = 800;
    const times = steps.map((step) => (time += 40 * step));
    const values = heights.map((height, i) => (i % 631 === 0 ? 190 : 100 * height));
    const samples = times.map((t, i): [number, number] => [Math.round(10 + (t - 1000) / 500), Math.round(200 - (values[i] ?? 0))]);
    const lines = drawn(times, values);
    expect(lines).toHaveLength(1);
    expect(spans(lines.flat())).toEqual(spans(samples));
  });

  it("parts a line where the recording is, and passes by what another clock has", () => {
    const times = [1000, 1100, 1600, 2600, 3600, 4600];
    expect(drawn(times, [5, 9, undefined, null, 7, 8])).toEqual([
      [[10, 195], [10, 191]],
      [[15, 193], [16, 193], [17, 192]],
    ]);
  });

  it("joins columns by the nearer end", () => {
    expect(drawn([1000, 1100, 1500, 1600], [10, 50, 20, 60])).toEqual([[[10, 190], [10, 150], [11, 140], [11, 180]]]);
  });

  it("draws nothing of nothing", () => {
    expect(drawn([1000, 1500], [undefined, null])).toEqual([]);
  });
});
