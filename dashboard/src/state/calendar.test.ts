import { describe, expect, it } from "vitest";
import type { Session } from "../api/types";
import { dayOf, formatMonth, laterMonth, monthOf, neighbourSession, recordedIn, sessionsByDay, weeksOf } from "./calendar";

const at = (text: string): number => Date.parse(text);
const session = (from: string, to: string): Session => ({ date: from.slice(0, 10), start_time: from, end_time: to, sample_count: 1 });

describe("months", () => {
  it("are shown in weeks that begin on Monday", () => {
    const weeks = weeksOf(at("2025-01-01T00:00Z"));
    expect(weeks).toHaveLength(5);
    expect(weeks[0]?.[0]).toBe(at("2024-12-30T00:00Z"));
    expect(weeks.at(-1)?.at(-1)).toBe(at("2025-02-02T00:00Z"));
    expect(weeksOf(at("2021-02-01T00:00Z"))).toHaveLength(4); // 28 days from a Monday on
    expect(weeksOf(at("2026-08-01T00:00Z"))).toHaveLength(6);
  });

  it("follow each other over the year", () => {
    expect(laterMonth(at("2025-12-31T10:00Z"), 1)).toBe(at("2026-01-01T00:00Z"));
    expect(laterMonth(at("2025-01-31T10:00Z"), -1)).toBe(at("2024-12-01T00:00Z"));
    expect(formatMonth(monthOf(at("2025-01-31T23:59Z")))).toBe("January 2025");
  });
});

const late = session("2025-01-15T23:50:00Z", "2025-01-16T00:10:00Z");
const noon = session("2025-01-15T12:00:00Z", "2025-01-15T12:30:00Z");
const sessions = [late, noon];

describe("days", () => {
  it("hold the sessions that touch them", () => {
    const days = sessionsByDay(sessions);
    expect([...days.keys()].sort()).toEqual([dayOf(at("2025-01-15T12:00Z")), at("2025-01-16T00:00Z")]);
    expect(days.get(at("2025-01-15T00:00Z"))).toEqual([late, noon]);
    expect(days.get(at("2025-01-16T00:00Z"))).toEqual([late]);
    // one that ends at midnight is not of the next day
    expect(sessionsByDay([session("2025-01-15T23:00:00Z", "2025-01-16T00:00:00Z")]).size).toBe(1);
  });

  it("are shown as far as they were recorded", () => {
    expect(recordedIn(at("2025-01-15T00:00Z"), sessions)).toEqual({ from: at("2025-01-15T12:00Z"), to: at("2025-01-16T00:00Z") });
    expect(recordedIn(at("2025-01-16T00:00Z"), [late])).toEqual({ from: at("2025-01-16T00:00Z"), to: at("2025-01-16T00:10Z") });
  });
});

describe("the next session", () => {
  const within = { from: at("2025-01-15T12:10:00Z"), to: at("2025-01-15T12:20:00Z") };
  const between = { from: at("2025-01-15T14:00:00Z"), to: at("2025-01-15T15:00:00Z") };

  it("is the one beside the one in view", () => {
    expect(neighbourSession(sessions, within, 1)).toBe(late);
    expect(neighbourSession(sessions, within, -1)).toBeNull();
  });

  it("is the nearest one from a view between two", () => {
    expect(neighbourSession(sessions, between, 1)).toBe(late);
    expect(neighbourSession(sessions, between, -1)).toBe(noon);
    expect(neighbourSession([], between, 1)).toBeNull();
  });
});
