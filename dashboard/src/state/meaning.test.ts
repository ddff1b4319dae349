import { expect, it } from "vitest";
import { choicesText, descriptionOf } from "./meaning";
import { matching, wordsOf } from "./search";

const gear = {
  signal_name: "Gear", unit: "", min_value: 0, max_value: 2, avg_value: 1, description: "Lever position",
  choices: { "10": "Sport", "0": "Park", "-1": "Reverse" },
};
const speed = { signal_name: "Speed", unit: "km/h", min_value: 0, max_value: 99, avg_value: 50 };

it("lists names of values in the order of the values", () => {
  expect(choicesText(gear)).toBe("-1 Reverse · 0 Park · 10 Sport");
  expect(choicesText(speed)).toBe("");
  expect(descriptionOf({ signal_name: "x", description: null })).toBe("");
});

it.each([
  ["gear", [gear]], ["lever", [gear]], ["sport", [gear]], ["km/h", [speed]], ["Drive.Speed", [speed]], ["drive lever", [gear]],
  ["lever km/h", []], ["", [gear, speed]],
])("finds by %j", (text, found) => {
  expect(matching("Drive", [gear, speed], wordsOf(text))).toEqual(found);
});
