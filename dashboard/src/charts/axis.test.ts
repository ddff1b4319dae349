import { describe, expect, it } from "vitest";
import { numberLabels, timeLabels } from "./axis";

const at = (text: string): number => Date.parse(text);

describe("timeLabels", () => {
  it("writes the day once, and again when it changes", () => {
    const splits = [at("2025-01-15T23:30Z"), at("2025-01-15T23:45Z"), at("2025-01-16T00:00Z"), at("2025-01-16T00:15Z")];
    expect(timeLabels(splits, 900_000)).toEqual(["23:30\n15 Jan 2025", "23:45", "00:00\n16 Jan 2025", "00:15"]);
    expect(timeLabels(splits, 900_000, false)).toEqual(["23:30", "23:45", "00:00", "00:15"]);
  });

  it("is as precise as the distance of the splits", () => {
    const split = [at("2025-01-15T08:00:01.250Z")];
    expect(timeLabels(split, 5000, false)).toEqual(["08:00:01"]);
    expect(timeLabels(split, 50, false)).toEqual(["08:00:01.250"]);
    expect(timeLabels(split, 86_400_000)).toEqual(["15 Jan 2025"]);
  });
});

it.each([
  [[0, 5000, 10_000], 5000, ["0", "5,000", "10,000"]],
  [[-2.5, 0, 2.5], 2.5, ["-2.5", "0", "2.5"]],
  [[0.1, 0.2, 0.30000000000000004], 0.1, ["0.1", "0.2", "0.3"]],
  [[0.0005, 0.001], 0.0005, ["0.0005", "0.001"]],
  [[0, 2.5e-8, 5e-8], 2.5e-8, ["0", "2.5e-8", "5e-8"]],
  [[0, 20_000_000], 20_000_000, ["0", "2e+7"]],
])("numbers %j at a distance of %d are told apart", (splits, step, labels) => {
  expect(numberLabels(splits, step)).toEqual(labels);
});
