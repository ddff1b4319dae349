import { beforeEach, expect, it, vi } from "vitest";
import { followPointer } from "./follow";

beforeEach(() => void vi.stubGlobal("window", new EventTarget()));

it.each([["pointerup", "pointercancel"], ["pointercancel", "pointerup"]])("ends with %s, once and for all", (first, second) => {
  const [move, end] = [vi.fn(), vi.fn()];
  followPointer(move, end);
  for (const type of ["pointermove", "pointermove", first, "pointermove", second]) window.dispatchEvent(new Event(type));
  expect([move.mock.calls.length, end.mock.calls.length]).toEqual([2, 1]);
});
