import { expect, it } from "vitest";
import { choicesText, descriptionOf } from "./meaning";

it("lists names of values in the order of the values", () => {
  expect(choicesText({ signal_name: "Gear", choices: { "10": "Sport", "0": "Park", "-1": "Reverse" } })).toBe("-1 Reverse · 0 Park · 10 Sport");
  expect(choicesText({ signal_name: "Speed" })).toBe("");
  expect(descriptionOf({ signal_name: "x", description: null })).toBe("");
});
