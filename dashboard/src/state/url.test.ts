import { describe, expect, it } from "vitest";
import { NOWHERE, readAddress, writeAddress, type Address } from "./url";

const view: Address = {
  ...NOWHERE,
  vehicle: "VIN_1",
  signals: ["BMS.Pack_SOC", "Motor.RPM"],
  range: { from: Date.parse("2025-01-15T08:00:00Z"), to: Date.parse("2025-01-15T08:20:00.250Z") },
  live: false,
};

describe("the address", () => {
  it("is readable", () => {
    expect(writeAddress(view)).toBe(
      "?v=VIN_1&s=BMS.Pack_SOC,Motor.RPM&from=2025-01-15T08:00:00Z&to=2025-01-15T08:20:00.25Z",
    );
  });

  it.each<[string, Address]>([
    ["a view", view],
    ["a live view", { ...view, live: true }],
    ["no signal chosen on purpose", { ...view, signals: [] }],
    ["nothing chosen yet", NOWHERE],
    ["names beyond ASCII", { ...view, signals: ["Müller & Söhne.Größe=1", "A.b"] }],
    ["moved signals, whatever their names hold", { ...view, placed: { "A.b,~c": "km/h", "Müller.x": "#1", "C.d": "%" } }],
    ["cursors, to the microsecond", { ...view, cursors: { a: 1_736_928_000_000.25, b: null } }],
    [
      "runs laid over",
      { ...view, overlay: { runs: [{ vehicle: "VIN_2", start: 5000 }, { vehicle: "a-b_c", start: 0.5 }], align: "clock", origin: 1000 } },
    ],
    ["a theme", { ...view, theme: "light" }],
  ])("brings back %s", (_, address) => {
    expect(readAddress(writeAddress(address))).toEqual(address);
  });

  it("reads what is wrong as not said", () => {
    const wrong = "?v=X&s=nodot,,A.b,A.b&from=yesterday&to=2025-01-15T08:00:00Z&live=yes&p=A.b,~,c~d,%25~V&a=noon&o=X,@,Y@1&theme=red";
    expect(readAddress(wrong)).toEqual({ ...NOWHERE, vehicle: "X", signals: ["A.b"] });
    expect(readAddress("?o=VIN_2@2025-01-15T08:00:00Z").overlay.runs).toEqual([]);
    expect(readAddress("?from=2025-01-16T00:00:00Z&to=2025-01-15T00:00:00Z").range).toBeNull();
  });
});
