import { beforeEach, describe, expect, it } from "vitest";
import { readAddress } from "./url";
import {
  alignRuns, clearCursors, followNewest, openAddress, openRange, pickVehicle, placeSignal, resetRange, selectSignals, setCursor, settleRange,
  showRange, slideRange, stepBack, stepForward, toggleRun, toggleSignal, useView,
} from "./view";

const view = useView.getState;
const range = (from: number, to: number) => ({ from, to });

beforeEach(() => {
  openAddress(readAddress(""));
  pickVehicle("VIN_1");
  openRange(range(0, 1000));
});

describe("the range", () => {
  it("goes back and forward like a browser, and resets to the session", () => {
    showRange(range(100, 200));
    showRange(range(120, 150));
    stepBack();
    expect(view().range).toEqual(range(100, 200));
    stepForward();
    expect(view().range).toEqual(range(120, 150));
    stepBack();
    showRange(range(0, 500));
    expect(view().future).toEqual([]);
    resetRange();
    expect(view().range).toEqual(range(0, 1000));
  });

  it("counts the same selection of all synced panels once", () => {
    for (let panel = 0; panel < 4; panel++) showRange(range(100, 200));
    expect(view().past).toHaveLength(1);
  });

  it("counts a gesture as one step", () => {
    for (let x = 1; x < 20; x++) slideRange(range(x, 1000 + x));
    settleRange(range(0, 1000));
    expect(view().past).toEqual([range(0, 1000)]);
  });

  it("follows the newest sample while it is live: the whole session grows, a closer view slides", () => {
    followNewest(5000);
    expect(view().range).toEqual(range(0, 1000));
    openRange(range(0, 1000), true);
    followNewest(1500);
    expect([view().range, view().home]).toEqual([range(0, 2000), range(0, 2000)]);
    useView.setState({ range: range(1500, 2000) });
    followNewest(2600);
    expect([view().range, view().home]).toEqual([range(2500, 3000), range(0, 3000)]);
    followNewest(100);
    expect(view().range).toEqual(range(2500, 3000));
  });

  it("stops following live data when somebody looks elsewhere", () => {
    openRange(range(0, 1000), true);
    expect(view().live).toBe(true);
    showRange(range(0, 10));
    expect(view().live).toBe(false);
  });
});

describe("signals", () => {
  it("keep their colour while others come and go", () => {
    selectSignals(["A.a", "B.b", "C.c"]);
    toggleSignal("A.a");
    expect(view().slots).toEqual({ "B.b": 1, "C.c": 2 });
    toggleSignal("D.d");
    expect(view().slots).toEqual({ "B.b": 1, "C.c": 2, "D.d": 0 });
  });

  it("are carried to another vehicle until it is known which of them it has", () => {
    selectSignals(["A.a"]);
    pickVehicle("VIN_2");
    expect(view()).toMatchObject({ vehicle: "VIN_2", signals: ["A.a"], carried: true, range: null, home: null, past: [] });
    selectSignals(["A.a"]);
    expect(view().carried).toBe(false);
  });
});

it("opens a link as it was sent", () => {
  openAddress(readAddress("?v=VIN_9&s=A.a,B.b&from=2025-01-15T08:00:00Z&to=2025-01-15T09:00:00Z"));
  expect(view()).toMatchObject({ vehicle: "VIN_9", signals: ["A.a", "B.b"], slots: { "A.a": 0, "B.b": 1 }, past: [] });
  expect(view().home).toEqual(view().range);
});

describe("what is laid over the picture", () => {
  it("is measured as exactly as one can point", () => {
    openRange(range(0, 4_000_000));
    setCursor("a", 1234.5);
    expect(view().cursors).toEqual({ a: 1000, b: null });
    openRange(range(0, 1000));
    setCursor("b", 1.23456);
    expect(view().cursors).toEqual({ a: 1000, b: 1.2 });
    clearCursors();
    expect(view().cursors).toEqual({ a: null, b: null });
  });

  it("keeps a moved signal where it is until it goes", () => {
    selectSignals(["A.a", "B.b"]);
    placeSignal("A.a", "V");
    expect(view().placed).toEqual({ "A.a": "V" });
    placeSignal("A.a", null);
    expect(view().placed).toEqual({});
    placeSignal("A.a", "V");
    toggleSignal("A.a");
    expect(view().placed).toEqual({});
  });

  it("holds other runs until they are taken away or the vehicle changes", () => {
    const run = { vehicle: "VIN_2", start: 5000 };
    toggleRun(run, 1000);
    alignRuns("clock");
    expect(view().overlay).toEqual({ runs: [run], align: "clock", origin: 1000 });
    toggleRun({ ...run }, 1000);
    expect(view().overlay.runs).toEqual([]);
    toggleRun(run, 0);
    pickVehicle("VIN_3");
    expect(view().overlay.runs).toEqual([]);
  });
});
