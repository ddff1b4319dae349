import { expect, it } from "vitest";
import { assignSlots, SLOTS } from "./palette";

it("gives each signal a colour of its own as long as there are some", () => {
  const keys = Array.from({ length: SLOTS + 2 }, (_, i) => `M.s${i}`);
  const slots = Object.values(assignSlots(keys, {}));
  expect(new Set(slots.slice(0, SLOTS)).size).toBe(SLOTS);
  expect(slots.slice(SLOTS)).toEqual([0, 1]);
});
