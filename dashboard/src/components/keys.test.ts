import { describe, expect, it } from "vitest";
import { KEY_GROUPS, keyRun } from "./keys";

const every = KEY_GROUPS.flatMap(({ keys }) => keys);

describe("the table of keys", () => {
  it("gives no key two meanings", () => {
    const names = every.flatMap(({ keys }) => keys);
    expect(new Set(names).size).toBe(names.length);
  });

  it("says of each what it does", () => {
    expect(every.every(({ does }) => does.length > 3)).toBe(true);
  });

  it("finds what a key does by the browser's name of it", () => {
    expect(keyRun("ArrowLeft")).toBe(keyRun("h"));
    expect(keyRun("=")).toBe(keyRun("+"));
    expect(keyRun("Escape")).toBeUndefined();
    expect(keyRun("q")).toBeUndefined();
  });
});
