import { expect, it } from "vitest";
import { sessionOf, sessionRange, wholeAround } from "./session";

const session = { date: "2025-01-15", start_time: "2025-01-15T08:00:00.007Z", end_time: "2025-01-15T08:19:59.998Z", sample_count: 1 };
const next = { ...session, start_time: "2025-01-15T09:00:00.000Z", end_time: "2025-01-15T10:00:00.000Z" };

it("holds every sample and begins and ends on whole seconds", () => {
  expect(sessionRange(session)).toEqual({ from: Date.parse("2025-01-15T08:00:00Z"), to: Date.parse("2025-01-15T08:20:00Z") });
  expect(sessionRange(next).to).toBe(Date.parse("2025-01-15T10:00:00Z"));
});

it("is found by the middle of a range", () => {
  const { from } = sessionRange(next);
  expect(sessionOf({ from: from - 1000, to: from + 5000 }, [next, session])).toBe(next);
  expect(sessionOf({ from: 0, to: 1 }, [next, session])).toBeNull();
});

it("a range that left what it came from lies in its own session", () => {
  const home = sessionRange(next);
  const inside = { from: home.from + 1000, to: home.from + 2000 };
  const elsewhere = { from: sessionRange(session).from, to: sessionRange(session).from + 1000 };
  expect(wholeAround(inside, home, [next, session])).toBe(home);
  expect(wholeAround(elsewhere, home, [next, session])).toEqual(sessionRange(session));
  expect(wholeAround({ from: 0, to: 1 }, home, [next, session])).toBe(home);
  expect(wholeAround(inside, null, [])).toBe(inside);
});
