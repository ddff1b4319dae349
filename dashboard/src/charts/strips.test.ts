import { describe, expect, it } from "vitest";
import { holdsOf, textOf } from "./strips";

describe("holdsOf", () => {
  it("holds a value until the next one, and ends where the recording paused", () => {
    expect(holdsOf([0, 1, 2, 3, 4, 5, 6], [1, undefined, 1, 2, null, 2, undefined])).toEqual([
      { value: 1, from: 0, to: 3 },
      { value: 2, from: 3, to: 3 },
      { value: 2, from: 5, to: 5 },
    ]);
  });

  it("takes nothing", () => expect(holdsOf([], [])).toEqual([]));
});

it("a value is called by its name, else by itself", () => {
  const gears = { "0": "Park", "-1": "Reverse" };
  expect([textOf(0, gears), textOf(-1, gears), textOf(7, gears), textOf(null, gears), textOf(0, null)]).toEqual(["Park", "Reverse", "7", "–", "0"]);
});
