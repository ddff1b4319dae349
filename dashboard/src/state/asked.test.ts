import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { listenToView, useAsked } from "./asked";
import { NOWHERE } from "./url";
import { followRange, openAddress, showRange, useView } from "./view";

const at = (from: number) => ({ from, to: from + 1000 });
const asked = (): number | undefined => useAsked.getState().range?.from;

beforeAll(() => {
  vi.useFakeTimers();
  listenToView();
});
afterAll(() => void vi.useRealTimers());

beforeEach(() => {
  openAddress({ ...NOWHERE, vehicle: "EV1" });
  useView.setState({ range: at(0) });
  vi.advanceTimersByTime(60_000);
});

test("a first step is asked for with the key that makes it", () => {
  showRange(at(1));
  expect(asked()).toBe(1);
});

test("steps that follow quickly are asked for once, when they rest", () => {
  for (const step of [1, 2, 3]) {
    showRange(at(step));
    vi.advanceTimersByTime(100);
  }
  expect(asked()).toBe(1);
  vi.advanceTimersByTime(30);
  expect(asked()).toBe(3);
});

test("another vehicle does not wait", () => {
  showRange(at(1));
  openAddress({ ...NOWHERE, vehicle: "EV2", range: at(7) });
  expect(asked()).toBe(7);
});

test("a view that follows asks every ten seconds, of where it is then", () => {
  useView.setState({ live: true });
  for (let second = 1; second <= 9; second++) {
    followRange(at(second), at(second));
    vi.advanceTimersByTime(1000);
  }
  expect(asked()).toBe(0);
  vi.advanceTimersByTime(1000);
  expect(asked()).toBe(9);
});
