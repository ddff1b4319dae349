import { expect, it, vi } from "vitest";
import { stubStorage } from "./testing";

const store = stubStorage();

it("remembers what was marked, and forgets what is marked no more", async () => {
  const { toggleFavourite, useFavourites } = await import("./favourites");
  toggleFavourite("A.a");
  toggleFavourite("B.b");
  toggleFavourite("A.a");
  expect(useFavourites.getState().keys).toEqual(["B.b"]);
  vi.resetModules();
  const again = await import("./favourites");
  expect(again.useFavourites.getState().keys).toEqual(["B.b"]);
});

it.each(["no JSON", '{"A.a":1}', '["A.a",7,"nodot",null,"A.a"]'])("reads %j without harm", async (text) => {
  store.set("can-telemetry.favourites", text);
  const { useFavourites } = await import("./favourites");
  expect(useFavourites.getState().keys).toEqual(text.startsWith("[") ? ["A.a"] : []);
});

it("works where nothing may be stored", async () => {
  vi.stubGlobal("localStorage", {
    getItem: () => { throw new DOMException("denied"); },
    setItem: () => { throw new DOMException("denied"); },
  });
  const { toggleFavourite, useFavourites } = await import("./favourites");
  toggleFavourite("A.a");
  expect(useFavourites.getState().keys).toEqual(["A.a"]);
});
