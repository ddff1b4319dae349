import { expect, it } from "vitest";
import { freshPanel } from "./placement";

it("names a new panel as no other is named", () => {
  expect(freshPanel([])).toBe("#1");
  expect(freshPanel(["V", "#1", "#3"])).toBe("#2");
});
