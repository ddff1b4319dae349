import { expect, it, vi } from "vitest";
import { stubStorage } from "./testing";

const store = stubStorage();
const USUAL = { maxPoints: null, showGrid: true };

it("is remembered", async () => {
  const { setDisplay, switchGrid, useDisplay } = await import("./display");
  expect(useDisplay.getState()).toEqual(USUAL);
  setDisplay({ maxPoints: 5000 });
  switchGrid();
  vi.resetModules();
  const again = await import("./display");
  expect(again.useDisplay.getState()).toEqual({ maxPoints: 5000, showGrid: false });
});

it.each(["no JSON", "null", "7", '{"maxPoints":-1,"showGrid":"no"}', '{"maxPoints":"5000"}'])("reads %j as usual", async (text) => {
  store.set("can-telemetry.display", text);
  const { useDisplay } = await import("./display");
  expect(useDisplay.getState()).toEqual(USUAL);
});
