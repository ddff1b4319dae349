import { describe, expect, it } from "vitest";
import { readAddress, writeAddress, type Address } from "./url";

const view: Address = {
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
    ["nothing chosen yet", { vehicle: null, signals: null, range: null, live: false }],
    ["names beyond ASCII", { ...view, signals: ["Müller & Söhne.Größe=1", "A.b"] }],
  ])("brings back %s", (_, address) => {
    expect(readAddress(writeAddress(address))).toEqual(address);
  });

  it("reads what is wrong as not said", () => {
    expect(readAddress("?v=X&s=nodot,,A.b,A.b&from=yesterday&to=2025-01-15T08:00:00Z&live=yes")).toEqual({
      vehicle: "X", signals: ["A.b"], range: null, live: false,
    });
    expect(readAddress("?from=2025-01-16T00:00:00Z&to=2025-01-15T00:00:00Z").range).toBeNull();
  });
});
