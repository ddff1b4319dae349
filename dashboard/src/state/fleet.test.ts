import { describe, expect, it } from "vitest";
import type { DayHealth } from "../api/types";
import { decodedShare, faultsOf, formatShare, ordered, reordered, sumOf, toneOf } from "./fleet";

const day = (counts: Partial<DayHealth>): DayHealth => ({
  date: "2025-01-15", objects: 1, rows: 100, decoded_frames: 100, truncated: 0, unknown_id: 0, decode_error: 0, skipped: 0,
  bad_rows: 0, quarantined: 0, pending: 0, unreadable: 0, ...counts,
});
const vehicle = (vehicle_id: string, last_seen: string | null, ...days: DayHealth[]) => ({ vehicle_id, last_seen, days });

it("sums days", () => {
  expect(sumOf([day({ unknown_id: 3 }), day({ unknown_id: 4, rows: 50 })])).toMatchObject({ rows: 150, unknown_id: 7 });
  expect(sumOf([])).toMatchObject({ rows: 0, quarantined: 0 });
});

describe("the decoded share", () => {
  it("leaves out what nobody can decode", () => {
    expect(decodedShare({ rows: 110, decoded_frames: 50, skipped: 10 })).toBe(0.5);
    expect(decodedShare({ rows: 5, decoded_frames: 0, skipped: 5 })).toBeNull();
  });

  it.each([[null, "–"], [1, "100 %"], [0.999999, "99.99 %"], [0.5, "50.0 %"], [0, "0.0 %"]])("of %j is written %s", (share, text) => {
    expect(formatShare(share)).toBe(text);
  });
});

it.each([
  [{}, "good"], [{ quarantined: 1 }, "bad"], [{ bad_rows: 1 }, "bad"], [{ decode_error: 1 }, "warn"], [{ pending: 1 }, "warn"],
  [{ decoded_frames: 90, unknown_id: 10 }, "warn"], [{ decoded_frames: 96, unknown_id: 4 }, "good"], [{ rows: 0, decoded_frames: 0 }, ""],
])("%j is %j", (counts, tone) => {
  expect(toneOf(sumOf([day(counts)]))).toBe(tone);
});

it("orders by any column, and equal ones by name", () => {
  const fleet = [
    vehicle("B", "2025-01-15T08:00:00Z", day({ unknown_id: 1 })),
    vehicle("A", null, day({ unknown_id: 1 })),
    vehicle("C", "2025-01-16T08:00:00Z", day({ unknown_id: 9 })),
  ];
  const names = (by: Parameters<typeof ordered>[1]["by"], down: boolean) => ordered(fleet, { by, down }).map(({ vehicle_id }) => vehicle_id).join("");
  expect(names("vehicle", false)).toBe("ABC");
  expect(names("vehicle", true)).toBe("CBA");
  expect(names("unknown_id", true)).toBe("CAB");
  expect(names("seen", true)).toBe("CBA");
});

it("says how well vehicles are decoded, and what is wrong", () => {
  expect(faultsOf(sumOf([day({})]))).toBe("100 % decoded");
  expect(faultsOf(sumOf([day({ decoded_frames: 98, unknown_id: 2, quarantined: 1 })]))).toBe("98.0 % decoded · 2 with unknown ids · 1 in quarantine");
  expect(faultsOf(sumOf([day({ unknown_id: 1, decode_error: 1, bad_rows: 1 })]))).toBe("100 % decoded · 1 with an unknown id · 1 with an error · 1 bad row");
  expect(faultsOf(sumOf([]))).toBe("no frames in the newest days");
});

it("a column pressed again turns round", () => {
  expect(reordered({ by: "seen", down: true }, "quarantined")).toEqual({ by: "quarantined", down: true });
  expect(reordered({ by: "quarantined", down: true }, "quarantined")).toEqual({ by: "quarantined", down: false });
  expect(reordered({ by: "seen", down: true }, "decoded")).toEqual({ by: "decoded", down: false });
});
