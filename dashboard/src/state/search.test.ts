import { expect, it } from "vitest";
import { matching, named, wordsOf } from "./search";

const gear = {
  signal_name: "Gear", unit: "", min_value: 0, max_value: 2, avg_value: 1, description: "Lever position",
  choices: { "10": "Sport", "0": "Park", "-1": "Reverse" },
};
const speed = { signal_name: "Speed", unit: "km/h", min_value: 0, max_value: 99, avg_value: 50 };

it.each([
  ["gear", [gear]], ["lever", [gear]], ["sport", [gear]], ["km/h", [speed]], ["Drive.Speed", [speed]], ["drive lever", [gear]],
  ["lever km/h", []], ["", [gear, speed]],
])("finds signals by %j", (text, found) => {
  expect(matching("Drive", [gear, speed], wordsOf(text))).toEqual(found);
});

it("finds vehicles by a part of their id", () => {
  const fleet = ["EV_ALPHA", "ev_bravo"].map((vehicle_id) => ({ vehicle_id }));
  expect([named(fleet, "EV_B"), named(fleet, ""), named(fleet, "x")]).toEqual([[fleet[1]], fleet, []]);
});
