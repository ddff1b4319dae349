import { describe, expect, it } from "vitest";
import { endingAt, MIN_SPAN, panned, sameRange, spanOf, tidyRange, zoomed } from "./range";

const hour = { from: 1_736_928_000_000, to: 1_736_931_600_000 };

describe("ranges", () => {
  it("zoom around a point that stays in place", () => {
    const closer = zoomed(hour, 0.5, 0.25);
    expect(spanOf(closer)).toBe(1_800_000);
    expect(closer.from + spanOf(closer) * 0.25).toBe(hour.from + spanOf(hour) * 0.25);
    expect(zoomed(closer, 2, 0.25)).toEqual(hour);
  });

  it("pan there and back", () => {
    expect(panned(hour, 0.5).from).toBe(hour.from + 1_800_000);
    expect(panned(panned(hour, 0.5), -0.5)).toEqual(hour);
  });

  it("follow the newest data without cutting it", () => expect(endingAt(hour, hour.to + 1234.5).to).toBe(hour.to + 1234.5));

  it("are tidied by less than a pixel, whichever way round they are drawn", () => {
    const drawn = tidyRange(hour.to - 123.456_78, hour.from + 0.123_456);
    expect(drawn).toEqual({ from: hour.from, to: hour.to - 100 });
    expect(tidyRange(hour.from, hour.from + 1000.123_456)).toEqual({ from: hour.from, to: hour.from + 1000.1 });
  });

  it("never become too narrow to draw", () => {
    let range = hour;
    for (let i = 0; i < 60; i++) range = zoomed(range, 0.5);
    expect(spanOf(range)).toBeCloseTo(MIN_SPAN, 2);
    expect(tidyRange(5000, 5000)).toEqual({ from: 4995, to: 5005 });
  });

  it("are the same by their borders", () => {
    expect([sameRange(hour, { ...hour }), sameRange(hour, null), sameRange(null, null)]).toEqual([true, false, true]);
  });
});
