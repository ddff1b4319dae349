/** What tests of remembered things share: a storage of their own, and modules that read it anew. */

import { beforeEach, vi } from "vitest";

/** The texts that the browser remembers, by name; before each test there are none, and no module has read any. */
export function stubStorage(): Map<string, string> {
  const store = new Map<string, string>();
  beforeEach(() => {
    store.clear();
    vi.resetModules();
    vi.stubGlobal("localStorage", {
      getItem: (name: string) => store.get(name) ?? null,
      setItem: (name: string, text: string) => store.set(name, text),
    });
  });
  return store;
}
