import { expect, it } from "vitest";
import { chartsHref, pageOf } from "./page";
import { readAddress } from "./url";

it.each([["/", "charts"], ["/fleet", "fleet"], ["/fleet/", "fleet"], ["/fleets", "charts"], ["/nowhere", "charts"]])("%s is %s", (path, page) => {
  expect(pageOf(path)).toBe(page);
});

it("links to charts as the address reads them", () => {
  const range = { from: Date.parse("2025-01-15T08:00:00Z"), to: Date.parse("2025-01-15T09:00:00Z") };
  const href = chartsHref("EV 1", range, ["A.a", "B & C.b"]);
  expect(readAddress(href.slice(1))).toMatchObject({ vehicle: "EV 1", range, signals: ["A.a", "B & C.b"] });
  expect(chartsHref("EV_1")).toBe("/?v=EV_1");
});
