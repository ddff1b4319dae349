import { beforeEach, expect, it, vi } from "vitest";
import { stubStorage } from "./testing";

stubStorage();
beforeEach(() => void vi.stubGlobal("document", { documentElement: { dataset: {} } }));

it("is remembered when somebody chooses it, and not when a link shows it", async () => {
  const { restoreTheme, showTheme, switchTheme, useTheme } = await import("./theme");
  restoreTheme();
  expect(useTheme.getState().theme).toBe("dark");
  switchTheme();
  showTheme("dark");
  restoreTheme();
  expect(useTheme.getState().theme).toBe("light");
});

it("is dark where nothing may be stored, and changes all the same", async () => {
  vi.stubGlobal("localStorage", {
    getItem: () => { throw new DOMException("denied"); },
    setItem: () => { throw new DOMException("denied"); },
  });
  const { restoreTheme, switchTheme, useTheme } = await import("./theme");
  restoreTheme();
  switchTheme();
  expect(useTheme.getState().theme).toBe("light");
});
