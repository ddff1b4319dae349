import { describe, expect, it } from "vitest";
import { fileName } from "./download";

describe("fileName", () => {
  it("holds nothing that a file system refuses", () => {
    expect(fileName(["VIN_1", "2025-01-15T08:00:00Z", "L/min"], "png")).toBe("VIN_1_2025-01-15T08-00-00Z_L-min.png");
    expect(fileName(["VIN_1", "", "%"], "csv")).toBe("VIN_1_percent.csv");
  });
});
